// The concurrent ordered map: leaves under copy-on-write inner nodes.
#ifndef FIRN_MVCC_ORDERED_MAP_H_
#define FIRN_MVCC_ORDERED_MAP_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "firn/options.h"
#include "mvcc/edit_count.h"
#include "mvcc/epoch.h"
#include "mvcc/hazard.h"
#include "mvcc/inner_node.h"
#include "mvcc/large_value.h"
#include "mvcc/leaf.h"
#include "mvcc/leaf_path.h"
#include "mvcc/memory_hint.h"
#include "mvcc/prefetch.h"
#include "mvcc/pruner.h"
#include "mvcc/schedule_point.h"
#include "mvcc/span_allocator.h"

namespace firn::internal {

// Work done since the map was made.
//   Writer: freezes, splits, merges, prunes. Reader: statistics; relaxed, each counts alone.
struct MapCounters {
  std::atomic<uint64_t> freezes{0};
  std::atomic<uint64_t> splits{0};
  std::atomic<uint64_t> merges{0};
  std::atomic<uint64_t> pruned_versions{0};
};

// OrderedMap is the tree itself: finding leaves, latching them, and the memory of all its
// parts. What a leaf's versions mean is the business of point_read.h, Freezer and
// CommitWriter; who may change what when is written in docs/concurrency.md.
//
// Thread-safety: all methods from any thread. Finding takes no lock; callers hold an
//     EpochGuard for as long as they look at what they found.
class OrderedMap {
 public:
  // Throws std::bad_alloc.
  OrderedMap(const TuningOptions& tuning, const Pruner& pruner);
  // Requires: nobody else looks at the map or at anything found in it.
  ~OrderedMap();
  OrderedMap(const OrderedMap&) = delete;
  OrderedMap& operator=(const OrderedMap&) = delete;

  // Where a descent ends. The state is the leaf's own, or one before it that may be gone: to be
  // prefetched, so that nobody waits for the leaf first, and never followed.
  struct LeafPlace {
    Leaf* leaf;
    MemoryHint likely_state;
  };
  // The leaf to which the tree leads for `key`; its state may end below `key` if a split is
  // under way. Requires: an EpochGuard.
  LeafPlace FindPlace(std::string_view key) const {
    const InnerNode* node = root();
    while (node->level() > 1) {
      node = static_cast<const InnerNode*>(node->child(node->ChildIndex(key)));
      node->PrefetchSearch();
    }
    const uint32_t index = node->ChildIndex(key);
    return {static_cast<Leaf*>(node->child(index)), node->hint(index)};
  }
  Leaf* FindLeaf(std::string_view key) const { return FindPlace(key).leaf; }
  // The current state that covers `key`. Requires: an EpochGuard.
  const LeafState* FindState(std::string_view key) const {
    while (true) {  // Again only after a split, whose new leaf is linked by then.
      const auto [leaf, likely_state] = FindPlace(key);
      LeafState::PrefetchIndex(likely_state.data());
      AtSchedulePoint("map:found_leaf");
      const LeafState* state = leaf->state.Load();
      if (likely_state.data() != static_cast<const void*>(state)) LeafState::PrefetchIndex(state);
      if (const FreshDelta* delta = leaf->delta.load(std::memory_order_relaxed)) {
        FreshDelta::Prefetch(delta);
      }
      if (state->BelowUpper(key)) [[likely]] {
        return state;
      }
    }
  }
  // What a walk likely comes to next: nothing if that is not known.
  struct NextState {
    MemoryHint memory;
    bool is_in_line;  // Right before the one that follows by key.
  };
  struct WalkedState {
    const LeafState* state;
    NextState next;
  };
  // The current state that covers `key`, on a walk in key order. Looks first one leaf behind the one
  // of `path`, which then is that of the state found. Requires: an EpochGuard.
  WalkedState FindStateForward(std::string_view key, LeafPath* path) const;
  // The state before the one that begins at `lower` (which is not ""): that of the greatest
  // keys below `lower`. In the other direction as above.
  WalkedState FindStateBefore(std::string_view lower, LeafPath* path) const;
  const LeafState* FindStateBefore(std::string_view lower) const;
  // The last state of the map. Requires: an EpochGuard.
  const LeafState* FindLastState() const;
  // How many leaves there are, and of how many the state lies right before that of the next leaf, by
  // hints. Requires: an EpochGuard.
  struct Line {
    size_t leaves = 0;
    size_t in_line = 0;
  };
  Line StatesInLine() const;
  // The inner node of `level` on the way to `key`; null if the tree is lower than that.
  // It may be obsolete. Requires: an EpochGuard.
  InnerNode* FindInnerNode(uint32_t level, std::string_view key) const;

