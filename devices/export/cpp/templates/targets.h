// What the network predicts: from a stored output to a value in the target's own unit.
// Names are UTF-8.
#ifndef TINYFRONT_TARGETS_H_
#define TINYFRONT_TARGETS_H_

#include <cstddef>

#include "quantization.h"

namespace tinyfront {

constexpr std::size_t kTargetCount = $count;
constexpr const char* kTargetNames[kTargetCount] = {
$names
};

// The network gives (value - mean) / deviation.
constexpr float kTargetMeans[kTargetCount] = {$means};
constexpr float kTargetDeviations[kTargetCount] = {$deviations};

// The value of output number `index`, from 0, in the target's unit.
inline float TargetValue(std::size_t index, OutputType stored) {
  return DequantizeOutput(stored) * kTargetDeviations[index] + kTargetMeans[index];
}

}  // namespace tinyfront

#endif  // TINYFRONT_TARGETS_H_
