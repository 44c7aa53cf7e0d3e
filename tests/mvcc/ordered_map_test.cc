#include "mvcc/ordered_map.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/point_read.h"
#include "tests/support/leaf_builder.h"
#include "tests/support/leaf_walk.h"
#include "tests/support/point_observer.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::TestMap;
using test::ToString;
using test::WalkThereAndBack;
using test::Writes;

std::string Key(size_t number) { return std::to_string(10'000 + number); }

void Fill(TestMap& map, size_t keys) {
  for (size_t i = 0; i < keys; ++i) map.Put(Key(i * 7919 % keys), "v");
}

// Latches the leaf that covers a key, as LatchLeaf() does, for its scope. The analysis cannot see
// that the leaf found is the one latched.
class LatchedLeaf {
 public:
  LatchedLeaf(TestMap& map, std::string_view key) : leaf_(map.map().LatchLeaf(key)) {}
  ~LatchedLeaf() ABSL_NO_THREAD_SAFETY_ANALYSIS { leaf_->latch.Unlock(); }
  LatchedLeaf(const LatchedLeaf&) = delete;
  LatchedLeaf& operator=(const LatchedLeaf&) = delete;

  const LeafState& state() const { return *leaf_->state.Load(); }
  bool obsolete() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return leaf_->obsolete; }
  // Whether others find it latched.
  bool latched() const {
    const bool taken = leaf_->latch.TryLock();
    if (taken) leaf_->latch.Unlock();
    return !taken;
  }

 private:
  Leaf* const leaf_;
};

TEST(OrderedMapTest, ANewMapIsOneLeafUnderOneNode) {
  TestMap map;
  EXPECT_EQ(map.Height(), 1u);
  ASSERT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(map.Leaves()[0].lower, "");
  EXPECT_EQ(map.Leaves()[0].upper, std::nullopt);
  EXPECT_EQ(map.map().retired_bytes(), 0u);
  const EpochGuard guard;
  EXPECT_EQ(map.map().FindLastState(), map.map().FindState(""));
  EXPECT_EQ(map.map().FindStateBefore("any"), map.map().FindState(""));
}

TEST(OrderedMapTest, FindsTheStateThatCoversAKey) {
  TestMap map;
  Fill(map, 1'000);
  const EpochGuard guard;
  for (size_t i = 0; i < 1'000; ++i) {
    for (const std::string& key : {Key(i), Key(i) + '\0', Key(i) + "\xff", Key(i).substr(0, 3)}) {
      ASSERT_TRUE(map.map().FindState(key)->Covers(key)) << key;
    }
  }
  EXPECT_TRUE(map.map().FindState("")->Covers(""));
  EXPECT_FALSE(map.map().FindState("\xff\xff")->has_upper);
}

TEST(OrderedMapTest, FindsNeighboursByTheirFence) {
  TestMap map;
  Fill(map, 1'000);
  const std::vector<TestMap::LeafShape> leaves = map.Leaves();
  ASSERT_GE(leaves.size(), 300u);
  const EpochGuard guard;
  for (size_t i = 1; i < leaves.size(); ++i) {
    const LeafState* before = map.map().FindStateBefore(leaves[i].lower);
    ASSERT_EQ(before->fences().lower, leaves[i - 1].lower);
    ASSERT_EQ(*before->fences().upper, leaves[i].lower);
    // Any key inside a leaf has the keys below it in the same leaf.
    ASSERT_EQ(map.map().FindStateBefore(leaves[i].lower + '\0')->fences().lower, leaves[i].lower);
  }
  EXPECT_EQ(map.map().FindLastState()->fences().lower, leaves.back().lower);
  // By a path that leads elsewhere.
  LeafPath path;
  for (size_t i = leaves.size() - 1; i > 3; i -= 3) {
    ASSERT_EQ(map.map().FindStateBefore(leaves[i].lower, &path).state->fences().lower,
              leaves[i - 1].lower);
  }
  for (size_t i = 0; i < leaves.size(); i += 3) {
    ASSERT_EQ(map.map().FindStateForward(leaves[i].lower, &path).state->fences().lower,
              leaves[i].lower);
  }
}

TEST(OrderedMapTest, WalksBothWays) {
  TestMap map;
  Fill(map, 1'000);
  std::vector<std::string> expected;
  for (const TestMap::LeafShape& leaf : map.Leaves()) expected.push_back(leaf.lower);
  expected.erase(expected.begin());
  for (size_t i = expected.size(); i > 0; --i) expected.push_back(expected[i - 1]);
  LeafPath path;
  EXPECT_EQ(WalkThereAndBack(map.map(), &path, [](std::string_view) {}), expected);
}

// What a walk remembers is freed under it: splits and merges replace inner nodes all the time.
TEST(OrderedMapTest, WalksBesideEdits) {
  TestMap map;
  Fill(map, 1'000);
  const uint64_t splits = map.map().counters().splits.load();
  const uint64_t merges = map.map().counters().merges.load();
  size_t hops = 0;
  LeafPath path;
  WalkThereAndBack(map.map(), &path, [&](std::string_view at) {
    ++hops;
    for (size_t i = 0; i < 2; ++i) {  // Here and elsewhere.
      map.Put((i == 0 ? std::string(at) : Key(hops * 7919 % 1'000)) + std::to_string(hops), "v");
    }
    if (hops % 100 == 0) {
      for (size_t i = 0; i < 1'000; ++i) {
        if (i % 10 != hops / 100) map.Delete(Key(i));
      }
      map.Settle();
    }
    for (int i = 0; i < 3; ++i) map.map().Reclaim();
  });
  EXPECT_GT(hops, 300u);
  EXPECT_GT(map.map().counters().splits.load(), splits + 50);
  EXPECT_GT(map.map().counters().merges.load(), merges);
}

TEST(OrderedMapTest, TheTreeKnowsTheStateOfEveryLeaf) {
  TestMap map;
  map.CheckHints();
  Fill(map, 1'000);  // Freezes, splits, and inner nodes that split.
  ASSERT_GE(map.Leaves().size(), 300u);
  map.CheckHints();
  map.Settle();
  map.CheckHints();
  for (size_t i = 0; i < 1'000; i += 2) map.Delete(Key(i));
  const uint64_t merges = map.map().counters().merges.load();
  map.Settle();  // Merges of leaves and of inner nodes.
  ASSERT_GT(map.map().counters().merges.load(), merges);
  map.CheckHints();
}

// As writers that meet may leave it.
TEST(OrderedMapTest, SettlingRestoresWhatTheTreeDoesNotKnow) {
  TestMap map;
  Fill(map, 1'000);
  size_t without_fresh = 0;
  for (const TestMap::LeafShape& shape : map.Leaves()) {
    const EpochGuard guard;
    InnerNode* parent = map.map().FindInnerNode(1, shape.lower);
    parent->SetHint(parent->ChildIndex(shape.lower), MemoryHint("elsewhere"));
    if (shape.fresh == 0) ++without_fresh;
  }
  ASSERT_GT(without_fresh, 0u);
  map.Settle();
  map.CheckHints();
}

TEST(OrderedMapTest, FindsInnerNodesByLevel) {
  TestMap map;
  Fill(map, 1'000);
  const EpochGuard guard;
  const uint32_t height = map.Height();
  ASSERT_GE(height, 4u);
  for (uint32_t level = 1; level <= height; ++level) {
    EXPECT_EQ(map.map().FindInnerNode(level, Key(500))->level(), level);
  }
  EXPECT_EQ(map.map().FindInnerNode(height, Key(1)), map.map().root());
  EXPECT_EQ(map.map().FindInnerNode(height + 1, Key(1)), nullptr);
}

TEST(OrderedMapTest, LatchesTheLeafThatCoversAKey) {
  TestMap map;
  Fill(map, 100);
  const EpochGuard guard;
  for (size_t i = 0; i < 100; ++i) {
    const LatchedLeaf leaf(map, Key(i));
    EXPECT_TRUE(leaf.state().Covers(Key(i)));
    EXPECT_FALSE(leaf.obsolete());
    EXPECT_TRUE(leaf.latched());
  }
}

#ifdef FIRN_INVARIANTS
// Between the descent and the latch the leaf is cut in two: the key is not its own any more.
TEST(OrderedMapTest, LatchingFollowsASplitThatCameBetween) {
  TestMap map;
  map.Put(Key(0), "v");
  bool split = false;
  const test::PointObserver observer([&](std::string_view point) {
    if (point != "map:before_latch" || split) return;
    split = true;
    for (size_t i = 1; i < 50; ++i) map.Put(Key(i), "v");
  });
  const EpochGuard guard;
  const LatchedLeaf leaf(map, Key(49));
  EXPECT_TRUE(split);
  EXPECT_TRUE(leaf.state().Covers(Key(49)));
  EXPECT_GE(map.Leaves().size(), 20u);
}

// Between the look at the count of edits and the one at the leaf: its upper keys are not its own any
// more, or it is merged away.
TEST(OrderedMapTest, AHopFollowsEditsThatComeBetween) {
  size_t edited = 0;
  for (size_t from = 3; from < 40; ++from) {
    for (const bool splits : {true, false}) {
      TestMap map;
      for (size_t i = 0; i < 50; ++i) map.Put(Key(i), "v");
      map.Settle();
      // A few hops backward, so that the next one needs no descent.
      LeafPath path;
      std::string at = Key(from);
      const EpochGuard guard;
      for (int i = 0; i < 2; ++i) {
        const std::string lower(map.map().FindStateBefore(at, &path).state->fences().lower);
        if (!lower.empty()) at = lower;
      }
      bool hopped = false;
      const LeafState* state;
      {
        const test::PointObserver observer([&](std::string_view point) {
          if (point != "map:hopped" || hopped) return;
          hopped = true;
          for (size_t i = 0; i < 50; ++i) {
            splits ? map.Put(Key(i) + "+", "v") : map.Delete(Key(i));
          }
          map.Settle();
        });
        state = map.map().FindStateBefore(at, &path).state;
      }
      if (hopped) ++edited;
      EXPECT_TRUE(!state->has_upper || *state->fences().upper >= at) << at;
      EXPECT_LT(state->fences().lower, at);
    }
  }
  EXPECT_GT(edited, 20u);
}

// Between the descent and the latch the leaf is merged away.
TEST(OrderedMapTest, LatchingFollowsAMergeThatCameBetween) {
  TestMap map;
  for (size_t i = 0; i < 50; ++i) map.Put(Key(i), "v");
  bool merged = false;
  const test::PointObserver observer([&](std::string_view point) {
    if (point != "map:before_latch" || merged) return;
    merged = true;
    for (size_t i = 0; i < 50; ++i) map.Delete(Key(i));
    map.Settle();
  });
  const EpochGuard guard;
  const LatchedLeaf leaf(map, Key(49));
  EXPECT_TRUE(merged);
  EXPECT_FALSE(leaf.obsolete());
  EXPECT_TRUE(leaf.state().Covers(Key(49)));
}
#endif

TEST(OrderedMapTest, NothingIsFreedUnderAGuard) {
  TestMap map;
  map.Put("key", "value");
  size_t retired = 0;
  {
    const EpochGuard guard;
    const LeafState* before = map.map().FindState("key");
    map.Settle();
    EXPECT_NE(map.map().FindState("key"), before);
    for (int round = 0; round < 5; ++round) map.map().Reclaim();
    retired = map.map().retired_bytes();
    EXPECT_GT(retired, 0u);
    EXPECT_EQ(ToString(FindVersion(*before, "key", SnapshotView(9))), "1:value");
  }
  for (int round = 0; round < 3; ++round) map.map().Reclaim();
  EXPECT_EQ(map.map().retired_bytes(), 0u);
}

TEST(OrderedMapTest, AHazardSlotKeepsAStateButNotItsLargeValues) {
  TestMap map;
  map.Put("key", "a large value of the state");
  map.Put("small", "small");
  map.Settle();
  HazardSlot* slot = map.map().hazards().Claim();
  const LeafState* state;
  {
    const EpochGuard guard;
    state = map.map().FindState("key");
    map.map().hazards().Protect(slot, &state->retired);
  }
  EXPECT_EQ(map.large_count(), 1u);
  map.Delete("key");
  map.Settle();
  for (int round = 0; round < 5; ++round) map.map().Reclaim();
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_GT(map.map().retired_bytes(), 0u);
  EXPECT_TRUE(state->counts_dropped.load());
  EXPECT_EQ(state->block()->key(0), "key");
  map.map().hazards().Clear(slot);
  map.map().Reclaim();
  EXPECT_EQ(map.map().retired_bytes(), 0u);
  map.map().hazards().Release(slot);
}

TEST(OrderedMapTest, ALargeValueGoesAGracePeriodAfterItsLastCount) {
  TestMap map;
  LargeValue* large = LargeValue::Create("value", &map.map().large_values());
  large->AddRef();
  map.map().DropLarge(large);
  EXPECT_EQ(map.map().retired_bytes(), 0u);
  {
    const EpochGuard guard;
    map.map().DropLarge(large);
    EXPECT_EQ(map.map().retired_bytes(), LargeValue::AllocatedBytes(5));
    for (int round = 0; round < 5; ++round) map.map().Reclaim();
    EXPECT_EQ(large->view(), "value");
  }
  for (int round = 0; round < 3; ++round) map.map().Reclaim();
  EXPECT_EQ(map.large_count(), 0u);
}

// The allocator and the leak checker see what is forgotten.
TEST(OrderedMapTest, ADyingMapFreesWhateverItHolds) {
  TestMap map;
  for (size_t i = 0; i < 200; ++i) map.Put(Key(i % 150), i % 3 == 0 ? std::string(50, 'l') : "s");
  map.Delete(Key(7));
  EXPECT_GT(map.map().retired_bytes(), 0u);
  EXPECT_GT(map.large_count(), 0u);
}

TEST(OrderedMapTest, CountsItsWork) {
  TestMap map;
  EXPECT_EQ(map.map().counters().freezes.load(), 0u);
  Fill(map, 100);
  EXPECT_GT(map.map().counters().freezes.load(), 30u);
  EXPECT_EQ(map.map().counters().splits.load() + 1, map.Leaves().size());
  EXPECT_EQ(map.map().counters().pruned_versions.load(), 0u);
  for (size_t i = 0; i < 100; ++i) map.Delete(Key(i));
  map.Settle();
  EXPECT_EQ(map.map().counters().splits.load() + 1,
            map.map().counters().merges.load() + map.Leaves().size());
  EXPECT_EQ(map.map().counters().pruned_versions.load(), 200u);
}

}  // namespace
}  // namespace firn::internal
