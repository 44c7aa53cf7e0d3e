// Protocol: the swap of a leaf's state (mvcc/leaf_pointer.h). Writers under the leaf's latch build
// a new state from the current one, put it in place and retire the old one; a reader finds a state
// that is complete, and that stays until its guard is over.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

struct State {
  Plain<int> generation;
  Plain<int> twice;
  ~State() { generation.set(0); }  // A race with whoever still looks.
};

// Two writers freeze the leaf in turn; two readers look.
template <class Policy>
struct SwapAndRead : rl::test_suite<SwapAndRead<Policy>, 4> {
  BasicEpochDomain<Policy> epochs;
  BasicLeafPointer<Policy, State> leaf;
  RelacyMutex latch;
  State* retired[2] = {};

  static State* Make(int generation) {
    auto* state = new State;
    state->generation.set(generation);
    state->twice.set(2 * generation);
    return state;
  }

  void before() { leaf.Swap(Make(1)); }

  void thread(unsigned index) {
    if (index < 2) {
      latch.Lock();
      State* current = leaf.Load();
      State* old = leaf.Swap(Make(current->generation.get() + 1));
      Require(old == current);
      latch.Unlock();
      Retire(index, old);
      return;
    }
    auto& record = epochs.Register();
    int last = 0;
    for (int i = 0; i < 2; ++i) {
      epochs.Enter(record);
      State* state = leaf.Load();
      const int generation = state->generation.get();
      Require(generation >= last && state->twice.get() == 2 * generation);
      last = generation;
      epochs.Exit(record);
    }
    epochs.Unregister(record);
  }

  void Retire(unsigned index, State* old) {
    const uint64_t tag = epochs.DrawTag();
    for (int i = 0; i < 3; ++i) {
      epochs.TryAdvance();
      if (!epochs.IsSafe(tag)) continue;
      delete old;
      return;
    }
    retired[index] = old;
  }

  void after() {
    Require(leaf.Load()->generation.get() == 3);
    for (State* state : retired) delete state;
    delete leaf.Load();
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("swap of a leaf's state");
  run.MustPass<SwapAndRead<Shipped>>("swap beside readers", 200'000);
  run.MustFail<SwapAndRead<Relaxed<Field::kLeafState>>>("  state pointer relaxed", 200'000);
  run.MustFail<SwapAndRead<Relaxed<Field::kThreadEpoch>>>("  records relaxed", 200'000);
  run.MustFail<SwapAndRead<Relaxed<Field::kGlobalEpoch>>>("  epoch relaxed", 200'000);
  return run.ExitCode();
}
