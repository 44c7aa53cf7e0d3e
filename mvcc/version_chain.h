// The versions of one key in a fresh delta, newest first.
#ifndef FIRN_MVCC_VERSION_CHAIN_H_
#define FIRN_MVCC_VERSION_CHAIN_H_

#include <cstddef>
#include <cstdint>

#include "mvcc/atomics_policy.h"
#include "mvcc/check.h"
#include "mvcc/pinned_set.h"
#include "mvcc/schedule_point.h"
#include "mvcc/version.h"
#include "mvcc/visibility.h"

namespace firn::internal {

// A VersionChain is a list of versions with falling commit timestamps.
//
//   head -> 9:c -> 7:- -> 4:a -> null      what is older than 4 may stand in the frozen block
//
// Thread-safety: Push() and Prune() under the leaf's latch; the rest by anybody in an epoch
//     guard or with a hazard slot on the leaf's state.
// Lifetime: the delta's arena owns the versions and keeps them after Prune() unlinked them. An
//     unlinked version keeps its own older pointer, so a reader that stands on it goes on.
template <class Policy, class VersionType = BasicVersion<Policy>>
class BasicVersionChain {
 public:
  // Makes `version` the newest. Its commit_ts is set, and above the head's.
  void Push(VersionType* version) {
    // relaxed: the latch orders these with whoever pushed before, and the release below
    // publishes the older pointer together with the version.
    BasicVersion<Policy>* head = head_.load(std::memory_order_relaxed);
    FIRN_INVARIANT(head == nullptr || head->commit_ts < version->commit_ts);
    version->older.store(head, std::memory_order_relaxed);
    AtSchedulePoint("chain:before_push");
    head_.store(version, std::memory_order_release);
  }

  // The newest version, visible or not; null if there is none.
  const VersionType* Head() const { return Down(head_.load(std::memory_order_acquire)); }
  // The next older version in the chain; null if there is none.
  static const VersionType* Older(const VersionType* version) {
    return Down(version->older.load(std::memory_order_acquire));
  }

  // What a snapshot that reads at `read_ts` sees; null: nothing in this chain. Requires: the
  // timestamp is pinned, so pruning leaves its version alone.
  const VersionType* NewestAt(uint64_t read_ts) const {
    const VersionType* version = Head();
    while (version != nullptr && !IsVisible(version->commit_ts, read_ts)) {
      AtSchedulePoint("chain:before_older");
      version = Older(version);
    }
    return version;
  }

  // What a reader of the newest state sees, who pins nothing; null: nothing in this chain.
  // `visible()` loads visible_ts with acquire.
  //
  // A version that is not visible yet is stepped over in two moves: load its older pointer,
  // THEN look at visible_ts again. If the version is visible by now, it is the answer, for the
  // older one may be pruned already: a pruner unlinks that only after it saw the newer one
  // visible. So if the older pointer was loaded after such an unlinking, the acquire on it makes
  // this thread see the newer one visible, too; and if before, then what it leads to was whole.
  template <class VisibleTs>
  const VersionType* Newest(const VisibleTs& visible) const {
    uint64_t read_ts = visible();
    const VersionType* version = Head();
    while (version != nullptr && !IsVisible(version->commit_ts, read_ts)) {
      const VersionType* older = Older(version);
      AtSchedulePoint("chain:stepping_over");
      read_ts = visible();
      if (IsVisible(version->commit_ts, read_ts)) break;
      version = older;
    }
    return version;
  }

  // Unlinks the versions that nobody may see and calls on_drop(VersionType*) for each.
  // Returns how many are left. The newest stays, and so do versions above the horizon.
  template <class OnDrop>
  size_t Prune(const PinnedSet& pinned, const OnDrop& on_drop) {
    // relaxed loads: the latch orders them with the last writer.
    BasicVersion<Policy>* kept = head_.load(std::memory_order_relaxed);
    if (kept == nullptr) return 0;
    size_t left = 1;
    uint64_t end = kept->commit_ts;  // Of the next older version.
    BasicVersion<Policy>* version = kept->older.load(std::memory_order_relaxed);
    while (version != nullptr) {
      BasicVersion<Policy>* older = version->older.load(std::memory_order_relaxed);
      const uint64_t begin = version->commit_ts;
      if (MayDrop(begin, end, pinned)) {
        AtSchedulePoint("chain:before_unlink");
        kept->older.store(older, std::memory_order_release);
        on_drop(static_cast<VersionType*>(version));
      } else {
        kept = version;
        ++left;
      }
      end = begin;
      version = older;
    }
    return left;
  }

 private:
  static const VersionType* Down(const BasicVersion<Policy>* version) {
    return static_cast<const VersionType*>(version);
  }

  //   Writer: Push(), under the leaf's latch. Reader: anybody.
  //   Order:  release, paired with the acquire in Head(): whoever finds a version sees its
  //           timestamp, its bytes and its older pointer.
  typename Policy::template Atomic<BasicVersion<Policy>*, Field::kChainHead> head_{nullptr};
};

using VersionChain = BasicVersionChain<StdAtomics, Version>;

}  // namespace firn::internal

#endif  // FIRN_MVCC_VERSION_CHAIN_H_
