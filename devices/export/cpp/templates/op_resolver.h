// The operators of the network and no others: every further one costs flash.
// A registration that ends in a type carries the code of that type only.
#ifndef TINYFRONT_OP_RESOLVER_H_
#define TINYFRONT_OP_RESOLVER_H_

$includes

namespace tinyfront {

using OpResolver = tflite::MicroMutableOpResolver<$count>;

inline TfLiteStatus RegisterOperators(OpResolver& resolver) {
$calls
  return kTfLiteOk;
}

}  // namespace tinyfront

#endif  // TINYFRONT_OP_RESOLVER_H_
