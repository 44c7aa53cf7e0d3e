// Protocol: epochs (mvcc/epoch.h). A reader announces the current epoch, looks again, and then
// looks at shared memory; a writer unlinks an object, draws a tag, and destroys the object once
// the epoch has advanced twice since.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

struct Object {
  Plain<int> content;
};

// What a weakened protocol leaves out.
enum class Mutant {
  kNone,
  kNoSecondLook,  // The reader announces an epoch that may be over by then.
  kLoadedTag,     // The tag is loaded, not drawn by a read-modify-write.
  kOneEpoch,      // One advance is taken for enough.
};

// Readers look at the linked object while a writer replaces and destroys it, and somebody else
// advances the epoch, too.
template <class Policy, Mutant kMutant = Mutant::kNone>
struct ReadAndDestroy : rl::test_suite<ReadAndDestroy<Policy, kMutant>, 4> {
  BasicEpochDomain<Policy> epochs;
  BasicLeafPointer<Policy, Object> link;
  Object objects[2];

  void before() {
    objects[0].content.set(1);
    link.Swap(&objects[0]);
  }

  void Enter(typename BasicEpochDomain<Policy>::Record& record) {
    if (kMutant == Mutant::kNoSecondLook) {
      record.epoch.exchange(epochs.current(), std::memory_order_seq_cst);
    } else {
      epochs.Enter(record);
    }
  }

  void thread(unsigned index) {
    if (index < 2) {
      auto& record = epochs.Register();
      Enter(record);
      Require(link.Load()->content.get() == 1);
      epochs.Exit(record);
      epochs.Unregister(record);
    } else if (index == 2) {
      for (int i = 0; i < 3; ++i) epochs.TryAdvance();
    } else {
      objects[1].content.set(1);
      Object* old = link.Swap(&objects[1]);
      const uint64_t tag = kMutant == Mutant::kLoadedTag ? epochs.current() : epochs.DrawTag();
      for (int i = 0; i < 4; ++i) {
        epochs.TryAdvance();
        if (!epochs.IsSafe(kMutant == Mutant::kOneEpoch ? tag - 1 : tag)) continue;
        old->content.set(0);
        return;
      }
    }
  }
};

// A record passes from a thread that ended to one that begins.
template <class Policy>
struct ReuseRecord : rl::test_suite<ReuseRecord<Policy>, 2> {
  BasicEpochDomain<Policy> epochs;
  Plain<int> depth;  // Stands for the owner's part of the one record.

  void before() { epochs.Unregister(epochs.Register()); }
  void thread(unsigned) {
    auto& record = epochs.Register();
    if (record.next == nullptr) {  // The first of the list: the one given back.
      depth.set(1);
      epochs.Enter(record);
      epochs.Exit(record);
      depth.set(0);
    }
    epochs.Unregister(record);
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("epochs");
  run.MustPass<ReadAndDestroy<Shipped>>("read beside destroy", 1'000'000);
  run.MustFail<ReadAndDestroy<Relaxed<Field::kGlobalEpoch>>>("  epoch relaxed", 1'000'000);
  run.MustFail<ReadAndDestroy<NoSeqCst<Field::kGlobalEpoch>>>("  epoch without seq_cst", 1'000'000);
  run.MustFail<ReadAndDestroy<Relaxed<Field::kThreadEpoch>>>("  records relaxed", 1'000'000);
  run.MustFail<ReadAndDestroy<NoSeqCst<Field::kThreadEpoch>>>("  records without seq_cst",
                                                              1'000'000);
  run.MustFail<ReadAndDestroy<NoSeqCst<Field::kSegmentNext>>>("  list without seq_cst", 1'000'000);
  run.MustFail<ReadAndDestroy<Shipped, Mutant::kNoSecondLook>>("  no second look", 1'000'000);
  run.MustFail<ReadAndDestroy<Shipped, Mutant::kLoadedTag>>("  tag loaded", 1'000'000);
  run.MustFail<ReadAndDestroy<Shipped, Mutant::kOneEpoch>>("  one epoch", 1'000'000);
  run.MustPass<ReuseRecord<Shipped>>("records are reused", 300'000);
  run.MustFail<ReuseRecord<Relaxed<Field::kSlotState>>>("  ownership relaxed", 300'000);
  return run.ExitCode();
}
