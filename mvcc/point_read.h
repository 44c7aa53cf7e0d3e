// Reading one key of one leaf state.
#ifndef FIRN_MVCC_POINT_READ_H_
#define FIRN_MVCC_POINT_READ_H_

#include <cstdint>
#include <string_view>

#include "absl/base/attributes.h"
#include "mvcc/leaf.h"
#include "mvcc/older_versions.h"
#include "mvcc/schedule_point.h"
#include "mvcc/timestamp_oracle.h"
#include "mvcc/visibility.h"

namespace firn::internal {

// Decides visibility for a snapshot, which pins what it reads.
class SnapshotView {
 public:
  explicit SnapshotView(uint64_t read_ts) : read_ts_(read_ts) {}
  bool Sees(uint64_t commit_ts) { return IsVisible(commit_ts, read_ts_); }

 private:
  const uint64_t read_ts_;
};

// Decides visibility for a reader of the newest state, which pins nothing.
//
// Sees() looks at visible_ts anew before it says no. That is what makes stepping over a
// version safe: its predecessor, loaded before the second look, can only have been pruned
// if the stepped-over version was visible by then, and then that one is the answer.
class LatestView {
 public:
  explicit LatestView(const TimestampOracle& oracle) : oracle_(oracle) {}
  bool Sees(uint64_t commit_ts) {
    if (IsVisible(commit_ts, visible_)) return true;
    visible_ = oracle_.visible();
    return IsVisible(commit_ts, visible_);
  }

 private:
  const TimestampOracle& oracle_;
  uint64_t visible_ = 0;
};

// The newest version in `chain` that `view` sees; null if there is none.
template <class View>
const Version* NewestSeen(const VersionChain& chain, View& view) {
  for (const Version* version = chain.Head(); version != nullptr;) {
    if (view.Sees(version->commit_ts)) return version;
    const Version* older = VersionChain::Older(version);
    AtSchedulePoint("read:stepping_over");
    if (view.Sees(version->commit_ts)) return version;
    version = older;
  }
  return nullptr;
}

// The version of `key` that `view` sees in `state`, tombstones included; kind kTombstone
// with commit_ts 0 if there is none.
// Inlined, so that a caller who asks for no commit time does not wait for its cache line.
template <class View>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline VersionView FindVersion(const LeafState& state,
                                                            std::string_view key, View view) {
  if (const FreshDelta* fresh = state.delta.load(std::memory_order_acquire)) {
    if (const FreshSlot* slot = fresh->Find(key)) {
      if (const Version* version = NewestSeen(slot->chain, view)) return ViewOf(*version);
    }
  }
  const FrozenBlock& block = *state.block();
  if (block.count() == 0) return {};
  const KeyPosition at = block.Find(key);
  if (!at.exact) return {};
  const VersionView newest = block.newest(at.index);
  // Mostly all of a block is visible, which its header says.
  if (view.Sees(block.max_commit_ts()) || view.Sees(newest.commit_ts)) return newest;
  RunPlace nowhere;
  return FindOlder(state, at.index, view, &nowhere);
}

// The newest version of `key`, visible yet or not. Requires: the latch, or a state that no
// writer can reach any more.
inline VersionView NewestStamped(const LeafState& state, std::string_view key) {
  return FindVersion(state, key, SnapshotView(UINT64_MAX));
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_POINT_READ_H_
