// What a pruner knows of the live snapshots.
#ifndef FIRN_MVCC_PINNED_SET_H_
#define FIRN_MVCC_PINNED_SET_H_

#include <algorithm>
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

}  // namespace firn::internal

#endif  // FIRN_MVCC_PINNED_SET_H_
