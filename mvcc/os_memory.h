// Memory from the OS, aligned.
#ifndef FIRN_MVCC_OS_MEMORY_H_
#define FIRN_MVCC_OS_MEMORY_H_

#include <cstddef>

namespace firn::internal {

// Fresh zeroed memory; null if the OS refuses. `bytes` and `alignment` are whole pages, and
// `alignment` is a power of two.
char* MapAligned(size_t bytes, size_t alignment);

// What MapAligned() returned, with the same size.
void UnmapMemory(void* data, size_t bytes);

}  // namespace firn::internal

#endif  // FIRN_MVCC_OS_MEMORY_H_
