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
void Run(const Raw* raw, InputType* input) {
  for (std::size_t row = 0; row < kRows; ++row) {
    ExtractRow(raw, row, row_values);
    for (std::size_t i = 0; i < kRowElements; ++i) {
      *input++ = QuantizeInput(Normalize(Standardised(row_values[i], i)));
    }
  }
}

}  // namespace

void Preprocess(const float* raw, InputType* input) { Run(raw, input); }

void Preprocess(const std::int16_t* raw, InputType* input) { Run(raw, input); }

}  // namespace tinyfront
