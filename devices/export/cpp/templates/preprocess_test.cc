// Runs the front-end over one raw sample and compares the network's input that
// it makes with the one made in training. Prints PASS or FAIL and returns 0 or 1.
//
// Equal in all values where multiplications and additions are not fused; at
// most one value in a hundred may be one step off, and none more.
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <type_traits>

#include "golden.h"
#include "preprocess.h"
#include "preprocess_golden.h"

int main() {
  static tinyfront::InputType input[tinyfront::kInputElements];
  tinyfront::Preprocess(tinyfront::kGoldenRaw, input);
  std::size_t differing = 0;
  std::size_t far = 0;
  for (std::size_t i = 0; i < tinyfront::kInputElements; ++i) {
    const float golden = static_cast<float>(tinyfront::kGoldenInputs[0][i]);
    const float distance = std::fabs(static_cast<float>(input[i]) - golden);
    const bool is_real = std::is_floating_point<tinyfront::InputType>::value;
    differing += distance > 0.0f ? 1 : 0;
    far += distance <= (is_real ? 1e-4f * (1.0f + std::fabs(golden)) : 1.0f) ? 0 : 1;
  }
  const bool passed = far == 0 && differing * 100 <= tinyfront::kInputElements;
  std::printf("%lu of %lu values differ, %lu by more than one step\n%s\n", static_cast<unsigned long>(differing),
              static_cast<unsigned long>(tinyfront::kInputElements), static_cast<unsigned long>(far),
              passed ? "PASS" : "FAIL");
  return passed ? 0 : 1;
}
