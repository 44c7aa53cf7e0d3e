// An OlderRun holds what a leaf keeps for snapshots, out of the way of its block.
#ifndef FIRN_MVCC_OLDER_RUN_H_
#define FIRN_MVCC_OLDER_RUN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mvcc/frozen_block.h"
#include "mvcc/span_allocator.h"

namespace firn::internal {

// OlderRun: older versions of one leaf's keys, written once. Its block has of each key the newest
// version that was moved out, and behind that the rest; next() leads to the run before, whose
// versions are older, key by key. So a snapshot is found by going down the runs, past those whose
// versions are all too new for it.
//
// The states of one leaf share their runs by count. Two counts, since a state that a cursor keeps
// after its grace period has given up its large values, and may still show small ones.
//
//   Counts. AddRef(): relaxed, the caller's state or run owns one already. Drops: acq_rel, so that
//           the last one comes after what all others did.
//
// Thread-safety: immutable but for the counts, which any thread may change.
// Lifetime: counted by the states that name it, from Create() to Free(), and by the run above.
class OlderRun {
 public:
  // Of each entry with older versions, these. Takes a count of `next` (may be null), and has one
  // itself, the caller's. Throws std::bad_alloc.
  static OlderRun* Create(SpanAllocator& allocator, std::span<const FrozenEntry> entries,
                          std::span<const VersionView> older, OlderRun* next);

  const FrozenBlock& block() const { return *reinterpret_cast<const FrozenBlock*>(this + 1); }
  OlderRun* next() const { return next_; }
  // Versions in the runs from `run` (may be null) down.
  static size_t VersionsFrom(const OlderRun* run) {
    size_t versions = 0;
    for (; run != nullptr; run = run->next_) {
      versions += size_t{run->block().count()} + run->block().older_count();
    }
    return versions;
  }

  // Bytes of their records.
  static size_t BytesFrom(const OlderRun* run) {
    size_t bytes = 0;
    for (; run != nullptr; run = run->next_) bytes += run->block().record_bytes();
    return bytes;
  }

  void AddRef();
  // Gives up the share of the large values, here and below: drop(LargeValue*) for each that loses
  // its last owner.
  template <class Drop>
  void DropLargeCounts(const Drop& drop) {
    for (OlderRun* run = this; run != nullptr; run = run->next_) {
      if (run->large_owners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      run->block().ForEachLarge(drop);
    }
  }
  // Gives up the share of the memory, here and below. The share of large values goes first.
  void DropRef(SpanAllocator& allocator);

 private:
  OlderRun(size_t bytes, OlderRun* next) : bytes_(bytes), next_(next) {}

  // Immutable.
  const size_t bytes_;
  OlderRun* const next_;

  std::atomic<uint32_t> refs_{1};
  std::atomic<uint32_t> large_owners_{1};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_OLDER_RUN_H_
