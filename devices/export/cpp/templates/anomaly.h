// How strange a sample is to a network that gives its input back.
#ifndef TINYFRONT_ANOMALY_H_
#define TINYFRONT_ANOMALY_H_

#include <cstddef>

#include "quantization.h"

namespace tinyfront {

// Above it a sample is an anomaly; chosen on the validation split.
constexpr float kAnomalyThreshold = $threshold;

static_assert(kInputElements == kOutputElements, "the network gives its input back");

// Mean squared difference of the network's inputs before they are stored, as Normalize
// gives them or the third argument of Preprocess, and its stored outputs.
inline float AnomalyScore(const float* inputs, const OutputType* stored) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < kInputElements; ++i) {
    const float difference = DequantizeOutput(stored[i]) - inputs[i];
    sum += difference * difference;
  }
  return sum / static_cast<float>(kInputElements);
}

inline bool IsAnomaly(const float* inputs, const OutputType* stored) {
  return AnomalyScore(inputs, stored) > kAnomalyThreshold;
}

}  // namespace tinyfront

#endif  // TINYFRONT_ANOMALY_H_
