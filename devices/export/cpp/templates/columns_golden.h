// Rows with what the training makes of them: first those of the golden samples, then others of the table with something
// missing or unknown, then made ones at and far beyond the ends.
#ifndef TINYFRONT_COLUMNS_GOLDEN_H_
#define TINYFRONT_COLUMNS_GOLDEN_H_

#include <cstddef>
#include <limits>

#include "columns.h"

namespace tinyfront {

constexpr std::size_t kGoldenRowCount = $count;

// As many golden inputs were made from the first rows.
constexpr std::size_t kGoldenSampleRows = $samples;

const Row kGoldenRows[kGoldenRowCount] = {
$rows
};

constexpr float kGoldenEncoded[kGoldenRowCount][kEncodedElements] = {
$encoded
};

}  // namespace tinyfront

#endif  // TINYFRONT_COLUMNS_GOLDEN_H_
