// Values too large to be copied by every freeze.
#ifndef FIRN_MVCC_LARGE_VALUE_H_
#define FIRN_MVCC_LARGE_VALUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mvcc/epoch.h"
#include "mvcc/large_value_heap.h"

namespace firn::internal {

// Values of this size and more live outside of the blocks.
inline constexpr size_t kLargeValueBytes = 1024;

// A LargeValue is one immutable value, a header and its bytes in one allocation, shared by count
// between the blocks, version chains and cursors that refer to it.
//
// Thread-safety: all methods may be called by any thread that may look at the value.
// Lifetime: a reader finds a value through a block or a chain, inside an epoch guard, and its
//     owner may give up the last count at that moment. So memory outlives the count: whoever
//     drops the last one retires the value, and it is destroyed one grace period later. Until
//     then a reader may look at it, and learns from TryAddRef() that it came too late.
//
//   count    who may call what
//   > 0      an owner: everything. A reader in an epoch guard: TryAddRef(), view().
//   0        nobody changes it any more (a count never rises from 0). A reader in an epoch guard
//            that began before the retire tag was drawn: TryAddRef() (false), view().
class LargeValue : public Retired {
 public:
  // A copy of `bytes`, with a count of 1. Throws std::bad_alloc.
  static LargeValue* Create(std::string_view bytes, LargeValueHeap* heap);
  // The same at `place`, in memory from heap->AllocateRow(). `bytes` are those of a movable value.
  static LargeValue* CreateInRow(void* place, std::string_view bytes, LargeValueHeap* heap);

  // Requires: the caller owns a count, or has the word of somebody who does and keeps it meanwhile.
  void AddRef();
  // False if the last count is gone already.
  [[nodiscard]] bool TryAddRef();
  // Gives up a count of the caller. True if it was the last: then the caller must retire the
  // value, at once or, if the value is still linked, after unlinking it.
  [[nodiscard]] bool DropRef();

  std::string_view view() const {
    return {reinterpret_cast<const char*>(this) + sizeof(LargeValue), size_};
  }
  // Header, bytes and the heap's own share.
  size_t allocated_bytes() const { return AllocatedBytes(size_); }
  static size_t AllocatedBytes(size_t value_bytes) {
    return LargeValueHeap::UsableSize(sizeof(LargeValue) + value_bytes);
  }
  // Whether it may stand in a row with others.
  bool is_movable() const { return sizeof(LargeValue) + size_ <= LargeValueHeap::kMaxInRowBytes; }
  // In memory. Requires: both are movable.
  bool StandsBehind(const LargeValue& other) const {
    return reinterpret_cast<const char*>(this) ==
           reinterpret_cast<const char*>(&other) + other.allocated_bytes();
  }

  // Requires: the count is 0 and no reader can look at the value any more.
  static void Destroy(LargeValue* value);
  // The same in the form of Retired::destroy, which Create() sets.
  static void DestroyRetired(Retired* retired, void* context);

 private:
  LargeValue(std::string_view content, LargeValueHeap* heap);
  ~LargeValue() = default;

  // Immutable after construction.
  const size_t size_;
  LargeValueHeap* const heap_;

  // Owners of this value.
  //   AddRef:    relaxed. The caller's own count keeps the value alive, and it saw the bytes before
  //              it could own one; the addition publishes nothing.
  //   DropRef:   acq_rel. The release puts the owner's reads of the bytes before its drop, the
  //              acquire puts those of all earlier droppers before what the last one does next.
  //   TryAddRef: acquire on success, so that what the new owner does stays behind its count, and a
  //              drop that it observes is complete; relaxed on failure, because 0 is final and the
  //              epoch guard, not the count, keeps the memory there.
  std::atomic<uint64_t> count_{1};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_LARGE_VALUE_H_
