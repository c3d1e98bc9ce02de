// Encodes rows and compares every bit with what the training made of them, and the network's input of the golden
// samples, made from their rows, with the golden one. Prints PASS or FAIL and returns 0 or 1.
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "columns_golden.h"
#include "golden.h"

namespace {

using tinyfront::InputType;

float raw[tinyfront::kEncodedElements];
InputType input[tinyfront::kInputElements];

std::size_t DifferentlyEncoded(std::size_t row) {
  std::size_t differing = 0;
  tinyfront::EncodeRow(tinyfront::kGoldenRows[row], raw);
  for (std::size_t i = 0; i < tinyfront::kEncodedElements; ++i) {
    differing += std::memcmp(&raw[i], &tinyfront::kGoldenEncoded[row][i], sizeof(float)) == 0 ? 0 : 1;
  }
  return differing;
}

// Of the row encoded last; $tolerance_note.
std::size_t DifferentlyStored(std::size_t sample) {
  std::size_t differing = 0;
  $filling
  for (std::size_t i = 0; i < tinyfront::kInputElements; ++i) {
    const float golden = static_cast<float>(tinyfront::kGoldenInputs[sample][i]);
    differing += std::fabs(static_cast<float>(input[i]) - golden) <= $tolerance ? 0 : 1;
  }
  return differing;
}

}  // namespace

int main() {
  std::size_t encoded = 0;
  std::size_t stored = 0;
  for (std::size_t row = 0; row < tinyfront::kGoldenRowCount; ++row) {
    encoded += DifferentlyEncoded(row);
    stored += row < tinyfront::kGoldenSampleRows ? DifferentlyStored(row) : 0;
  }
  std::printf("%lu rows: %lu values differ; inputs of %lu golden samples: %lu values differ\n%s\n",
              static_cast<unsigned long>(tinyfront::kGoldenRowCount), static_cast<unsigned long>(encoded),
              static_cast<unsigned long>(tinyfront::kGoldenSampleRows), static_cast<unsigned long>(stored),
              encoded + stored == 0 ? "PASS" : "FAIL");
  return encoded + stored == 0 ? 0 : 1;
}
