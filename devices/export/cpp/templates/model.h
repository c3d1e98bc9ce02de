// The network: a .tflite file of $bytes bytes, to be read where it lies in flash.
// sha256 $sha256
#ifndef TINYFRONT_MODEL_H_
#define TINYFRONT_MODEL_H_

#include <cstddef>

namespace tinyfront {

constexpr char kRun[] = $run;
constexpr int kTrial = $trial;
constexpr char kModelSha256[] = "$sha256";
constexpr std::size_t kModelBytes = $bytes;

// Aligned to 16 bytes, as the interpreter and vector instructions want it.
alignas(16) extern const unsigned char kModel[kModelBytes];

// What the interpreter reads.
inline const unsigned char* LoadModel() { return kModel; }

}  // namespace tinyfront

#endif  // TINYFRONT_MODEL_H_
