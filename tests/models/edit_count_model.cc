// Protocol: what a walk remembers of the inner nodes (mvcc/edit_count.h). A reader gets the count of
// edits, finds a node, and looks at it once more in a later epoch guard if the count is the same; an
// edit replaces the node, raises the count, and retires what it replaced.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

struct Node {
  Plain<int> content;
};

// What a weakened protocol leaves out.
enum class Mutant {
  kNone,
  kCountBehind,  // The reader finds the node first, and gets the count then.
  kRaisedLate,   // The edit draws the tag of what it replaced before it raises the count.
  kNotRaised,
};

template <class Policy, Mutant kMutant = Mutant::kNone>
struct LookAgain : rl::test_suite<LookAgain<Policy, kMutant>, 3> {
  BasicEpochDomain<Policy> epochs;
  BasicLeafPointer<Policy, Node> link;
  BasicEditCount<Policy> edits;
  Node nodes[2];

  void before() {
    nodes[0].content.set(1);
    link.Swap(&nodes[0]);
  }

  void Walk() {
    auto& record = epochs.Register();
    epochs.Enter(record);
    uint64_t count = edits.Get();
    Node* node = link.Load();
    if (kMutant == Mutant::kCountBehind) count = edits.Get();
    Require(node->content.get() == 1);
    epochs.Exit(record);
    epochs.Enter(record);
    if (edits.Get() == count) Require(node->content.get() == 1);
    epochs.Exit(record);
    epochs.Unregister(record);
  }

  void Edit() {
    nodes[1].content.set(1);
    Node* replaced = link.Swap(&nodes[1]);
    const bool early = kMutant != Mutant::kRaisedLate && kMutant != Mutant::kNotRaised;
    if (early) edits.Raise();
    const uint64_t tag = epochs.DrawTag();
    for (int i = 0; i < 4; ++i) {
      epochs.TryAdvance();
      if (!epochs.IsSafe(tag)) continue;
      replaced->content.set(0);
      break;
    }
    if (kMutant == Mutant::kRaisedLate) edits.Raise();
  }

  void thread(unsigned index) {
    if (index == 0) {
      Walk();
    } else if (index == 1) {
      Edit();
    } else {
      for (int i = 0; i < 3; ++i) epochs.TryAdvance();
    }
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("count of edits");
  run.MustPass<LookAgain<Shipped>>("look again beside an edit", 500'000);
  run.MustFail<LookAgain<Relaxed<Field::kEditCount>>>("  count relaxed", 500'000);
  run.MustFail<LookAgain<Shipped, Mutant::kCountBehind>>("  count got behind the node", 500'000);
  run.MustFail<LookAgain<Shipped, Mutant::kRaisedLate>>("  raised after the tag", 500'000);
  run.MustFail<LookAgain<Shipped, Mutant::kNotRaised>>("  not raised", 500'000);
  return run.ExitCode();
}
