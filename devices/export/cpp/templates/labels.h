// Names of the outputs, in order; kLabelCount is 0 where the task has none.
// Each string is UTF-8.
#ifndef TINYFRONT_LABELS_H_
#define TINYFRONT_LABELS_H_

#include <cstddef>

namespace tinyfront {

constexpr std::size_t kLabelCount = $count;
constexpr const char* kLabels[kLabelCount > 0 ? kLabelCount : 1] = {
$labels
};

}  // namespace tinyfront

#endif  // TINYFRONT_LABELS_H_
