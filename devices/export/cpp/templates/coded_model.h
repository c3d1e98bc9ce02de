// The network: a .tflite file of $bytes bytes, Huffman-coded into $package_bytes bytes of
// flash. It is unpacked into RAM before the interpreter is built.
// sha256 of the .tflite $sha256
#ifndef TINYFRONT_MODEL_H_
#define TINYFRONT_MODEL_H_

#include <cstddef>

namespace tinyfront {

constexpr char kRun[] = $run;
constexpr int kTrial = $trial;
constexpr char kModelSha256[] = "$sha256";
constexpr std::size_t kModelBytes = $bytes;
constexpr std::size_t kPackageBytes = $package_bytes;

extern const unsigned char kPackage[kPackageBytes];

// Unpacks the package into a buffer of kModelBytes bytes of RAM, aligned to 16
// bytes, and returns that; null where the package is torn. Call it once, before
// the interpreter is built: the buffer is in use as long as the interpreter.
const unsigned char* LoadModel();

}  // namespace tinyfront

#endif  // TINYFRONT_MODEL_H_
