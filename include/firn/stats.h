// What a Db knows of itself: sizes, work done, and who holds which snapshot.
#ifndef FIRN_STATS_H_
#define FIRN_STATS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "firn/types.h"

namespace firn {

// Figures of one moment. Counts of work are since the Db was opened.
struct DbStats {
  // Exact at `as_of`.
  CommitTs as_of;
  uint64_t key_count = 0;      // Visible keys.
  uint64_t logical_bytes = 0;  // Their key and value bytes.

  // What stands in memory now.
  uint64_t version_count = 0;  // Versions of all keys, tombstones included.
  uint64_t leaf_count = 0;
  uint64_t inner_node_count = 0;
  uint64_t fresh_leaf_count = 0;   // Leaves with unfrozen writes.
  uint64_t owing_leaf_count = 0;   // Leaves that keep older versions or tombstones.
  uint64_t memory_bytes = 0;       // Allocated for blocks, deltas, nodes and large values.
  uint64_t reserved_bytes = 0;     // Taken from the operating system for them.
  uint64_t large_value_bytes = 0;  // Of memory_bytes: values that live outside blocks.
  uint64_t retired_bytes = 0;      // Of memory_bytes: unlinked, waiting for readers to pass.
  uint64_t live_snapshot_count = 0;

  // On disk; 0 for a Db in memory.
  CommitTs synced_ts;                     // Commits up to here survive a power cut.
  CommitTs persisted_ts;                  // Commits up to here survive the death of the process.
  uint64_t unpersisted_commit_count = 0;  // Durability::kAsync: still queued.
  uint64_t disk_bytes = 0;                // Of the store's files, its log included.

  // Work done.
  uint64_t commit_count = 0;
  uint64_t freeze_count = 0;
  uint64_t split_count = 0;
  uint64_t merge_count = 0;
  uint64_t pruned_version_count = 0;
};

// One live snapshot, and what it costs.
struct SnapshotInfo {
  CommitTs ts;
  std::string label;
  std::string owner;
  absl::Duration age;
  // Bytes of versions that only this snapshot still sees: freed if it closed now.
  uint64_t price_bytes = 0;
  uint64_t price_versions = 0;
};

}  // namespace firn

#endif  // FIRN_STATS_H_
