// Protocol: snapshots against pruners (mvcc/snapshot_registry.h). One who pins announces its
// timestamp, then checks the prune horizon; a pruner raises the horizon, then scans the slots. So
// no pruner drops what a snapshot sees, whichever of them is faster. And what a closed snapshot
// made a pruner keep is noticed: the closer of a pin that a pruner noted looks for pruners after it
// unpinned. A lister reads a snapshot's brief beside its closer, its record as a handle.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

struct NoRecord {
  Plain<int> label;
};

template <class Policy>
using TestSlot = BasicSnapshotSlot<Policy, NoRecord>;
template <class Policy>
using TestRegistry = BasicSnapshotRegistry<Policy, TestSlot<Policy>, 1>;

// Briefs of snapshots without a record and with one.
constexpr uint64_t kPlain = 2;
constexpr uint64_t kWithRecord = 2 | SnapshotBrief::kHasRecord;
constexpr auto kNothing = [](NoRecord&) {};

template <class Policy>
struct VisibleTs {
  typename Policy::template Atomic<uint64_t, Field::kVisibleTs> ts{1};
  uint64_t visible() const { return ts.load(std::memory_order_acquire); }
  uint64_t visible_seq_cst() const { return ts.load(std::memory_order_seq_cst); }
};

// Versions 1 and 2 of one key; the first is dropped (written over) once nobody may see it.
template <class Policy>
struct OneKey {
  Plain<int> versions[3];
  void Read(uint64_t read_ts) { Require(versions[read_ts].get() == static_cast<int>(read_ts)); }
  void Drop(uint64_t ts) { versions[ts].set(-1); }
};

// Two threads take a snapshot, two prune, one of whom committed before. The slots are in segments
// of one, so the second pin makes a new one.
template <class Policy>
struct PinAndPrune : rl::test_suite<PinAndPrune<Policy>, 4> {
  VisibleTs<Policy> oracle;
  TestRegistry<Policy> registry;
  OneKey<Policy> key;
  // Both pruners come to the key under its leaf's latch.
  RelacyMutex latch;
  bool dropped = false;

  void before() { key.versions[1].set(1); }
  void thread(unsigned index) {
    if (index >= 2) {
      TestSlot<Policy>* slot = registry.Pin(oracle, kPlain, kNothing);
      key.Read(slot->ts);
      registry.DropHandle(slot, kNothing, [] {});
      return;
    }
    if (index == 0) {
      key.versions[2].set(2);
      oracle.ts.store(2, std::memory_order_release);
    }
    PinnedSet pinned;
    registry.CollectPinned(oracle, &pinned);
    Require(pinned.horizon <= 2);
    if (!MayDrop(1, 2, pinned)) return;
    latch.Lock();
    if (!dropped) key.Drop(1);
    dropped = true;
    latch.Unlock();
  }
};

// The wrong raise: a plain store takes back what a faster pruner raised.
template <class Policy>
class StoringRegistry {
 public:
  template <class Oracle>
  uint64_t Pin(const Oracle& oracle) {
    while (true) {
      const uint64_t ts = oracle.visible();
      pinned_.store(ts, std::memory_order_seq_cst);
      if (ts >= horizon_.load(std::memory_order_seq_cst)) return ts;
    }
  }
  template <class Oracle>
  PinnedSet Collect(const Oracle& oracle) {
    PinnedSet pinned;
    pinned.horizon = oracle.visible();
    horizon_.store(pinned.horizon, std::memory_order_seq_cst);
    const uint64_t ts = pinned_.load(std::memory_order_seq_cst);
    if (ts != 0) pinned.ts.push_back(ts);
    return pinned;
  }

 private:
  typename Policy::template Atomic<uint64_t, Field::kPinnedTs> pinned_{0};
  typename Policy::template Atomic<uint64_t, Field::kPruneHorizon> horizon_{0};
};

template <class Policy>
struct PinAndStoringPruner : rl::test_suite<PinAndStoringPruner<Policy>, 3> {
  VisibleTs<Policy> oracle;
  StoringRegistry<Policy> registry;
  OneKey<Policy> key;

