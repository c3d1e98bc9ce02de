#include "preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

namespace tinyfront {
namespace {

$constants

$sources

float row_values[kRowElements];

$standardised

static_assert(kRows * kRowElements == kInputElements, "the front-end is of another network");

template <typename Raw>
void Run(const Raw* raw, InputType* input, float* network_inputs) {
  for (std::size_t row = 0; row < kRows; ++row) {
    ExtractRow(raw, row, row_values);
    for (std::size_t i = 0; i < kRowElements; ++i) {
      const float value = Normalize(Standardised(row_values[i], i));
      *input++ = QuantizeInput(value);
      if (network_inputs != nullptr) *network_inputs++ = value;
    }
  }
}

}  // namespace

void Preprocess(const float* raw, InputType* input, float* network_inputs) { Run(raw, input, network_inputs); }

void Preprocess(const std::int16_t* raw, InputType* input, float* network_inputs) { Run(raw, input, network_inputs); }

}  // namespace tinyfront
