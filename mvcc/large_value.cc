#include "mvcc/large_value.h"

#include <cstring>
#include <limits>
#include <new>

#include "mvcc/check.h"

namespace firn::internal {

LargeValue* LargeValue::Create(std::string_view bytes, LargeValueHeap* heap) {
  if (bytes.size() > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  return new (heap->Allocate(sizeof(LargeValue) + bytes.size())) LargeValue(bytes, heap);
}

LargeValue* LargeValue::CreateInRow(void* place, std::string_view bytes, LargeValueHeap* heap) {
  heap->BeginInRow(place);
  return new (place) LargeValue(bytes, heap);
}

LargeValue::LargeValue(std::string_view content, LargeValueHeap* heap)
    : Retired{}, size_(content.size()), heap_(heap) {
  bytes = allocated_bytes();
  destroy = &DestroyRetired;
  char* destination = reinterpret_cast<char*>(this) + sizeof(LargeValue);
  if (!content.empty()) std::memcpy(destination, content.data(), content.size());
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

void LargeValue::Destroy(LargeValue* value) {
  FIRN_INVARIANT(value->count_.load(std::memory_order_relaxed) == 0);
  value->heap_->Free(value, sizeof(LargeValue) + value->size_);
}

void LargeValue::DestroyRetired(Retired* retired, void*) {
  Destroy(static_cast<LargeValue*>(retired));
}

}  // namespace firn::internal
