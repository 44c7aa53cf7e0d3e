// The Pruner applies the one pruning rule to the versions of one key.
#ifndef FIRN_MVCC_PRUNER_H_
#define FIRN_MVCC_PRUNER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mvcc/frozen_block.h"
#include "mvcc/mutex.h"
#include "mvcc/pinned_set.h"
#include "mvcc/snapshot_registry.h"
#include "mvcc/timestamp_oracle.h"

namespace firn::internal {

// A Pruner says which snapshots are pinned, and with that which versions may go.
//
// Few live snapshots are collected anew each time; many (where collecting would cost more
// than a freeze) are collected now and then and shared: a stale list with its own horizon keeps
// more, never less.
//
// Thread-safety: any thread.
class Pruner {
 public:
  Pruner(const TimestampOracle& oracle, SnapshotRegistry& registry)
      : oracle_(oracle), registry_(registry) {}

  // What is pinned now, or was a moment ago. Throws std::bad_alloc.
  void Collect(PinnedSet* pins) const;
  // What is pinned now.
  void CollectFresh(PinnedSet* pins) const;

 private:
  const TimestampOracle& oracle_;
  SnapshotRegistry& registry_;

  // There are many snapshots. Writer and reader: Collect(); relaxed: a late look costs time only.
  mutable std::atomic<bool> many_{false};
  mutable Mutex mu_;
  mutable PinnedSet shared_ ABSL_GUARDED_BY(mu_);
  mutable uint64_t shared_until_ns_ ABSL_GUARDED_BY(mu_) = 0;
};

// Removes from `versions`, all of one key from newest to oldest, those that nobody may see
// any more. What is left may be nothing: a key that is deleted for everybody. `older_remains`: the
// key has still older versions elsewhere, which stay. Returns how many went.
size_t PruneVersions(const PinnedSet& pins, bool older_remains, std::vector<VersionView>* versions);

}  // namespace firn::internal

#endif  // FIRN_MVCC_PRUNER_H_
