// From a raw sample to the network's input: front-end $frontend.
#ifndef TINYFRONT_PREPROCESS_H_
#define TINYFRONT_PREPROCESS_H_

#include <cstddef>
#include <cstdint>

#include "quantization.h"

namespace tinyfront {

constexpr std::size_t kRawElements = $raw_elements;  // shape $raw_shape

// Fills the network's input tensor from one raw sample$raw_meaning.
// Works in static buffers of about $buffer_bytes bytes: not to be called twice at the same time.
// The arithmetic is that of the training, in single precision. Compile with
// -ffp-contract=off to have the very same bits; with fused multiplications and
// additions a stored value may differ by one now and then.
//
// network_inputs, where given, gets the kInputElements values as they are before
// they are stored, which may cut them off: what the outputs of a network that
// gives its input back are compared with.
void Preprocess(const float* raw, InputType* input, float* network_inputs = nullptr);
void Preprocess(const std::int16_t* raw, InputType* input, float* network_inputs = nullptr);

}  // namespace tinyfront

#endif  // TINYFRONT_PREPROCESS_H_