  void before() { key.versions[1].set(1); }
  void thread(unsigned index) {
    if (index == 0) {
      key.versions[2].set(2);
      oracle.ts.store(2, std::memory_order_release);
      if (MayDrop(1, 2, registry.Collect(oracle))) key.Drop(1);
    } else if (index == 1) {
      registry.Collect(oracle);  // A slow one, with an old horizon.
    } else {
      key.Read(registry.Pin(oracle));
    }
  }
};

// A snapshot closes beside a commit and a settler. That one keeps what the snapshot sees and comes
// back only if the closer leaves word; the closer does so unless nothing was superseded since the
// snapshot's moment, or no settler is interested.
enum class Noted { kNotYet, kBefore };  // By another pruner: the settler need not write then.
enum class Look { kAfterUnpin, kBeforeUnpin, kNever };

template <class Policy, Noted kNoted, Look kLook = Look::kAfterUnpin>
struct CloseAndSettle : rl::test_suite<CloseAndSettle<Policy, kNoted, kLook>, 3> {
  VisibleTs<Policy> oracle;
  TestRegistry<Policy> registry;
  typename Policy::template Atomic<bool, Field::kNone> interested{false};
  TestSlot<Policy>* slot;
  bool keeps = false;
  bool told = false;

  void before() {
    slot = registry.Pin(oracle, kPlain, kNothing);
    PinnedSet pinned;
    if (kNoted == Noted::kBefore) registry.CollectPinned(oracle, &pinned);
  }
  void thread(unsigned index) {
    if (index == 0) {
      oracle.ts.store(2, std::memory_order_seq_cst);
    } else if (index == 1) {
      interested.store(true, std::memory_order_seq_cst);
      PinnedSet pinned;
      registry.CollectPinned(oracle, &pinned);
      keeps = pinned.horizon == 2 && !MayDrop(1, 2, pinned);
    } else {
      if (kLook == Look::kNever) return void(registry.Unpin(slot));
      const bool may_owe = oracle.visible_seq_cst() != slot->ts;
      registry.DropHandle(slot, kNothing, [&] {
        told = (kLook == Look::kBeforeUnpin ? may_owe : oracle.visible_seq_cst() != slot->ts) &&
               interested.load(std::memory_order_seq_cst);
      });
    }
  }
  void after() { Require(told || !keeps); }
};

// A lister takes a handle on a snapshot that closes, and whose slot somebody else may claim.
template <class Policy, bool kLookThenAdd = false>
struct ListAndClose : rl::test_suite<ListAndClose<Policy, kLookThenAdd>, 3> {
  VisibleTs<Policy> oracle;
  TestRegistry<Policy> registry;
  TestSlot<Policy>* slot;
  static constexpr auto kForget = [](NoRecord& record) { record.label.set(0); };

  void before() { slot = Pin(7); }
  TestSlot<Policy>* Pin(int label) {
    return registry.Pin(oracle, kWithRecord,
                        [label](NoRecord& record) { record.label.set(label); });
  }
  void thread(unsigned index) {
    if (index == 0) {
      registry.DropHandle(slot, kForget, [] {});
    } else if (index == 1) {
      TestSlot<Policy>* own = Pin(8);
      registry.AddHandle(own);
      Require(!registry.DropHandle(own, kForget, [] {}).last);
      Require(own->record.label.get() == 8);
      registry.DropHandle(own, kForget, [] {});
    } else {
      registry.ForEachSlot([this](TestSlot<Policy>& listed) {
        if (!TakeHandle(&listed)) return;
        const int label = listed.record.label.get();
        Require(label == 7 || label == 8);
        registry.DropHandle(&listed, kForget, [] {});
      });
    }
  }
  bool TakeHandle(TestSlot<Policy>* listed) {
    if (!kLookThenAdd) return registry.TryAddHandle(listed);
    if (listed->handles.load(std::memory_order_acquire) <= TestSlot<Policy>::kHasRecord) {
      return false;
    }
    registry.AddHandle(listed);
    return true;
  }
  void after() { Require(registry.live_count() == 0); }
};

// Two threads share a snapshot without a record; the one who closes it comes after both.
template <class Policy>
struct ShareAndClose : rl::test_suite<ShareAndClose<Policy>, 2> {
  VisibleTs<Policy> oracle;
  TestRegistry<Policy> registry;
  TestSlot<Policy>* slot;
  Plain<int> shared[2];

