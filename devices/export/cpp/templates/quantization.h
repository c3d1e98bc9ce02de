// From raw values to what the network stores, and back:
//   x = Normalize(raw); stored = QuantizeInput(x); ... y = DequantizeOutput(stored)
// Raw values are $raw_meaning.
#ifndef TINYFRONT_QUANTIZATION_H_
#define TINYFRONT_QUANTIZATION_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tinyfront {

// Network input = (raw - kNormalizationOffset) * kNormalizationFactor.
constexpr float kNormalizationOffset = $offset;
constexpr float kNormalizationFactor = $factor;

// Real value = scale * (stored - zero point); a scale of 0 means not quantised.
using InputType = $input_type;
constexpr std::size_t kInputElements = $input_elements;  // shape $input_shape
constexpr float kInputScale = $input_scale;
constexpr std::int32_t kInputZeroPoint = $input_zero_point;

using OutputType = $output_type;
constexpr std::size_t kOutputElements = $output_elements;  // shape $output_shape
constexpr float kOutputScale = $output_scale;
constexpr std::int32_t kOutputZeroPoint = $output_zero_point;

inline float Normalize(float raw) { return (raw - kNormalizationOffset) * kNormalizationFactor; }

// Halves are rounded away from zero, as TensorFlow Lite's QUANTIZE does; what
// does not fit the type is cut off, and not-a-number becomes the lowest value.
template <typename T>
inline T Quantize(float x, float scale, std::int32_t zero_point) {
  if (std::is_floating_point<T>::value || scale == 0.0f) {
    return static_cast<T>(x);
  }
  const float stored = std::round(x / scale) + static_cast<float>(zero_point);
  if (!(stored > static_cast<float>(std::numeric_limits<T>::lowest()))) {
    return std::numeric_limits<T>::lowest();
  }
  if (stored >= static_cast<float>(std::numeric_limits<T>::max())) {
    return std::numeric_limits<T>::max();
  }
  return static_cast<T>(stored);
}

template <typename T>
inline float Dequantize(T stored, float scale, std::int32_t zero_point) {
  if (std::is_floating_point<T>::value || scale == 0.0f) {
    return static_cast<float>(stored);
  }
  return scale * static_cast<float>(static_cast<std::int32_t>(stored) - zero_point);
}

inline InputType QuantizeInput(float x) { return Quantize<InputType>(x, kInputScale, kInputZeroPoint); }

inline float DequantizeOutput(OutputType stored) { return Dequantize(stored, kOutputScale, kOutputZeroPoint); }

}  // namespace tinyfront

#endif  // TINYFRONT_QUANTIZATION_H_
