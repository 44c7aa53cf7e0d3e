// Protocol: slots, and the life of what they belong to (mvcc/slot_pool.h). A slot has one
// claimer at a time. A Db's core is shared by ~Db and by handles that each hold a claimed slot:
// ~Db marks what is claimed, a releaser of a marked slot is told, and the core is deleted once,
// by the last of them, and not looked at afterwards. A handle made from another handle races
// with ~Db: it claims, then looks whether the Db is closed.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

template <class Policy>
struct TestSlot : PooledSlot {
  Plain<int> payload;
};

template <class Policy, size_t kSegmentSlots>
using TestPool = SlotPool<Policy, TestSlot<Policy>, Field::kSlotState, kSegmentSlots>;

// Two threads claim and release; nobody meets anybody in a slot.
template <class Policy>
struct ClaimAndRelease : rl::test_suite<ClaimAndRelease<Policy>, 2> {
  TestPool<Policy, 1> pool;

  void thread(unsigned index) {
    for (int i = 0; i < 2; ++i) {
      auto* slot = pool.Claim();
      slot->payload.set(static_cast<int>(index));
      Require(slot->payload.get() == static_cast<int>(index));
      pool.Release(slot);
    }
  }
};

template <class Policy>
struct Core {
  TestPool<Policy, 2> pool;
  OrphanCount<Policy> orphans;
  typename Policy::template Atomic<bool, Field::kSlotState> closed{false};
  Plain<int> content;

  Core() { content.set(1); }
  ~Core() { content.set(0); }  // A race with whoever still looks.

  void Abandon() {
    closed.store(true, std::memory_order_seq_cst);
    if (orphans.AddMarked(pool.OrphanClaimed())) delete this;
  }
  void Drop(TestSlot<Policy>* slot) {
    if (pool.TryReleaseUnnoted(slot, TestPool<Policy, 2>::kClaimed)) return;
    if (pool.Release(slot) && orphans.DropMarked()) delete this;
  }
};

// ~Db against two handles that are dropped. A leak of the core is a failure too.
template <class Policy>
struct DropsRaceAbandon : rl::test_suite<DropsRaceAbandon<Policy>, 3> {
  Core<Policy>* core;
  TestSlot<Policy>* slots[2];

  void before() {
    core = new Core<Policy>;
    for (auto& slot : slots) slot = core->pool.Claim();
  }
  void thread(unsigned index) {
    if (index == 2) {
      core->Abandon();
      return;
    }
    Require(core->content.get() == 1);
    core->Drop(slots[index]);
  }
};

// A second handle is made from the first while ~Db passes; then the first goes, then the second.
template <class Policy>
struct CloneRacesAbandon : rl::test_suite<CloneRacesAbandon<Policy>, 2> {
  Core<Policy>* core;
  TestSlot<Policy>* first;

  void before() {
    core = new Core<Policy>;
    first = core->pool.Claim();
  }
  void thread(unsigned index) {
    if (index == 1) {
      core->Abandon();
      return;
    }
    TestSlot<Policy>* second = core->pool.Claim();
    core->pool.Rewrite(second, 2);  // As a pin that is announced again; keeps the mark.
    if (core->closed.load(std::memory_order_seq_cst)) {
      core->Drop(second);  // Refused. The first handle still keeps the core.
      second = nullptr;
    }
    core->Drop(first);
    if (second == nullptr) return;
    Require(core->content.get() == 1);
    core->Drop(second);
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("slots and orphans");
  run.MustPass<ClaimAndRelease<Shipped>>("claim and release", 200'000);
  run.MustFail<ClaimAndRelease<Relaxed<Field::kSlotState>>>("  state relaxed", 200'000);
  run.MustFail<ClaimAndRelease<Relaxed<Field::kSegmentNext>>>("  segment list relaxed", 200'000);
  run.MustPass<DropsRaceAbandon<Shipped>>("drops race ~Db", 500'000);
  run.MustFail<DropsRaceAbandon<Relaxed<Field::kSlotState>>>("  state relaxed", 500'000);
  run.MustFail<DropsRaceAbandon<Relaxed<Field::kOrphanCount>>>("  count relaxed", 500'000);
  run.MustPass<CloneRacesAbandon<Shipped>>("clone races ~Db", 500'000);
  run.MustFail<CloneRacesAbandon<NoSeqCst<Field::kSlotState>>>("  state without seq_cst", 500'000);
  return run.ExitCode();
}
