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
#include "mvcc/snapshot_brief.h"
#include "mvcc/timestamp_oracle.h"

namespace firn::internal {

// What a snapshot's slot needs for the protocols; `Record` is what does not fit into its brief.
template <class Policy, class Record>
struct BasicSnapshotSlot : PooledSlot {
  // Constant from Pin() to the close.
  uint64_t ts = 0;

  // What everybody is told about the snapshot: the word of a SnapshotBrief.
  //   Writer: the one who pins, once it stays at its timestamp; the one who closes, before it
  //           frees the slot.
  //   Reader: a lister, no lock, before and after it reads the pinned timestamp.
  //   Order:  written with release, read with acquire. The pinned timestamp lies between two looks
  //           that find the same brief: by the first the slot is claimed for it, by the second it
  //           was not freed and claimed again before.
  typename Policy::template Atomic<uint64_t, Field::kSnapshotBrief> brief{SnapshotBrief::kNone};

  // Handles that share the pin, and kHasRecord for as long as listers may take one.
  //   Writer: whoever makes, clones or drops a handle; a lister, which takes one for itself if
  //           there is a record to be read. The only handle on a snapshot without a record stays
  //           alone, so that it need not count down when it closes.
  //   Reader: the same.
  //   Order:  the first one is stored with release once the record is written, paired with the
  //           acquire in TryAddHandle(). A drop is acq_rel, and the look of an only handle acquire:
  //           the one who drops the last comes after all that the others did with the record.
  //           Raised from above 0 it is relaxed: the caller has a handle that orders everything.
  typename Policy::template Atomic<uint32_t, Field::kHandleCount> handles{0};
  static constexpr uint32_t kHasRecord = uint32_t{1} << 31;

  // Written by the one who pins before the first handle is counted, and by the one who drops the
  // last; read by whoever counts as a handle. Last, so that what every snapshot needs is one line.
  Record record;
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
// Step 3 notes each pin it reads (SlotPool::NoteClaimed), once in the pin's life. So most
// snapshots, opened and closed before any pruner looks, are closed by one compare-exchange: nobody
// kept a version for them, so nobody must be told. One that was noted is blanked first, then told
// of, and freed at last, for until then the slot keeps the registry alive.
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
  // A slot that pins what is visible now, with one handle. `fill(Record&)` is called if `brief` says
  // kHasRecord. Throws std::bad_alloc, before that.
  template <class Oracle, class Fill>
  Slot* Pin(const Oracle& oracle, uint64_t brief, const Fill& fill) {
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
    const bool has_record = (brief & SnapshotBrief::kHasRecord) != 0;
    if (has_record) fill(slot->record);
    slot->brief.store(brief, std::memory_order_release);
    slot->handles.store(has_record ? Slot::kHasRecord + 1 : 1, std::memory_order_release);
    return slot;
  }

  void AddHandle(Slot* slot) { slot->handles.fetch_add(1, std::memory_order_relaxed); }

