#include "mvcc/large_value_heap.h"

#include <sys/mman.h>

#include <limits>
#include <new>

#include "mvcc/allocation_fault.h"
#include "mvcc/check.h"
#include "mvcc/memory_poison.h"
#include "mvcc/os_memory.h"

namespace firn::internal {
namespace {

constexpr size_t RoundUp(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

LargeValueHeap::~LargeValueHeap() { FIRN_INVARIANT(value_count() == 0); }

size_t LargeValueHeap::UsableSize(size_t bytes) {
  if (bytes <= kMaxInRowBytes) return RoundUp(bytes, ValuePool::kCellBytes);
  if (bytes <= kMaxPooledBytes) return RoundUp(bytes, WideValuePool::kCellBytes);
  return RoundUp(bytes, kPageBytes);
}

void* LargeValueHeap::Allocate(size_t bytes) {
  MaybeFailAllocation();
  if (bytes > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  const size_t usable = UsableSize(bytes);
  void* data;
  if (bytes <= kMaxPooledBytes) {
    data = bytes <= kMaxInRowBytes ? pool_.Take(usable) : wide_pool_.Take(usable);
    AllowAccess(data, usable);
  } else {
    data = Map(usable);
  }
  allocated_bytes_.fetch_add(usable, std::memory_order_relaxed);
  value_count_.fetch_add(1, std::memory_order_relaxed);
  return data;
}

void* LargeValueHeap::Map(size_t bytes) {
  void* data = MapAligned(bytes, kHugePageBytes);
  if (data == nullptr) throw std::bad_alloc();
  madvise(data, bytes, MADV_HUGEPAGE);  // Refused, it works all the same.
  mapped_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return data;
}

void* LargeValueHeap::AllocateRow(size_t bytes) {
  MaybeFailAllocation();
  void* data = pool_.Take(bytes);
  AllowAccess(data, bytes);
  allocated_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return data;
}

void LargeValueHeap::BeginInRow(void* data) {
  pool_.DivideAt(data);
  value_count_.fetch_add(1, std::memory_order_relaxed);
}

void LargeValueHeap::Free(void* data, size_t bytes) {
  const size_t usable = UsableSize(bytes);
  allocated_bytes_.fetch_sub(usable, std::memory_order_relaxed);
  value_count_.fetch_sub(1, std::memory_order_relaxed);
  if (bytes > kMaxPooledBytes) {
    mapped_bytes_.fetch_sub(usable, std::memory_order_relaxed);
    UnmapMemory(data, usable);
    return;
  }
  PoisonFreed(data, usable);
  if (bytes <= kMaxInRowBytes) {
    pool_.Return(data, usable);
  } else {
    wide_pool_.Return(data, usable);
  }
}

void LargeValueHeap::ReleaseFreeMemory() {
  pool_.ReleaseFreeMemory();
  wide_pool_.ReleaseFreeMemory();
}

}  // namespace firn::internal
