#include "model.h"

namespace tinyfront {

alignas(16) const unsigned char kModel[kModelBytes] = {
$array
};

}  // namespace tinyfront
