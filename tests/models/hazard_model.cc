// Protocol: hazard slots (mvcc/hazard.h). A cursor finds an object inside an epoch guard, names
// it in its slot, leaves the guard and goes on reading. A retired object is destroyed by a scan of
// the slots that starts after its grace period was seen to end, and that does not find it.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

struct Object {
  Plain<int> content;
};

// What a weakened protocol gets wrong.
enum class Mutant {
  kNone,
  kProtectTooLate,  // The cursor names the object when its guard is over.
  kScanTooEarly,    // The slots are scanned before the grace period is over.
  kNoGrace,         // The slots are scanned, grace periods ignored.
};

// Two cursors step from object to object and read outside of any guard, while a writer replaces
// and destroys objects, and somebody else advances the epoch.
template <class Policy, Mutant kMutant = Mutant::kNone>
struct StepAndDestroy : rl::test_suite<StepAndDestroy<Policy, kMutant>, 4> {
  using Slot = BasicHazardSlot<Policy>;
  BasicEpochDomain<Policy> epochs;
  BasicHazardSet<Policy, Slot, Object, 1> hazards;
  BasicLeafPointer<Policy, Object> link;
  Object objects[3];

  void before() {
    objects[0].content.set(1);
    link.Swap(&objects[0]);
  }

  void thread(unsigned index) {
    if (index < 2) {
      Read();
    } else if (index == 2) {
      for (int i = 0; i < 3; ++i) epochs.TryAdvance();
    } else {
      for (Object* next : {&objects[1], &objects[2]}) {
        next->content.set(1);
        Destroy(link.Swap(next));
      }
    }
  }

  void Read() {
    auto& record = epochs.Register();
    Slot* slot = hazards.Claim();
    for (int i = 0; i < 2; ++i) {
      epochs.Enter(record);
      const Object* object = link.Load();
      if (kMutant != Mutant::kProtectTooLate) hazards.Protect(slot, object);
      epochs.Exit(record);
      if (kMutant == Mutant::kProtectTooLate) hazards.Protect(slot, object);
      Require(object->content.get() == 1);
    }
    hazards.Release(slot);
    epochs.Unregister(record);
  }

  void Destroy(Object* retired) {
    const uint64_t tag = epochs.DrawTag();
    std::vector<const void*> named;
    if (kMutant == Mutant::kScanTooEarly) named = hazards.Collect();
    bool safe = kMutant == Mutant::kNoGrace;
    for (int i = 0; i < 4 && !safe; ++i) {
      epochs.TryAdvance();
      safe = epochs.IsSafe(tag);
    }
    if (!safe) return;
    if (kMutant != Mutant::kScanTooEarly) named = hazards.Collect();
    if (hazards.Contains(named, retired)) return;
    retired->content.set(0);
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("hazard slots against retiring");
  run.MustPass<StepAndDestroy<Shipped>>("step beside destroy", 150'000);
  run.MustFail<StepAndDestroy<Relaxed<Field::kHazard>>>("  hazards relaxed", 150'000);
  run.MustFail<StepAndDestroy<Relaxed<Field::kLeafState>>>("  link relaxed", 150'000);
  run.MustFail<StepAndDestroy<Relaxed<Field::kThreadEpoch>>>("  records relaxed", 150'000);
  run.MustFail<StepAndDestroy<Relaxed<Field::kGlobalEpoch>>>("  epoch relaxed", 150'000);
  run.MustFail<StepAndDestroy<Shipped, Mutant::kProtectTooLate>>("  protected after the guard",
                                                                 150'000);
  run.MustFail<StepAndDestroy<Shipped, Mutant::kScanTooEarly>>("  scanned before the grace period",
                                                               150'000);
  run.MustFail<StepAndDestroy<Shipped, Mutant::kNoGrace>>("  no grace period", 150'000);
  return run.ExitCode();
}
