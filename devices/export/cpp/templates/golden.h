// Real samples with the answers of an interpreter, as stored values.
#ifndef TINYFRONT_GOLDEN_H_
#define TINYFRONT_GOLDEN_H_

#include <cstddef>

#include "quantization.h"

namespace tinyfront {

constexpr std::size_t kGoldenCount = $count;

// The interpreter that gave each answer.
constexpr const char* kGoldenInterpreters[kGoldenCount] = {
$interpreters
};

// Index of each sample's true class; -1 where it is not known.
constexpr int kGoldenLabels[kGoldenCount] = {$labels};

// Integer answers must be equal; float ones may differ by this much, since
// the order of additions differs between kernel libraries.
constexpr float kGoldenTolerance = $tolerance;

constexpr InputType kGoldenInputs[kGoldenCount][kInputElements] = {
$inputs
};

constexpr OutputType kGoldenOutputs[kGoldenCount][kOutputElements] = {
$outputs
};

}  // namespace tinyfront

#endif  // TINYFRONT_GOLDEN_H_
