// RAM that the interpreter works in.
#ifndef TINYFRONT_ARENA_H_
#define TINYFRONT_ARENA_H_

#include <cstddef>

namespace tinyfront {

// What the 32-bit interpreter keeps on the device: activations and scratch,
// and the interpreter's own records. Calculated, without any margin.
constexpr std::size_t kActivationBytes = $activation_bytes;
constexpr std::size_t kBookkeepingBytes = $bookkeeping_bytes;
constexpr std::size_t kArenaBytes = $arena_bytes;

// What is set aside: kArenaBytes, or what planning the memory borrows at the
// start where that is more, and $margin_bytes bytes of margin. On a 64-bit host the
// interpreter's records are larger, and so is the arena.
// To save RAM, shrink the first figure until AllocateTensors() fails and go
// back a step; main.cc prints how much was used.
constexpr std::size_t kDeviceArenaSize = $device_bytes;
constexpr std::size_t kHostArenaSize = $host_bytes;
constexpr std::size_t kTensorArenaSize = sizeof(void*) > 4 ? kHostArenaSize : kDeviceArenaSize;

// Variables that live from one inference to the next (VAR_HANDLE).
constexpr int kResourceVariables = $resource_variables;

}  // namespace tinyfront

#endif  // TINYFRONT_ARENA_H_
