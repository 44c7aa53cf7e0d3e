// Who pins which moment of the Db.
#ifndef FIRN_MVCC_SNAPSHOT_REGISTRY_H_
#define FIRN_MVCC_SNAPSHOT_REGISTRY_H_

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mvcc/atomics_policy.h"
#include "mvcc/pinned_set.h"
#include "mvcc/schedule_point.h"
#include "mvcc/slot_pool.h"
#include "mvcc/timestamp_oracle.h"

namespace firn::internal {

// What a snapshot's slot needs for the protocols; `Record` is whatever else is told about it.
template <class Policy, class Record>
struct BasicSnapshotSlot : PooledSlot {
  // Constant from Pin() to Unpin().
  uint64_t ts = 0;
  // Written by the one who pins before the first handle is counted, and by the one who drops the
  // last; read by whoever counts as a handle.
  Record record;

  // Handles that share the pin.
  //   Writer: whoever makes, clones or drops a handle, and a lister, which takes one for itself.
  //   Reader: the same.
  //   Order:  the first one is stored with release once the record is written, paired with the
  //           acquire in TryAddHandle(). A drop is acq_rel: the one who drops the last comes after
  //           all that the others did with the record. Raised from above 0 it is relaxed: the
  //           caller has a handle that orders everything.
  typename Policy::template Atomic<uint32_t, Field::kHandleCount> handles{0};
};

// What became of a dropped handle.
struct DroppedHandle {
  bool last = false;      // It was the last: the pin is gone.
  bool orphaned = false;  // See SlotPool::Release(). If false, the registry and its owner may be
                          // gone already, unless something else of the caller keeps them.
};

// A SnapshotRegistry keeps the pinned timestamps, so that pruners leave alone what live
// snapshots see.
//
// Protocol between one who pins and one who prunes:
//
//   Pin()                                     CollectPinned()
//   1. ts <- visible_ts                       1. horizon <- visible_ts
//   2. announce ts in a slot                  2. raise prune_horizon to horizon, a maximum
//   3. if ts < prune_horizon: again from 1    3. read all slots
//
// Step 2 and 3 are seq_cst on both sides. Either the pruner's scan finds the announcement, or
// the pinner's check finds the raised horizon: with less each side could miss the other, and the
// pruner would drop a version that the snapshot still needs. The raise is a maximum, since a
// slower pruner's plain store would take back a faster one's; and a pruner that finds the
// horizon already raised by another must learn so by a seq_cst load, for its scan then relies
// on the other's raise as if on its own. Its own horizon stays what it read itself.
//
// A pin whose ts is at or above the horizon of a scan that missed it loses nothing: what ends at
// or below the horizon ended before the snapshot's moment.
//
// The pinned timestamps are the state words of a SlotPool (ts + 1, since 0 means free) and stand
// together apart from the records: 8 bytes a snapshot for a pruner to read.
//
// Thread-safety: all methods from any thread. AddHandle() and DropHandle() by one that has a
//     handle.
// Lifetime and orphan marks: see SlotPool.
template <class Policy, class Slot, size_t kSegmentSlots = 64>
class BasicSnapshotRegistry {
 public:
  // A slot that pins what is visible now, with one handle, whose record `describe(Record&)` has
  // filled in. Throws std::bad_alloc, before `describe` is called.
  template <class Oracle, class Describe>
  Slot* Pin(const Oracle& oracle, const Describe& describe) {
    uint64_t ts = oracle.visible();
    AtSchedulePoint("registry:before_announce");
    Slot* slot = pool_.Claim(ts + 1);
    AtSchedulePoint("registry:announced");
    while (ts < prune_horizon_.load(std::memory_order_seq_cst)) {
      // A pruner chose a newer horizon meanwhile: what it read as visible is visible to us.
      ts = oracle.visible();
      pool_.Rewrite(slot, ts + 1);
      AtSchedulePoint("registry:announced");
    }
    slot->ts = ts;
    describe(slot->record);
    slot->handles.store(1, std::memory_order_release);
    return slot;
  }

  void AddHandle(Slot* slot) { slot->handles.fetch_add(1, std::memory_order_relaxed); }

