#include "mvcc/os_memory.h"

#include <sys/mman.h>

#include <cstdint>

namespace firn::internal {
namespace {

char* MapMemory(size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<char*>(data);
}

}  // namespace

char* MapAligned(size_t bytes, size_t alignment) {
  // The kernel mostly places a mapping next to the one before, so the first try often fits.
  char* data = MapMemory(bytes);
  if (data == nullptr) return nullptr;
  if (reinterpret_cast<uintptr_t>(data) % alignment == 0) return data;
  munmap(data, bytes);
  data = MapMemory(bytes + alignment);
  if (data == nullptr) return nullptr;
  const size_t before = -reinterpret_cast<uintptr_t>(data) % alignment;
  const size_t after = alignment - before;
  if (before > 0) munmap(data, before);
  munmap(data + before + bytes, after);
  return data + before;
}

void UnmapMemory(void* data, size_t bytes) {
  // Refused if it would split a mapping beyond the system's limit: then only addresses are lost.
  if (munmap(data, bytes) != 0) madvise(data, bytes, MADV_DONTNEED);
}

}  // namespace firn::internal