  // For one that has no handle: false if the slot has none at all, or does not yet, or no record.
  bool TryAddHandle(Slot* slot) {
    uint32_t handles = slot->handles.load(std::memory_order_relaxed);
    while (handles > Slot::kHasRecord) {
      if (slot->handles.compare_exchange_weak(handles, handles + 1, std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // What is told about the snapshot that has the slot: its timestamp and its brief, which is kNone
  // if there is no snapshot now, or another one came or went meanwhile.
  std::pair<uint64_t, uint64_t> BriefOf(const Slot& slot) const {
    const uint64_t brief = slot.brief.load(std::memory_order_acquire);
    AtSchedulePoint("registry:listing");
    const uint64_t value = pool_.ValueOf(slot);
    const bool same = slot.brief.load(std::memory_order_acquire) == brief;
    const bool pinned = value != Pool::kFree && value != Pool::kBlank;
    return {value - 1, same && pinned ? brief : SnapshotBrief::kNone};
  }

  // The close of most snapshots: the only handle of one without a record, which no pruner has seen.
  // True: the pin is gone, and the registry and its owner may be. False: the handle is still to be
  // dropped.
  bool TryDropOnlyHandle(Slot* slot) {
    if (slot->handles.load(std::memory_order_acquire) != 1) return false;
    slot->brief.store(SnapshotBrief::kNone, std::memory_order_relaxed);
    AtSchedulePoint("registry:before_unpin");
    return pool_.TryReleaseUnnoted(slot, slot->ts + 1);
  }

  // `forget(Record&)` clears the record of a slot whose last handle went. `after_unpin()` is called
  // if it was the last and a pruner may have kept something for it: pruners find the pin no more,
  // but the slot still keeps the registry and its owner alive. What it looks at there comes after
  // the unpinning in the order of seq_cst.
  template <class Forget, class AfterUnpin>
  DroppedHandle DropHandle(Slot* slot, const Forget& forget, const AfterUnpin& after_unpin) {
    if (TryDropOnlyHandle(slot)) return {true, false};
    if (slot->handles.load(std::memory_order_acquire) != 1) {
      const uint32_t before = slot->handles.fetch_sub(1, std::memory_order_acq_rel);
      if ((before & ~Slot::kHasRecord) != 1) return {false, false};
      forget(slot->record);
    }
    slot->brief.store(SnapshotBrief::kNone, std::memory_order_relaxed);
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
    pool_.NoteClaimed([&found](uint64_t value) { found.push_back(value - 1); });
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

// What its user says about a snapshot.
struct SnapshotRecord {
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

// The operating system's number of this thread; 0: not asked yet. initial-exec: one load, no call,
// which a static member would not be granted.
inline thread_local constinit int32_t os_thread_number __attribute__((tls_model("initial-exec"))) =
    0;

// The registry of a Db: pins with a label and an owner.
//
// Thread-safety and lifetime: as BasicSnapshotRegistry.
class SnapshotRegistry {
 public:
  // Pins what is visible now, with one handle. Throws std::bad_alloc, and then keeps nothing
  // (it allocates only when there are more live snapshots than ever).
  SnapshotSlot* Pin(const TimestampOracle& oracle, std::string&& label, std::string&& owner) {
    SnapshotBrief brief = BriefOfThisThread();
    brief.has_record = !label.empty() || !owner.empty();
    return pins_.Pin(oracle, brief.Word(), [&label, &owner](SnapshotRecord& record) {
      if (!label.empty()) record.label = std::move(label);
      if (!owner.empty()) record.owner = std::move(owner);
    });
  }
  // The same for an iterator of the present, which is listed as one.
  SnapshotSlot* PinForIterator(const TimestampOracle& oracle) {
    SnapshotBrief brief = BriefOfThisThread();
    brief.of_iterator = true;
    return pins_.Pin(oracle, brief.Word(), [](SnapshotRecord&) {});
  }
  // One more handle for somebody who has one.
  void AddHandle(SnapshotSlot* slot) { pins_.AddHandle(slot); }
  // See BasicSnapshotRegistry.
  bool TryDropOnlyHandle(SnapshotSlot* slot) { return pins_.TryDropOnlyHandle(slot); }
  // after_unpin() is called if this was the last handle and a pruner has seen the pin: it is gone
  // now, and the registry and its owner are still there. Nothing is owed if visible_seq_cst() still
  // is the snapshot's ts then; looked at before, it proves nothing.
  template <class AfterUnpin>
  DroppedHandle DropHandle(SnapshotSlot* slot, const AfterUnpin& after_unpin) {
    return pins_.DropHandle(slot, &Forget, after_unpin);
  }
  DroppedHandle DropHandle(SnapshotSlot* slot) {
    return DropHandle(slot, [] {});
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
  static SnapshotBrief BriefOfThisThread() {
    SnapshotBrief brief;
    brief.thread_number = static_cast<uint32_t>(ThreadNumber());
    brief.opened_at_millis = MonotonicCoarseMillis();
    return brief;
  }
  // A clock that is as good as free, a few milliseconds coarse. Monotonic: an age is not
  // fooled by a wall clock that was set.
  static uint64_t MonotonicCoarseMillis() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000 +
           static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
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

  BasicSnapshotRegistry<StdAtomics, SnapshotSlot> pins_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SNAPSHOT_REGISTRY_H_