  // For one that has no handle: false if the slot has none at all, or does not yet.
  bool TryAddHandle(Slot* slot) {
    uint32_t handles = slot->handles.load(std::memory_order_relaxed);
    while (handles != 0) {
      if (slot->handles.compare_exchange_weak(handles, handles + 1, std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // `forget(Record&)` clears the record of a slot whose last handle went.
  template <class Forget>
  DroppedHandle DropHandle(Slot* slot, const Forget& forget) {
    if (slot->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) return {false, false};
    forget(slot->record);
    AtSchedulePoint("registry:before_unpin");
    return {true, Unpin(slot)};
  }

  // The same, and calls `after_unpin()` if it was the last handle: pruners find the pin no more,
  // but the slot still keeps the registry and its owner alive. What it looks at there comes after
  // the unpinning in the order of seq_cst.
  template <class Forget, class AfterUnpin>
  DroppedHandle DropHandle(Slot* slot, const Forget& forget, const AfterUnpin& after_unpin) {
    if (slot->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) return {false, false};
    forget(slot->record);
    AtSchedulePoint("registry:before_unpin");
    pool_.Blank(slot);
    AtSchedulePoint("registry:unpinned");
    after_unpin();
    return {true, Unpin(slot)};
  }

  // Returns whether the slot was an orphan.
  bool Unpin(Slot* slot) { return pool_.Release(slot); }

  // A horizon, and every snapshot that may need something below it. Throws std::bad_alloc.
  template <class Oracle>
  void CollectPinned(const Oracle& oracle, PinnedSet* pinned) {
    const uint64_t horizon = oracle.visible();
    AtSchedulePoint("registry:before_raise");
    uint64_t raised = prune_horizon_.load(std::memory_order_seq_cst);
    while (raised < horizon &&
           !prune_horizon_.compare_exchange_weak(raised, horizon, std::memory_order_seq_cst,
                                                 std::memory_order_seq_cst)) {
    }
    AtSchedulePoint("registry:before_scan");
    pinned->horizon = 0;  // A list that is cut short by an exception drops nothing.
    std::vector<uint64_t>& found = pinned->ts;
    found.clear();
    pool_.ForEachClaimed([&found](const Slot&, uint64_t value) {
      if (value != Pool::kBlank) found.push_back(value - 1);
    });
    // Snapshots opened one after the other often stand in order already.
    if (!std::is_sorted(found.begin(), found.end())) std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    pinned->horizon = horizon;
  }

  template <class Visit>
  void ForEachSlot(const Visit& visit) {
    pool_.ForEach(visit);
  }
  size_t OrphanClaimed() { return pool_.OrphanClaimed(); }
  size_t live_count() const { return pool_.claimed_count(); }
  size_t slot_count() const { return pool_.slot_count(); }

 private:
  using Pool = SlotPool<Policy, Slot, Field::kPinnedTs, kSegmentSlots>;
  Pool pool_;

  // The newest commit a pruner judged by.
  //   Writer: CollectPinned(), never downwards. Reader: Pin(), CollectPinned().
  //   Order:  seq_cst, see above.
  alignas(Policy::kCacheLineBytes)
      typename Policy::template Atomic<uint64_t, Field::kPruneHorizon> prune_horizon_{0};
};

// What is told about a snapshot.
struct SnapshotRecord {
  uint64_t opened_at_nanos = 0;  // MonotonicCoarseNanos() then.
  int32_t thread_number = 0;     // The operating system's, of the thread that opened it.
  std::string label;
  std::string owner;
};

struct alignas(64) SnapshotSlot : BasicSnapshotSlot<StdAtomics, SnapshotRecord> {};

struct LiveSnapshot {
  uint64_t ts = 0;
  std::string label;
  std::string owner;  // "thread 1234" if none was given.
  uint64_t age_nanos = 0;
  uint64_t opened_at_nanos = 0;  // Since the Unix epoch.
};

// The registry of a Db: pins with a label and an owner.
//
// Thread-safety and lifetime: as BasicSnapshotRegistry.
class SnapshotRegistry {
 public:
  // Pins what is visible now, with one handle. Throws std::bad_alloc, and then keeps nothing
  // (it allocates only when there are more live snapshots than ever).
  SnapshotSlot* Pin(const TimestampOracle& oracle, std::string&& label, std::string&& owner) {
    return pins_.Pin(oracle, [&label, &owner](SnapshotRecord& record) {
      record.opened_at_nanos = MonotonicCoarseNanos();
      record.thread_number = ThreadNumber();
      if (!label.empty()) record.label = std::move(label);
      if (!owner.empty()) record.owner = std::move(owner);
    });
  }
  // One more handle for somebody who has one.
  void AddHandle(SnapshotSlot* slot) { pins_.AddHandle(slot); }
  DroppedHandle DropHandle(SnapshotSlot* slot) { return pins_.DropHandle(slot, &Forget); }
  // For a caller that may have to tell somebody: after_unpin() is called if this was the last
  // handle, with the pin gone and the registry and its owner still there. Nothing is owed if
  // visible_seq_cst() still is the snapshot's ts then; looked at before, it proves nothing.
  template <class AfterUnpin>
  DroppedHandle DropHandle(SnapshotSlot* slot, const AfterUnpin& after_unpin) {
    return pins_.DropHandle(slot, &Forget, after_unpin);
  }

  // What is pinned now. Keeps the capacity of `*pinned`. Throws std::bad_alloc.
  void CollectPinned(const TimestampOracle& oracle, PinnedSet* pinned) {
    pins_.CollectPinned(oracle, pinned);
  }

  // Every snapshot that was live throughout the call, and maybe some that were not; oldest
  // timestamp first. If all other handles of one went while it was being read, it closed here:
  // `*closed_any` is then set, for the caller to do what a close asks for.
  // Throws std::bad_alloc. Requires: OrphanClaimed() was not called.
  std::vector<LiveSnapshot> List(bool* closed_any);

  size_t OrphanClaimed() { return pins_.OrphanClaimed(); }
  // Exact if nobody opens or closes meanwhile. Reads every slot.
  size_t live_count() const { return pins_.live_count(); }
  // At least as many as were ever live at once; cheap.
  size_t slot_count() const { return pins_.slot_count(); }

 private:
  // A clock that is as good as free, a few milliseconds coarse. Monotonic: an age is not
  // fooled by a wall clock that was set.
  static uint64_t MonotonicCoarseNanos() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

  static int32_t ThreadNumber() {
    const int32_t number = os_thread_number;
    return number != 0 ? number : AskThreadNumber();
  }
  static int32_t AskThreadNumber();

  static void Forget(SnapshotRecord& record) {
    // Swapped, not cleared: a long label's memory goes at once.
    if (!record.label.empty()) std::string().swap(record.label);
    if (!record.owner.empty()) std::string().swap(record.owner);
  }

  // The operating system's number of this thread; 0: not asked yet.
  static thread_local constinit int32_t os_thread_number __attribute__((tls_model("initial-exec")));

  BasicSnapshotRegistry<StdAtomics, SnapshotSlot> pins_;
};

inline thread_local constinit int32_t SnapshotRegistry::os_thread_number = 0;

}  // namespace firn::internal

#endif  // FIRN_MVCC_SNAPSHOT_REGISTRY_H_
