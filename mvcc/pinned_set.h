// What a pruner knows of the live snapshots.
#ifndef FIRN_MVCC_PINNED_SET_H_
#define FIRN_MVCC_PINNED_SET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace firn::internal {

// A PinnedSet is what SnapshotRegistry::CollectPinned() found: a horizon, and the read
// timestamps of the snapshots that were live then. It may be used for as long as one likes: no
// snapshot below the horizon is opened any more, so a stale set keeps more, never less.
struct PinnedSet {
  uint64_t horizon = 0;
  std::vector<uint64_t> ts;  // Sorted, each once.

  // Whether a collected snapshot reads at a timestamp in [begin, end).
  bool Seen(uint64_t begin, uint64_t end) const {
    if (ts.empty() || ts.back() < begin || ts.front() >= end) return false;
    const auto first = std::lower_bound(ts.begin(), ts.end(), begin);
    return first != ts.end() && *first < end;
  }
};

// Asks a PinnedSet about one interval after the other, each at or below the one before, as a key's
// versions are from the newest on: one walk over the snapshots instead of a search for each.
//
// Lifetime: lends the set.
class PinnedWalk {
 public:
  explicit PinnedWalk(const PinnedSet& pinned)
      : horizon(pinned.horizon), ts_(pinned.ts), below_(pinned.ts.size()) {}

  // As PinnedSet::Seen(). Requires: `end` no higher than before.
  bool Seen(uint64_t begin, uint64_t end) {
    while (below_ > 0 && ts_[below_ - 1] >= end) --below_;
    return below_ > 0 && ts_[below_ - 1] >= begin;
  }

  const uint64_t horizon;

 private:
  const std::vector<uint64_t>& ts_;
  size_t below_;  // So many are below the last `end`.
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_PINNED_SET_H_
