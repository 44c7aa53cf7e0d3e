#include "mvcc/large_value.h"

#include <cstring>
#include <limits>
#include <new>

#include "mvcc/allocation_fault.h"
#include "mvcc/check.h"
#include "mvcc/memory_poison.h"

namespace firn::internal {

LargeValue* LargeValue::Create(std::string_view bytes, LargeValueAccount* account) {
  MaybeFailAllocation();
  if (bytes.size() > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  void* memory = ::operator new(sizeof(LargeValue) + bytes.size());
  auto* value = new (memory) LargeValue(bytes.size(), account);
  char* destination = static_cast<char*>(memory) + sizeof(LargeValue);
  if (!bytes.empty()) std::memcpy(destination, bytes.data(), bytes.size());
  account->allocated_bytes.fetch_add(value->allocated_bytes(), std::memory_order_relaxed);
  account->value_count.fetch_add(1, std::memory_order_relaxed);
  return value;
}

LargeValue::LargeValue(size_t size, LargeValueAccount* account)
    : Retired{}, size_(size), account_(account) {
  this->bytes = allocated_bytes();
  this->destroy = &DestroyRetired;
}

void LargeValue::AddRef() {
  [[maybe_unused]] const uint64_t before = count_.fetch_add(1, std::memory_order_relaxed);
  FIRN_INVARIANT(before > 0);
}

bool LargeValue::TryAddRef() {
  uint64_t count = count_.load(std::memory_order_relaxed);
  while (count > 0) {
    if (count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool LargeValue::DropRef() {
  const uint64_t before = count_.fetch_sub(1, std::memory_order_acq_rel);
  FIRN_CHECK(before > 0);
  return before == 1;
}

size_t LargeValue::AllocatedBytes(size_t value_bytes) {
  // The heap adds a word and rounds to 16.
  return (sizeof(LargeValue) + value_bytes + sizeof(size_t) + 15) / 16 * 16;
}

void LargeValue::Destroy(LargeValue* value) {
  FIRN_INVARIANT(value->count_.load(std::memory_order_relaxed) == 0);
  LargeValueAccount* account = value->account_;
  account->allocated_bytes.fetch_sub(value->allocated_bytes(), std::memory_order_relaxed);
  account->value_count.fetch_sub(1, std::memory_order_relaxed);
  OverwriteFreed(value, sizeof(LargeValue) + value->size_);
  ::operator delete(static_cast<void*>(value));
}

void LargeValue::DestroyRetired(Retired* retired, void*) {
  Destroy(static_cast<LargeValue*>(retired));
}

}  // namespace firn::internal
