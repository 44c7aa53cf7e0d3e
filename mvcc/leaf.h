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
#include "mvcc/older_run.h"
#include "mvcc/prefetch.h"
#include "mvcc/span_allocator.h"

namespace firn::internal {

// The keys in [lower, upper); without an upper fence, all from lower on. Views.
struct Fences {
  std::string_view lower;
  std::optional<std::string_view> upper;
};

// LeafState { fences, frozen block, fresh delta, older runs }: one allocation with the block in it,
// the delta beside it from the first write on, and what many snapshots make it keep in runs. A
// freeze, a split or a merge makes a new state; readers inside the old one finish there: it is
// complete for every snapshot up to its time.
//
//   header | lower fence, upper fence | frozen block
//
// Thread-safety: immutable but for `delta`, which the holder of the leaf's latch installs
//     (release) and readers load (acquire), and what the delta itself allows.
// Lifetime: retired when unlinked; destroyed after a grace period, once no hazard slot names it.
struct LeafState {
  // Takes over the caller's count of `older_runs`, unless it throws std::bad_alloc.
  static LeafState* Create(SpanAllocator& allocator, const Fences& fences,
                           std::span<const FrozenEntry> entries, std::span<const VersionView> older,
                           OlderRun* older_runs = nullptr);
  // The state after one of the same keys.
  static LeafState* Create(SpanAllocator& allocator, const Fences& fences, const BlockPatch& patch,
                           OlderRun* older_runs);
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
    if (older_runs != nullptr) older_runs->DropLargeCounts(drop);
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
  // Whether older versions are kept here, for snapshots.
  bool HasOlder() const { return block()->has_older() || older_runs != nullptr; }
  bool HasFresh() const {
    const FreshDelta* fresh = delta.load(std::memory_order_acquire);
    return fresh != nullptr && fresh->count() != 0;
  }
  // Fetches the header and the block's index, which follows it, ahead of a search: of a hundred
  // short keys all of it. Reads nothing: the state may be gone.
  static void PrefetchIndex(const void* state) { PrefetchLines(state, 10); }
  // All of it: header, fences and block.
  std::string_view memory() const { return {reinterpret_cast<const char*>(this), retired.bytes}; }
  const char* lower_data() const { return reinterpret_cast<const char*>(this + 1); }

  std::atomic<FreshDelta*> delta{nullptr};
  // From the newest to the oldest; all their keys are keys of the block. Null, mostly.
  OlderRun* older_runs = nullptr;
  uint64_t upper_head = 0;  // The first bytes of the upper fence.
  uint32_t block_at = 0;
  uint16_t lower_size = 0;
  uint16_t upper_size = 0;
  uint32_t freezes_since_look = 0;  // Since somebody looked for what the runs owe.
  bool has_upper = false;
  std::atomic<bool> counts_dropped{false};
  Retired retired;  // retired.bytes is the size of this allocation.
};

// Leaf: one atomic pointer to its state, and the latch of its writers. Two cache lines: the first
// for everybody, the second for writers, who mostly need no look at the state.
//
// Lifetime: in an epoch guard, or under its latch while not obsolete. Merged away, it is
//     marked obsolete under its latch, unlinked and retired.
struct alignas(64) Leaf {
  explicit Leaf(LeafState* first) { Install(first); }

  LeafPointer state;

  // The state's delta. Others than the holder of the latch may find one that is gone already:
  // an address to prefetch, never followed.
  //   Writer: under the latch. Reader: the same; to prefetch, anybody. Order: relaxed.
  std::atomic<FreshDelta*> delta{nullptr};

  // Serialises writers, freezes, splits and merges of this leaf. Readers never take it.
  // Order: leaves in key order, then inner nodes upwards.
  Mutex latch;
  // These three share a byte, so they are written under the latch alone, of an obsolete leaf too.
  bool obsolete : 1 ABSL_GUARDED_BY(latch) = false;
  // Which of the settler's lists this leaf is on; see Settler.
  bool watched : 1 ABSL_GUARDED_BY(latch) = false;
  bool held : 1 ABSL_GUARDED_BY(latch) = false;
  // Counts writes, so that the settler can tell an idle leaf; wraps around.
  //   Writer: under the latch. Reader: the settler; relaxed, a late look only settles later.
  std::atomic<uint8_t> write_count{0};
  // A writer's freeze left little of it: to be settled before it is idle.
  //   Writer: under the latch. Reader: the settler; relaxed, as above.
  std::atomic<bool> shrunk{false};
  // How often the time to become idle is doubled, since the leaf was settled too early.
  //   Writer: the settler, and who splits this leaf off, before others see it. Reader: the
  //   settler, and who splits it; relaxed, a late look only settles sooner or later.
  std::atomic<uint8_t> patience{0};
  // When it was last settled in the background, in microseconds that wrap around after 71 minutes;
  // 0: never, or judged since. The settler's alone.
  uint32_t settled_us = 0;

  // The first bytes of the state's upper fence; all ones without one. Under the latch.
  uint64_t upper_head = UINT64_MAX;
  // Where the next append to the delta will write, maybe: addresses to prefetch, never followed.
  //   Writer: under the latch. Reader: writers, before they latch. Order: relaxed.
  std::atomic<const void*> append_slot{nullptr};
  std::atomic<const void*> append_bytes{nullptr};

  Retired retired;

  // The link of the settler's stack of noted leaves, in the place of one that is not needed before
  // the leaf is retired. Order: see Settler::noted_.
  Leaf* next_noted() const { return reinterpret_cast<Leaf*>(retired.next); }
  void set_next_noted(Leaf* leaf) { retired.next = reinterpret_cast<Retired*>(leaf); }

  // LeafState::BelowUpper(), which seldom needs the state. Requires: the latch.
  bool BelowUpper(std::string_view key) const {
    return HeadOf<uint64_t>(key.data(), key.size()) < upper_head || state.Load()->BelowUpper(key);
  }
  // Returns the state before. Requires: the latch, or a leaf that nobody knows.
  LeafState* Install(LeafState* installed) {
    upper_head = installed->has_upper ? installed->upper_head : UINT64_MAX;
    delta.store(installed->delta.load(std::memory_order_acquire), std::memory_order_relaxed);
    return state.Swap(installed);
  }
  // Remembers where the delta goes on. Requires: the latch.
  void NoteAppend(const FreshDelta& appended) {
    append_slot.store(appended.next_slot(), std::memory_order_relaxed);
    append_bytes.store(appended.next_bytes(), std::memory_order_relaxed);
  }
  // Fetches what a write of a key will look at and write to, all at once.
  void PrefetchForWrite() const {
    FreshDelta::Prefetch(delta.load(std::memory_order_relaxed));
    PrefetchToWrite(append_slot.load(std::memory_order_relaxed), 1);
    PrefetchToWrite(append_bytes.load(std::memory_order_relaxed), 3);
  }
};
static_assert(sizeof(Leaf) == 128);

}  // namespace firn::internal

#endif  // FIRN_MVCC_LEAF_H_
