#include "mvcc/structure_edit.h"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/failing_spans.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using Side = StructureEdit::Side;

std::string Key(size_t number) { return std::to_string(100'000 + number); }

// Empty leaves, put in and taken out by hand; four children a node at most.
class StructureEditTest : public testing::Test {
 protected:
  ~StructureEditTest() override { map().Reclaim(); }

  OrderedMap& map() { return test_map_.map(); }

  // Cuts the leaf that covers the lowers' keys, which stand in order, at each of them. Throws
  // std::bad_alloc.
  void AddLeaves(const std::vector<std::string>& lowers,
                 bool commit = true) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EpochGuard guard;
    Leaf* left = map().LatchLeaf(lowers.front());
    const Fences fences = left->state.Load()->fences();
    std::vector<Leaf*> added;
    LeafState* shorter = nullptr;
    bool linked = false;
    try {
      std::vector<ChildRef> children;
      for (size_t i = 0; i < lowers.size(); ++i) {
        const auto upper =
            i + 1 < lowers.size() ? std::optional<std::string_view>(lowers[i + 1]) : fences.upper;
        LeafState* state = LeafState::Create(map().allocator(), {lowers[i], upper}, {}, {});
        try {
          added.push_back(map().NewLatchedLeaf(state));
        } catch (...) {
          map().DestroyState(state);
          throw;
        }
        children.push_back({lowers[i], added.back(), MemoryHint(state->memory())});
      }
      shorter = LeafState::Create(map().allocator(), {fences.lower, lowers.front()}, {}, {});
      StructureEdit edit(map());
      edit.PlanInsertLeaves(fences.lower, children);
      if (commit) edit.Commit();
      linked = commit;
    } catch (...) {
      Forget(added, shorter);
      left->latch.Unlock();
      throw;
    }
    if (linked) {
      map().SwapState(left, shorter);
      for (Leaf* leaf : added) leaf->latch.Unlock();
    } else {
      Forget(added, shorter);
    }
    left->latch.Unlock();
  }
  void AddLeaf(const std::string& lower) { AddLeaves({lower}); }

  // Joins the leaf that covers `key` with `count` neighbours behind it. Returns what
  // PlanRemoveLeaves() did.
  std::optional<uint32_t> RemoveBehind(const std::string& key,
                                       size_t count) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EpochGuard guard;
    std::vector<Leaf*> run = {map().LatchLeaf(key)};
    while (run.size() <= count) {
      run.push_back(map().LatchLeaf(*run.back()->state.Load()->fences().upper));
    }
    const Fences left = run.front()->state.Load()->fences();
    LeafState* joined = LeafState::Create(
        map().allocator(), {left.lower, run.back()->state.Load()->fences().upper}, {}, {});
    std::optional<uint32_t> planned;
    {
      StructureEdit edit(map());
      planned = edit.PlanRemoveLeaves(left.lower, std::span(run).subspan(1));
      if (planned) {
        map().SwapState(run.front(), joined);
        edit.Commit();
      } else {
        map().DestroyState(joined);
      }
    }
    for (Leaf* leaf : run) {
      if (planned && leaf != run.front()) leaf->obsolete = true;
      leaf->latch.Unlock();
      if (!planned || leaf == run.front()) continue;
      map().RetireState(leaf->state.Load());
      map().RetireLeaf(leaf);
    }
    return planned;
  }

  bool Merge(uint32_t level, const std::string& key, Side side) {
    const EpochGuard guard;
    StructureEdit edit(map());
    if (!edit.PlanMergeNodes(level, key, side)) return false;
    edit.Commit();
    return true;
  }

  size_t Settled() {
    for (int round = 0; round < 3; ++round) map().Reclaim();
    return test_map_.allocated_bytes();
  }

  test::TestMap test_map_;

 private:
  void Forget(const std::vector<Leaf*>& added, LeafState* state) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (Leaf* leaf : added) {
      leaf->latch.Unlock();
      map().DestroyState(leaf->state.Load());
      map().FreeLeaf(leaf);
    }
    if (state != nullptr) map().DestroyState(state);
  }
};

