#include "model.h"

#include "unpack.h"

namespace tinyfront {

const unsigned char kPackage[kPackageBytes] = {
$array
};

const unsigned char* LoadModel() {
  alignas(16) static unsigned char model[kModelBytes];
  return tinyfront_unpack(kPackage, kPackageBytes, model, kModelBytes) == kModelBytes ? model : nullptr;
}

}  // namespace tinyfront
