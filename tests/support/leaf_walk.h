// Walks from leaf to leaf, as iterators do.
#ifndef FIRN_TESTS_SUPPORT_LEAF_WALK_H_
#define FIRN_TESTS_SUPPORT_LEAF_WALK_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/epoch.h"
#include "mvcc/leaf_path.h"
#include "mvcc/ordered_map.h"

namespace firn::test {

// From the first leaf to the last and back again; `path` may be of another walk. Returns the fences
// passed. Calls beside(fence) between two hops, when nothing is kept.
template <class Beside>
std::vector<std::string> WalkThereAndBack(const internal::OrderedMap& map, internal::LeafPath* path,
                                          const Beside& beside) {
  std::vector<std::string> passed;
  std::string at;
  while (true) {
    beside(at);
    const internal::EpochGuard guard;
    const internal::LeafState* state = map.FindStateForward(at, path).state;
    EXPECT_TRUE(state->Covers(at)) << at;
    if (!state->has_upper) break;
    at = *state->fences().upper;
    passed.push_back(at);
  }
  while (!at.empty()) {
    beside(at);
    const internal::EpochGuard guard;
    const internal::LeafState* state = map.FindStateBefore(at, path).state;
    EXPECT_TRUE(!state->has_upper || *state->fences().upper >= at) << at;
    EXPECT_LT(state->fences().lower, at);
    passed.push_back(at);
    at = state->fences().lower;
  }
  return passed;
}

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_LEAF_WALK_H_