TEST_F(StructureEditTest, LeavesPutInOneByOneAreFoundInAnyOrder) {
  constexpr size_t kLeaves = 1'200;
  std::vector<size_t> order(kLeaves);
  for (size_t i = 0; i < kLeaves; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
  for (const size_t i : order) AddLeaf(Key(i));
  test_map_.CheckStructure();
  const auto leaves = test_map_.Leaves();
  ASSERT_EQ(leaves.size(), kLeaves + 1);
  for (size_t i = 0; i < kLeaves; ++i) ASSERT_EQ(leaves[i + 1].lower, Key(i));
  EXPECT_GE(test_map_.Height(), 6u);  // Four to the fifth are 1,024.
}

TEST_F(StructureEditTest, LeavesInOrderMakeATreeAsWell) {
  for (size_t i = 0; i < 1'000; ++i) AddLeaf(Key(i));
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 1'001u);
}

TEST_F(StructureEditTest, ManyLeavesAtOnceMakeSeveralLevelsAtOnce) {
  std::vector<std::string> lowers;
  for (size_t i = 0; i < 300; ++i) lowers.push_back(Key(i));
  AddLeaves(lowers);
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 301u);
  EXPECT_GE(test_map_.Height(), 5u);
}

TEST_F(StructureEditTest, ReplacedNodesAreObsoleteAndRetired) {
  InnerNode* before = map().root();
  AddLeaf("m");
  EXPECT_NE(map().root(), before);
  {
    MutexLock lock(before->latch);
    EXPECT_TRUE(before->obsolete);
  }
  EXPECT_EQ(map().retired_bytes() > 0, true);
  Settled();
  EXPECT_EQ(map().retired_bytes(), 0u);
}

TEST_F(StructureEditTest, APlanThatIsNotCommittedLeavesNoTrace) {
  for (size_t i = 0; i < 63; ++i) AddLeaf(Key(2 * i));  // Full nodes: a split goes far up.
  const size_t before = Settled();
  const InnerNode* root = map().root();
  for (size_t i = 0; i < 63; ++i) {
    AddLeaves({Key(2 * i + 1)}, /*commit=*/false);
    EXPECT_EQ(test_map_.allocated_bytes(), before);
  }
  EXPECT_EQ(map().root(), root);
  EXPECT_EQ(map().retired_bytes(), 0u);
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 64u);
  AddLeaf(Key(1));  // No latch was left behind.
  EXPECT_EQ(test_map_.Leaves().size(), 65u);
}

#ifdef FIRN_INVARIANTS
TEST_F(StructureEditTest, WithoutMemoryAPlanLeavesNoTrace) {
  for (size_t i = 0; i < 63; ++i) AddLeaf(Key(2 * i));
  const size_t before = Settled();
  const int failures = test::WithEveryAllocationFailing(
      [&] {
        AddLeaves({Key(61), Key(61) + "a", Key(61) + "b", Key(61) + "c"});
      },
      [&] {
        EXPECT_EQ(test_map_.allocated_bytes(), before);
        EXPECT_EQ(test_map_.Leaves().size(), 64u);
        test_map_.CheckStructure();
      });
  EXPECT_GE(failures, 11);
  EXPECT_EQ(test_map_.Leaves().size(), 68u);
  test_map_.CheckStructure();
}
#endif

TEST_F(StructureEditTest, RemovedLeavesGoAndTheirParentSaysHowManyStay) {
  AddLeaves({"b", "d", "f"});
  EXPECT_EQ(RemoveBehind("b", 1), std::optional(3u));
  EXPECT_EQ(test_map_.Leaves()[1].upper, "f");
  EXPECT_EQ(RemoveBehind("", 2), std::optional(1u));
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 1u);
}

