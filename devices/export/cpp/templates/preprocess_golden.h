// The raw sample that golden input 0 was made from.
#ifndef TINYFRONT_PREPROCESS_GOLDEN_H_
#define TINYFRONT_PREPROCESS_GOLDEN_H_

#include <cstdint>

#include "preprocess.h"

namespace tinyfront {

constexpr $raw_type kGoldenRaw[kRawElements] = {
$raw
};

}  // namespace tinyfront

#endif  // TINYFRONT_PREPROCESS_GOLDEN_H_
