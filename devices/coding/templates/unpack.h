/* Decodes a Huffman-coded model package (written by tinyfront) into the model file. */
#ifndef TINYFRONT_UNPACK_H_
#define TINYFRONT_UNPACK_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the model file in the package; 0 where it is no package. */
uint32_t tinyfront_unpacked_bytes(const uint8_t *package, size_t package_bytes);

/* Writes the model file to `out` and returns its bytes; 0 where the package is torn or `out` too small.
 * `out` must be aligned to 16 bytes for the interpreter.  Uses about 100 bytes of stack and no heap. */
uint32_t tinyfront_unpack(const uint8_t *package, size_t package_bytes, uint8_t *out, size_t out_bytes);

#ifdef __cplusplus
}
#endif

#endif