TEST_F(StructureEditTest, LeavesOfSeveralParentsAreNotRemoved) {
  AddLeaves({"b", "d", "f", "h", "j", "l"});  // 4 children and 3, or 3 and 4.
  ASSERT_EQ(test_map_.Height(), 2u);
  const size_t before = Settled();
  EXPECT_EQ(RemoveBehind("", 6), std::nullopt);
  EXPECT_EQ(Settled(), before);
  EXPECT_EQ(test_map_.Leaves().size(), 7u);
  // The last leaf under the first parent and the first one under the second.
  const std::string border(map().root()->separator(1));
  const auto leaves = test_map_.Leaves();
  const auto at = std::find_if(leaves.begin(), leaves.end(),
                               [&](const auto& leaf) { return leaf.upper == border; });
  ASSERT_NE(at, leaves.end());
  EXPECT_EQ(RemoveBehind(at->lower, 1), std::nullopt);
  test_map_.CheckStructure();
}

TEST_F(StructureEditTest, NodesMergeWithEitherNeighbourAndTheRootCollapses) {
  for (const Side side : {Side::kRight, Side::kLeft}) {
    AddLeaves({"b", "d", "f", "h"});
    ASSERT_EQ(test_map_.Height(), 2u);
    ASSERT_EQ(map().root()->child_count(), 2u);
    const std::string border(map().root()->separator(1));
    while (RemoveBehind("", 1).value_or(0) > 1) {
    }
    const std::string key = side == Side::kRight ? "" : "z";
    const std::string wrong = side == Side::kRight ? "z" : "";
    EXPECT_FALSE(Merge(1, wrong, side)) << "there is no neighbour on that side";
    while (!Merge(1, key, side)) {  // Too many for one node: three at most.
      ASSERT_TRUE(RemoveBehind(border, 1));
    }
    EXPECT_EQ(test_map_.Height(), 1u);
    test_map_.CheckStructure();
    EXPECT_LE(test_map_.Leaves().size(), 3u);
    EXPECT_GE(test_map_.Leaves().size(), 2u);
    while (test_map_.Leaves().size() > 1) ASSERT_TRUE(RemoveBehind("", 1));
  }
}

TEST_F(StructureEditTest, NodesThatDoNotFitIntoOneStayApart) {
  AddLeaves({"b", "d", "f", "h", "j", "l", "n"});  // 4 and 4.
  const size_t before = Settled();
  EXPECT_FALSE(Merge(1, "", Side::kRight));
  EXPECT_EQ(Settled(), before);
  test_map_.CheckStructure();
  AddLeaf("p");  // No latch was left behind.
}

TEST_F(StructureEditTest, TheRootHasNoNeighbour) {
  EXPECT_FALSE(Merge(1, "", Side::kRight));
  EXPECT_FALSE(Merge(1, "", Side::kLeft));
  AddLeaves({"b", "d", "f", "h"});
  EXPECT_FALSE(Merge(2, "", Side::kRight));
}

TEST_F(StructureEditTest, MergesOnHigherLevelsKeepTheTreeWhole) {
  const size_t baseline = Settled();
  for (size_t i = 0; i < 200; ++i) AddLeaf(Key(i));
  std::mt19937_64 random(5);
  while (test_map_.Leaves().size() > 1) {
    const std::string key = Key(random() % 200);
    const auto leaves = test_map_.Leaves();
    const bool is_last = key >= leaves.back().lower;
    if (!is_last) RemoveBehind(key, 1);
    for (uint32_t level = 1; level < map().root()->level(); ++level) {
      if (random() % 2 == 0) Merge(level, key, random() % 2 == 0 ? Side::kLeft : Side::kRight);
    }
    if (random() % 16 == 0) test_map_.CheckStructure();
    Merge(1, "", Side::kRight);
    if (is_last && leaves.size() == 2) RemoveBehind("", 1);
  }
  while (map().root()->level() > 1) {
    for (uint32_t level = 1; level < map().root()->level(); ++level) Merge(level, "", Side::kRight);
  }
  test_map_.CheckStructure();
  EXPECT_EQ(Settled(), baseline);
}

}  // namespace
}  // namespace firn::internal
