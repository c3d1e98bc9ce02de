// From a row of the table to the raw values of the network: missing values filled, texts encoded, numbers scaled.
#ifndef TINYFRONT_COLUMNS_H_
#define TINYFRONT_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "$next_header"

namespace tinyfront {

constexpr double kMissingNumber = std::numeric_limits<double>::quiet_NaN();

$enums// One row, in the order of the table. What is not set is missing; so is a number that is not finite.
// Numbers are in the units of the table, of double precision as in the training.
struct Row {
$fields
};

constexpr std::size_t kEncodedElements = $elements;
static_assert(kEncodedElements == $next_elements, "the columns are of another network");

// Makes the kEncodedElements raw values that $next_function takes. The arithmetic is that of the training, and so are
// the bits, as long as doubles have 64 bits and the compiler keeps to IEEE 754 (no -ffast-math).
void EncodeRow(const Row& row, float* raw);
$finders
}  // namespace tinyfront

#endif  // TINYFRONT_COLUMNS_H_