  void before() {
    slot = registry.Pin(oracle, kPlain, kNothing);
    registry.AddHandle(slot);
  }
  void thread(unsigned index) {
    shared[index].set(1);
    if (registry.DropHandle(slot, kNothing, [] {}).last) Require(shared[1 - index].get() == 1);
  }
  void after() { Require(registry.live_count() == 0); }
};

// A lister reads the briefs of a snapshot of timestamp 1 that closes and of one of timestamp 2
// that opens, maybe in the same slot.
template <class Policy, bool kLookOnce = false>
struct BriefBesideClose : rl::test_suite<BriefBesideClose<Policy, kLookOnce>, 3> {
  VisibleTs<Policy> oracle;
  TestRegistry<Policy> registry;
  TestSlot<Policy>* slot;

  void before() { slot = Pin(10); }
  TestSlot<Policy>* Pin(uint64_t brief) { return registry.Pin(oracle, brief, kNothing); }
  void thread(unsigned index) {
    if (index == 0) {
      registry.DropHandle(slot, kNothing, [] {});
    } else if (index == 1) {
      oracle.ts.store(2, std::memory_order_release);
      Pin(20);
    } else {
      registry.ForEachSlot([this](TestSlot<Policy>& listed) {
        auto [ts, brief] = registry.BriefOf(listed);
        if (kLookOnce) brief = listed.brief.load(std::memory_order_acquire);
        Require(brief == SnapshotBrief::kNone || brief == 10 * ts);
      });
    }
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("snapshots against pruners");
  run.MustPass<PinAndPrune<Shipped>>("pin beside pruners", 400'000);
  run.MustFail<PinAndPrune<Relaxed<Field::kPinnedTs>>>("  slots relaxed", 1'000'000);
  run.MustFail<PinAndPrune<NoSeqCst<Field::kPinnedTs>>>("  slots without seq_cst", 1'000'000);
  run.MustFail<PinAndPrune<Relaxed<Field::kPruneHorizon>>>("  horizon relaxed", 1'000'000);
  run.MustFail<PinAndPrune<NoSeqCst<Field::kPruneHorizon>>>("  horizon without seq_cst", 1'000'000);
  run.MustFail<PinAndPrune<Relaxed<Field::kVisibleTs>>>("  visible_ts relaxed", 1'000'000);
  run.MustFail<PinAndPrune<NoSeqCst<Field::kSegmentNext>>>("  segment list without seq_cst",
                                                           1'000'000);
  run.MustFail<PinAndStoringPruner<Shipped>>("  horizon stored, not raised", 1'000'000);
  run.MustPass<CloseAndSettle<Shipped, Noted::kNotYet>>("close beside a settler", 300'000);
  run.MustFail<CloseAndSettle<Shipped, Noted::kNotYet, Look::kNever>>("  notes not heeded",
                                                                      300'000);
  run.MustPass<CloseAndSettle<Shipped, Noted::kBefore>>("close of a noted pin", 300'000);
  run.MustFail<CloseAndSettle<NoSeqCst<Field::kPinnedTs>, Noted::kBefore>>(
      "  slots without seq_cst", 300'000);
  run.MustFail<CloseAndSettle<NoSeqCst<Field::kVisibleTs>, Noted::kBefore>>(
      "  visible_ts without seq_cst", 300'000);
  run.MustFail<CloseAndSettle<Shipped, Noted::kBefore, Look::kBeforeUnpin>>(
      "  visible_ts looked at before", 300'000);
  run.MustPass<ListAndClose<Shipped>>("list beside close", 300'000);
  run.MustFail<ListAndClose<Relaxed<Field::kHandleCount>>>("  handle count relaxed", 300'000);
  run.MustFail<ListAndClose<Shipped, true>>("  handles looked at, then added to", 300'000);
  run.MustPass<ShareAndClose<Shipped>>("the last of two closes", 300'000);
  run.MustFail<ShareAndClose<Relaxed<Field::kHandleCount>>>("  handle count relaxed", 300'000);
  run.MustPass<BriefBesideClose<Shipped>>("brief beside close", 300'000);
  run.MustFail<BriefBesideClose<Relaxed<Field::kSnapshotBrief>>>("  brief relaxed", 300'000);
  run.MustFail<BriefBesideClose<Shipped, true>>("  brief looked at once", 300'000);
  return run.ExitCode();
}
