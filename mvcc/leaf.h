// A Leaf is a key range of the map; a LeafState is all that it holds at one time.
#ifndef FIRN_MVCC_LEAF_H_
#define FIRN_MVCC_LEAF_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mvcc/epoch.h"
#include "mvcc/fresh_delta.h"
#include "mvcc/frozen_block.h"
#include "mvcc/leaf_pointer.h"
#include "mvcc/mutex.h"
#include "mvcc/span_allocator.h"

namespace firn::internal {

// The keys in [lower, upper); without an upper fence, all from lower on. Views.
struct Fences {
  std::string_view lower;
  std::optional<std::string_view> upper;
};

// LeafState { fences, frozen block, fresh delta }: one allocation with the block in it, and
// the delta beside it from the first write on. A freeze, a split or a merge makes a new state;
// readers inside the old one finish there: it is complete for every snapshot up to its time.
//
//   header | lower fence, upper fence | frozen block
//
// Thread-safety: immutable but for `delta`, which the holder of the leaf's latch installs
//     (release) and readers load (acquire), and what the delta itself allows.
// Lifetime: retired when unlinked; destroyed after a grace period, once no hazard slot names it.
struct LeafState {
  static LeafState* Create(SpanAllocator& allocator, const Fences& fences,
                           std::span<const FrozenEntry> entries,
                           std::span<const VersionView> older);
  // For a state that was never linked. `drop` takes each large value's count.
  template <class Drop>
  void Destroy(SpanAllocator& allocator, const Drop& drop) {
    DropLargeCounts(drop);
    Free(allocator);
  }
  // Once only: at the end of the grace period, though a hazard slot may keep the state.
  template <class Drop>
  void DropLargeCounts(const Drop& drop) {
    // seq_cst, paired with the load of a cursor that steps onto a large value inside an epoch
    // guard: if it reads false, the counts are dropped after its guard began, so the value's
    // memory outlives the guard.
    counts_dropped.store(true, std::memory_order_seq_cst);
    block()->ForEachLarge(drop);
    if (FreshDelta* fresh = delta.load(std::memory_order_acquire)) fresh->ForEachLarge(drop);
  }
  void Free(SpanAllocator& allocator);

  const FrozenBlock* block() const {
    return reinterpret_cast<const FrozenBlock*>(reinterpret_cast<const char*>(this) + block_at);
  }
  Fences fences() const {
    Fences fences{{lower_data(), lower_size}, std::nullopt};
    if (has_upper) fences.upper.emplace(lower_data() + lower_size, upper_size);
    return fences;
  }
  // False for a key at or above the upper fence: the leaf was split since the descent.
  bool BelowUpper(std::string_view key) const {
    if (!has_upper) return true;
    const uint64_t head = HeadOf<uint64_t>(key.data(), key.size());
    if (head != upper_head) return head < upper_head;
    return key < std::string_view(lower_data() + lower_size, upper_size);
  }
  bool Covers(std::string_view key) const {
    return BelowUpper(key) && key >= std::string_view(lower_data(), lower_size);
  }
  bool HasFresh() const {
    const FreshDelta* fresh = delta.load(std::memory_order_acquire);
    return fresh != nullptr && fresh->count() != 0;
  }
  // Fetches the header and the block's index, which follows it, ahead of a search. Reads nothing.
  void PrefetchIndex() const {
    const char* base = reinterpret_cast<const char*>(this);
    for (size_t line = 0; line < 8; ++line) __builtin_prefetch(base + 64 * line);
  }
  void PrefetchHeader() const {
    __builtin_prefetch(this);
    __builtin_prefetch(reinterpret_cast<const char*>(this) + 64);
  }
  // All of it: header, fences and block.
  std::string_view memory() const { return {reinterpret_cast<const char*>(this), retired.bytes}; }
  const char* lower_data() const { return reinterpret_cast<const char*>(this + 1); }

  std::atomic<FreshDelta*> delta{nullptr};
  uint64_t upper_head = 0;  // The first bytes of the upper fence.
  uint32_t block_at = 0;
  uint16_t lower_size = 0;
  uint16_t upper_size = 0;
  bool has_upper = false;
  std::atomic<bool> counts_dropped{false};
  Retired retired;  // retired.bytes is the size of this allocation.
};

// Leaf: one atomic pointer to its state, and the latch of its writers.
//
// Lifetime: in an epoch guard, or under its latch while not obsolete. Merged away, it is
//     marked obsolete under its latch, unlinked and retired.
struct alignas(64) Leaf {
  LeafPointer state;

  // Serialises writers, freezes, splits and merges of this leaf. Readers never take it.
  // Order: leaves in key order, then inner nodes upwards.
  Mutex latch;
  bool obsolete ABSL_GUARDED_BY(latch) = false;
  // Counts writes, so that the settler can tell an idle leaf; wraps around.
  //   Writer: under the latch. Reader: the settler; relaxed, a late look only settles later.
  std::atomic<uint8_t> write_count{0};
  // A writer's freeze left little of it: to be settled before it is idle.
  //   Writer: under the latch. Reader: the settler; relaxed, as above.
  std::atomic<bool> shrunk{false};

  // The newest delta of this leaf, maybe already gone: an address to prefetch, never followed.
  //   Writer: under the latch. Reader: writers, before they latch. Order: relaxed.
  std::atomic<const FreshDelta*> delta_hint{nullptr};

  // Which of the settler's lists this leaf is on; see Settler.
  bool watched ABSL_GUARDED_BY(latch) = false;
  bool held ABSL_GUARDED_BY(latch) = false;
  // How often the time to become idle is doubled, since the leaf was settled too early.
  //   Writer: the settler, and who splits this leaf off, before others see it. Reader: the
  //   settler, and who splits it; relaxed, a late look only settles sooner or later.
  std::atomic<uint8_t> patience{0};
  Leaf* next_noted = nullptr;
  // When it was last settled in the background; 0: never, or judged since. The settler's alone.
  uint64_t settled_us = 0;

  Retired retired;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_LEAF_H_
