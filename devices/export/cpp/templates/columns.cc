#include "columns.h"

namespace tinyfront {
namespace {

$helpers

}  // namespace

void EncodeRow(const Row& row, float* raw) {
$calls
}

}  // namespace tinyfront
