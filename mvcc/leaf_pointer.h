// The one word that leads to everything in a leaf.
#ifndef FIRN_MVCC_LEAF_POINTER_H_
#define FIRN_MVCC_LEAF_POINTER_H_

#include "mvcc/atomics_policy.h"

namespace firn::internal {

struct LeafState;

// A LeafPointer holds a leaf's current state.
//
// Lifetime: who swaps a state out retires it: readers in an epoch guard may still look at it.
template <class Policy, class State = LeafState>
class BasicLeafPointer {
 public:
  BasicLeafPointer() = default;
  explicit BasicLeafPointer(State* state) : state_(state) {}

  // Requires: an epoch guard, or the leaf's latch.
  State* Load() const { return state_.load(std::memory_order_acquire); }

  // Returns the state before. Requires: the leaf's latch.
  State* Swap(State* state) {
    // relaxed: the latch orders this with the writer that stored it.
    State* before = state_.load(std::memory_order_relaxed);
    state_.store(state, std::memory_order_release);
    return before;
  }

 private:
  //   Writer: the holder of the leaf's latch. Reader: anybody.
  //   Order:  release, paired with the acquire in Load(): whoever finds a state sees all of it,
  //           and everything that was complete when it was made.
  typename Policy::template Atomic<State*, Field::kLeafState> state_{nullptr};
};

using LeafPointer = BasicLeafPointer<StdAtomics>;

}  // namespace firn::internal

#endif  // FIRN_MVCC_LEAF_POINTER_H_
