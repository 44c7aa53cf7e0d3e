#include "mvcc/large_value_heap.h"

#include <limits>
#include <new>

#include "mvcc/allocation_fault.h"
#include "mvcc/check.h"
#include "mvcc/memory_poison.h"

namespace firn::internal {
namespace {

constexpr size_t RoundUp(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

LargeValueHeap::~LargeValueHeap() { FIRN_INVARIANT(value_count() == 0); }

size_t LargeValueHeap::UsableSize(size_t bytes) {
  if (bytes <= kMaxPooledBytes) return RoundUp(bytes, ValuePool::kCellBytes);
  return RoundUp(bytes + sizeof(size_t), 16);  // As the process's heap does.
}

void* LargeValueHeap::Allocate(size_t bytes) {
  MaybeFailAllocation();
  if (bytes > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  const size_t usable = UsableSize(bytes);
  void* data;
  if (bytes <= kMaxPooledBytes) {
    data = pool_.Take(usable);
    AllowAccess(data, usable);
  } else {
    data = ::operator new(bytes);
    unpooled_bytes_.fetch_add(usable, std::memory_order_relaxed);
  }
  allocated_bytes_.fetch_add(usable, std::memory_order_relaxed);
  value_count_.fetch_add(1, std::memory_order_relaxed);
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
  if (bytes <= kMaxPooledBytes) {
    PoisonFreed(data, usable);
    pool_.Return(data, usable);
  } else {
    unpooled_bytes_.fetch_sub(usable, std::memory_order_relaxed);
    OverwriteFreed(data, bytes);
    ::operator delete(data);
  }
}

}  // namespace firn::internal