  // Latches the leaf that covers `key`: current and not obsolete. Requires: an EpochGuard.
  Leaf* LatchLeaf(std::string_view key);

  // How many keys are fetched at once: enough for their cache misses to overlap.
  static constexpr size_t kPrefetchGroup = 16;
  // Fetches what writing the first kPrefetchGroup of these keys, key_of(item) each, looks at
  // first: each step for all of them before the next. Latches nothing. Requires: an EpochGuard.
  template <class Item, class KeyOf>
  void PrefetchForWrite(std::span<const Item> items, const KeyOf& key_of) const {
    const size_t count = std::min(kPrefetchGroup, items.size());
    const Leaf* leaves[kPrefetchGroup];
    for (size_t i = 0; i < count; ++i) {
      leaves[i] = FindLeaf(key_of(items[i]));
      PrefetchLines(leaves[i], 2);
    }
    for (size_t i = 0; i < count; ++i) leaves[i]->PrefetchForWrite();
  }

  // A new leaf with `state`, latched by the caller and not linked yet. Throws std::bad_alloc.
  Leaf* NewLatchedLeaf(LeafState* state);
  // For leaves and states that were never linked.
  void FreeLeaf(Leaf* leaf);
  void DestroyState(LeafState* state);

  // Puts `state` in place of the leaf's current one and retires that. Requires: the latch and an
  // EpochGuard.
  void SwapState(Leaf* leaf, LeafState* state);
  // Leaves word in the tree of where the leaf's state is now. Requires: as above.
  void NoteState(const Leaf* leaf, const LeafState* state);
  // For the state of a leaf that was merged away.
  void RetireState(LeafState* state);
  void RetireLeaf(Leaf* leaf);
  void RetireInnerNode(InnerNode* node);
  // Gives up one count of a large value; its memory goes a grace period after the last.
  void DropLarge(LargeValue* large);
  // Gives up a count of these runs that no state took over.
  void DropOlderRuns(OlderRun* runs);

  // Frees what no reader can reach any more. Returns the number of objects freed.
  size_t Reclaim();

  const TuningOptions& tuning() const { return tuning_; }
  const Pruner& pruner() const { return pruner_; }
  SpanAllocator& allocator() { return allocator_; }
  const SpanAllocator& allocator() const { return allocator_; }
  HazardSet& hazards() { return hazards_; }
  LargeValueHeap& large_values() { return large_values_; }
  const LargeValueHeap& large_values() const { return large_values_; }
  size_t retired_bytes() const { return retired_.bytes(); }
  MapCounters& counters() { return counters_; }
  const MapCounters& counters() const { return counters_; }
  InnerNode* root() const { return root_.load(std::memory_order_acquire); }

 private:
  friend class StructureEdit;

  void SetRoot(InnerNode* node) { root_.store(node, std::memory_order_release); }
  template <class ChildIndex>
  LeafPath Descend(const ChildIndex& child_index) const {
    // The count first: an edit that comes between makes the path outdated, though it may not be.
    const uint64_t edits = edits_.Get();
    return LeafPath(root(), edits, child_index);
  }
  // The state one hop on from where `path` was; null, and the path is anywhere, if that is not known
  // any more.
  const LeafState* Hop(LeafPath* path, Direction direction) const;
  void FreeSubtree(InnerNode* node);

  // Immutable after construction.
  const TuningOptions tuning_;
  const Pruner& pruner_;

  SpanAllocator allocator_;
  LargeValueHeap large_values_;
  HazardSet hazards_;
  RetiredList retired_;
  MapCounters counters_;

  //   Writer: StructureEdit::Commit(), under root_latch_ and the old root's latch.
  //   Reader: descents. Order: release, paired with the acquire load in root().
  alignas(64) std::atomic<InnerNode*> root_{nullptr};
  // Raised by StructureEdit::Commit().
  EditCount edits_;
  // Order: after every other latch.
  Mutex root_latch_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_ORDERED_MAP_H_
