#include "mvcc/freezer.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/failing_spans.h"
#include "tests/support/leaf_builder.h"
#include "tests/support/leaf_walk.h"
#include "tests/support/point_observer.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::LeafBuilder;
using test::TestMap;
using Shape = TestMap::LeafShape;

constexpr uint64_t kHorizon = 1'000;

std::string Key(size_t number) { return "key" + std::to_string(1'000 + number); }

// A map whose first leaf is made by hand and then frozen.
class FreezerTest : public testing::Test {
 protected:
  explicit FreezerTest(TuningOptions tuning = Tuning()) : test_map_(tuning) {}
  ~FreezerTest() override {
    for (Leaf* leaf : absorbed_) map().RetireLeaf(leaf);
  }

  static TuningOptions Tuning() {
    TuningOptions tuning = test::TinyTuning();
    tuning.block_bytes = 1'000;
    tuning.block_entries = 10;
    tuning.delta_slots = 10;
    return tuning;
  }

  OrderedMap& map() { return test_map_.map(); }

  // Puts what was built in place of the leaf that covers the fences.
  void Install(LeafState* state) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EpochGuard guard;
    Leaf* leaf = map().LatchLeaf(state->fences().lower);
    map().SwapState(leaf, state);
    leaf->latch.Unlock();
  }
  void InstallKeys(const std::vector<std::string>& frozen, const std::vector<std::string>& fresh) {
    for (const std::string& key : frozen) builder_.Frozen(key, "5:frozen");
    for (const std::string& key : fresh) builder_.Fresh(key, "7:fresh");
    Install(builder_.Build());
  }

  // Throws std::bad_alloc.
  void Freeze(const std::vector<std::string>& incoming_keys = {}, PinnedSet pins = {kHorizon, {}},
              std::string_view leaf_key = "") ABSL_NO_THREAD_SAFETY_ANALYSIS {
    std::vector<MapWrite> incoming;
    for (const std::string& key : incoming_keys) {
      incoming.push_back({key, builder_.View({0, "incoming"})});
    }
    const EpochGuard guard;
    Leaf* leaf = map().LatchLeaf(leaf_key);
    try {
      const std::vector<Leaf*> added =
          freezer_.FreezeLatched(leaf, pins, incoming, Freezer::Cause::kWrites);
      pruned_ = freezer_.pruned();
      std::string_view previous = leaf->state.Load()->fences().lower;
      for (Leaf* each : added) {
        EXPECT_FALSE(each->latch.TryLock()) << "a new leaf comes latched";
        EXPECT_LT(previous, each->state.Load()->fences().lower);
        previous = each->state.Load()->fences().lower;
        each->latch.Unlock();
      }
    } catch (...) {
      leaf->latch.Unlock();
      throw;
    }
    leaf->latch.Unlock();
  }

  // Returns whether there was anything to merge. Throws std::bad_alloc.
  bool Merge(std::string_view key, PinnedSet pins = {kHorizon, {}},
             Freezer::Fill fill = Freezer::Fill::kHalfFull) {
    const EpochGuard guard;
    const size_t before = absorbed_.size();
    Leaf* survivor = freezer_.MergeAround(key, pins, fill, &absorbed_);
    pruned_ = freezer_.pruned();
    for (size_t i = before; i < absorbed_.size(); ++i) {
      MutexLock lock(absorbed_[i]->latch);
      EXPECT_TRUE(absorbed_[i]->obsolete);
    }
    return survivor != nullptr;
  }

  // Leaves one empty leaf.
  void EmptyTheMap() {
    for (const Shape& leaf : test_map_.Leaves()) {
      Fences fences{leaf.lower, std::nullopt};
      if (leaf.upper) fences.upper = *leaf.upper;
      Install(builder_.Build(fences));
    }
    while (Merge("")) {
    }
    ASSERT_EQ(test_map_.Leaves().size(), 1u);
  }

  std::vector<uint32_t> FrozenCounts() {
    std::vector<uint32_t> counts;
    for (const Shape& leaf : test_map_.Leaves()) counts.push_back(leaf.frozen);
    return counts;
  }
  std::vector<std::string> Lowers() {
    std::vector<std::string> lowers;
    for (const Shape& leaf : test_map_.Leaves()) lowers.push_back(leaf.lower);
    return lowers;
  }
  size_t Settled() {
    for (int round = 0; round < 3; ++round) map().Reclaim();
    return test_map_.allocated_bytes();
  }

  TestMap test_map_;
  LeafBuilder builder_{map().allocator(), map().large_values(), 16};
  std::vector<Leaf*> absorbed_;
  size_t pruned_ = 0;
  FreezeBuffers buffers_;
  Freezer freezer_{map(), buffers_};
};

std::vector<std::string> Keys(size_t begin, size_t end, size_t step = 1) {
  std::vector<std::string> keys;
  for (size_t i = begin; i < end; i += step) keys.push_back(Key(i));
  return keys;
}

TEST_F(FreezerTest, MergesTheDeltaIntoTheBlock) {
  InstallKeys({"b", "d"}, {"e", "a", "d", "c"});
  Freeze();
  ASSERT_EQ(test_map_.Leaves().size(), 1u);
  EXPECT_EQ(test_map_.Leaves()[0].frozen, 5u);
  EXPECT_EQ(test_map_.Leaves()[0].fresh, 0u);
  EXPECT_EQ(test_map_.ChainOf("a"), "7:fresh");
  EXPECT_EQ(test_map_.ChainOf("b"), "5:frozen");
  EXPECT_EQ(test_map_.ChainOf("d"), "7:fresh");
  EXPECT_EQ(pruned_, 1u);
}

TEST_F(FreezerTest, AnEmptyLeafFreezesToAnEmptyLeaf) {
  Freeze();
  EXPECT_EQ(FrozenCounts(), (std::vector<uint32_t>{0}));
}

// Wherever the versions of a key live, what stays is the same.
TEST_F(FreezerTest, PrunesDeltaAndBlockTogether) {
  const struct {
    const char* chain;
    std::vector<uint64_t> pins;
    uint64_t horizon;
    const char* left;
  } kCases[] = {
      {"9:c 7:b 4:a", {}, 9, "9:c"},
      {"9:c 7:b 4:a", {5}, 9, "9:c 4:a"},
      {"9:c 7:b 4:a", {5, 8}, 9, "9:c 7:b 4:a"},
      {"9:c 7:b 4:a", {}, 8, "9:c 7:b"},
      {"9:-", {}, 9, ""},
      {"9:-", {}, 8, "9:-"},
      {"9:- 7:b 4:a", {}, 9, ""},
      {"9:- 7:b 4:a", {}, 8, "9:- 7:b"},
      {"9:- 7:b 4:a", {8}, 9, "9:- 7:b"},
      {"9:c 7:- 4:a", {5, 8}, 9, "9:c 7:- 4:a"},
      {"9:c 7:- 4:a", {8}, 9, "9:c"},
      {"9:a-large-value-at-9 7:a-large-value-at-7 4:a-large-value-at-4",
       {5},
       9,
       "9:a-large-value-at-9 4:a-large-value-at-4"},
  };
  for (const auto& c : kCases) {
    const auto chain = test::ParseChain(c.chain);
    const auto length = static_cast<std::ptrdiff_t>(chain.size());
    for (std::ptrdiff_t fresh = 0; fresh <= length; ++fresh) {
      SCOPED_TRACE(testing::Message() << c.chain << ", " << fresh << " fresh");
      builder_.Frozen("key", {chain.begin() + fresh, chain.end()});
      builder_.Fresh("key", {chain.begin(), chain.begin() + fresh});
      builder_.Frozen("a", "1:a").Frozen("z", "1:z");
      Install(builder_.Build());
      Freeze({}, {c.horizon, c.pins});
      EXPECT_EQ(test_map_.ChainOf("key"), c.left);
      EXPECT_EQ(pruned_, chain.size() - test::ParseChain(c.left).size());
      EXPECT_EQ(test_map_.ChainOf("a"), "1:a");
      EXPECT_EQ(test_map_.ChainOf("z"), "1:z");
    }
  }
}

// Seen by what a block that was patched keeps of the one before: the oldest time that was there.
TEST_F(FreezerTest, OverwritesOfTheSameSizePatchTheBlock) {
  const struct {
    const char* fresh_key;
    const char* fresh;
    const char* frozen;  // Of "b".
    bool patched;
  } kCases[] = {
      {"b", "9:bb", "7:xx", true},
      {"b", "9:bb 8:longer", "7:xx", true},  // What goes may be of any size.
      {"b", "9:longer", "7:xx", false},
      {"b", "9:-", "7:xx", false},
      {"b", "9:bb 8:-", "7:xx", false},
      {"b", "9:bb", "7:-", false},
      {"new", "9:bb", "7:xx", false},
      {"b", "9:a-large-value-at-9", "7:a-large-value-at-7", false},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.fresh_key << " " << c.fresh);
    bool patched = false;
    for (int i = 0; i < 20; ++i) {  // Now and then the shortcut is not taken.
      builder_.Frozen("b", c.frozen).Frozen("c", "7:c").Frozen("a", "5:aa");
      builder_.Fresh(c.fresh_key, c.fresh).Fresh("a", "9:AA");
      Install(builder_.Build());
      Freeze();
      EXPECT_EQ(test_map_.ChainOf("a"), "9:AA");
      EXPECT_EQ(test_map_.ChainOf("c"), "7:c");
      const EpochGuard guard;
      patched |= map().FindState("")->block()->min_commit_ts() == 5;
    }
    EXPECT_EQ(patched, c.patched);
  }
}

TEST_F(FreezerTest, LargeValuesMoveByCount) {
  {
    LeafBuilder builder(map().allocator(), map().large_values(), 16);
    builder.Frozen("a", {{5, "a large value of a"}}).Frozen("b", {{5, "a large value of b"}});
    builder.Fresh("b", {{7, "another large value of b"}}).Fresh("c", {{7, "a large value of c"}});
    Install(builder.Build());
  }
  EXPECT_EQ(test_map_.large_count(), 4u);
  Freeze();
  Settled();
  EXPECT_EQ(test_map_.large_count(), 3u) << "that of 5 is gone with its state";
  EXPECT_EQ(test_map_.Get("b", 9), "another large value of b");
  builder_.Fresh("a", "9:-").Fresh("b", "9:-").Fresh("c", "9:-");
  LeafState* deletions = builder_.Build();
  Install(deletions);  // Forgets the block; the values go with it.
  Settled();
  EXPECT_EQ(test_map_.large_count(), 0u);
}

TEST_F(FreezerTest, ALeafOfOneEntryNeverSplits) {
  builder_.Fresh("only", {{7, std::string(15, 'v')}});
  Install(builder_.Build());
  Freeze();
  EXPECT_EQ(test_map_.Leaves().size(), 1u);
  const std::string huge(65'535, 'k');
  InstallKeys({}, {huge});
  Freeze();
  EXPECT_EQ(FrozenCounts(), (std::vector<uint32_t>{1}));
  EXPECT_EQ(test_map_.ChainOf(huge), "7:fresh");
}

TEST_F(FreezerTest, WhatIsTooManyIsCutEvenly) {
  InstallKeys(Keys(0, 10), {Key(3) + "a", Key(5) + "a"});
  Freeze();
  EXPECT_EQ(FrozenCounts(), (std::vector<uint32_t>{6, 6}));
  test_map_.CheckStructure();
}

TEST_F(FreezerTest, WhatIsTooBigIsCutByItsBytes) {
  // The first key is as big as all others together.
  builder_.Fresh(std::string(600, 'a'), "7:a");
  for (size_t i = 0; i < 6; ++i) builder_.Frozen("b" + Key(i) + std::string(93, 'b'), "5:b");
  Install(builder_.Build());
  Freeze();
  EXPECT_EQ(FrozenCounts().front(), 1u);
  EXPECT_LE(test_map_.Leaves().size(), 3u);
  EXPECT_EQ(test_map_.VersionCount(), 7u);
  test_map_.CheckStructure();
}

// A leaf of long entries holds fewer than its share by count, and the last one more: while it is
// not full it must not be cut once more for that.
TEST_F(FreezerTest, EntriesOfDifferentLengthsLeaveNoLeafOfAFew) {
  for (const bool long_first : {true, false}) {
    for (size_t longs = 1; longs <= 8; ++longs) {
      for (size_t shorts = 1; longs + shorts <= Tuning().block_entries; ++shorts) {
        SCOPED_TRACE(testing::Message() << longs << (long_first ? " long before " : " long behind ")
                                        << shorts << " short");
        size_t bytes = 0;
        for (size_t i = 0; i < longs + shorts; ++i) {
          const bool is_long = long_first ? i < longs : i >= shorts;
          const std::string key = Key(i) + std::string(is_long ? 230 : 0, 'x');
          bytes += key.size() + 11;
          i % 2 == 0 ? builder_.Fresh(key, "7:v") : builder_.Frozen(key, "5:v");
        }
        Install(builder_.Build());
        Freeze();
        EXPECT_EQ(FrozenCounts().size(), (bytes + Tuning().block_bytes - 1) / Tuning().block_bytes);
        EXPECT_EQ(test_map_.VersionCount(), longs + shorts);
        test_map_.CheckStructure();
        EmptyTheMap();
      }
    }
  }
}

TEST_F(FreezerTest, AppendsLeaveAFullLeafBehind) {
  InstallKeys(Keys(0, 10), Keys(10, 13));
  Freeze();
  EXPECT_EQ(FrozenCounts(), (std::vector<uint32_t>{10, 3}));
  EXPECT_EQ(Lowers()[1], "key101");
}

TEST_F(FreezerTest, AnAppendedBatchPacksLeavesFull) {
  InstallKeys(Keys(0, 8), Keys(8, 12));
  Freeze(Keys(12, 45));
  test_map_.CheckStructure();
  EXPECT_EQ(FrozenCounts(), (std::vector<uint32_t>{10, 2, 0, 0, 0}));
  EXPECT_EQ(Lowers(), (std::vector<std::string>{"", "key101", "key102", "key103", "key104"}));
}

TEST_F(FreezerTest, IncomingWritesCutALeafIntoMany) {
  InstallKeys(Keys(0, 100, 50), Keys(25, 100, 50));
  Freeze(Keys(0, 100));
  test_map_.CheckStructure();
  const std::vector<Shape> leaves = test_map_.Leaves();
  ASSERT_EQ(leaves.size(), 10u);  // A key that is there and comes in counts once.
  for (const Shape& leaf : leaves) {
    size_t incoming = 0;
    for (const std::string& key : Keys(0, 100)) {
      incoming += key >= leaf.lower && (!leaf.upper || key < *leaf.upper) ? 1 : 0;
    }
    EXPECT_EQ(incoming, 10u) << leaf.lower;
  }
  for (const size_t i : {0, 25, 50, 75}) EXPECT_NE(test_map_.ChainOf(Key(i)), "");
}

TEST_F(FreezerTest, AFreezeThatCutsHundredsOfLeavesBuildsTheTree) {
  InstallKeys({Key(0)}, {});
  Freeze(Keys(0, 5'000));
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 500u);
  EXPECT_GE(test_map_.Height(), 5u);
}

TEST_F(FreezerTest, FencesAreTheShortestThatSeparate) {
  builder_.Frozen("apple", "5:" + std::string(15, 'v')).Fresh("banana", "7:v");
  for (size_t i = 0; i < 5; ++i) {
    builder_.Frozen("a" + Key(i), "5:v");
    builder_.Frozen("b" + Key(i), "5:v");
  }
  Install(builder_.Build());
  Freeze();
  EXPECT_EQ(Lowers(), (std::vector<std::string>{"", "b"}));
  Freeze({"bkey1001" + std::string(30, 'x'), "bkey1001" + std::string(31, 'x'), "bkey1002a",
          "bkey1002b", "bkey1002c", "bkey1002d", "bkey1002e"},
         {kHorizon, {}}, "b");
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 3u);
}

TEST_F(FreezerTest, KeysWithLongCommonPrefixesAreCutBehindThem) {
  const std::string deep(3'000, 'p');
  std::vector<std::string> keys;
  for (size_t i = 0; i < 12; ++i) keys.push_back(deep + Key(i));
  InstallKeys(keys, {});
  Freeze();
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 12u) << "each is a block's worth of bytes";
  for (const std::string& key : keys) EXPECT_EQ(test_map_.ChainOf(key), "5:frozen");
}

TEST_F(FreezerTest, SmallNeighboursMerge) {
  InstallKeys({Key(0)}, {});
  Freeze(Keys(0, 30));
  ASSERT_EQ(FrozenCounts(), (std::vector<uint32_t>{1, 0, 0}));
  EXPECT_TRUE(Merge(Key(15)));
  EXPECT_EQ(FrozenCounts(), (std::vector<uint32_t>{1}));
  EXPECT_EQ(absorbed_.size(), 2u);
  EXPECT_FALSE(Merge(Key(15))) << "there is nobody left";
  test_map_.CheckStructure();
}

TEST_F(FreezerTest, NeighboursMergeAsFullAsTheyAreAskedTo) {
  using Fill = Freezer::Fill;
  const struct {
    size_t left, right;
    Fill fill;
    bool merges;
  } kCases[] = {
      {2, 3, Fill::kHalfFull, true},
      {3, 3, Fill::kHalfFull, false},
      {1, 4, Fill::kHalfFull, true},
      {1, 9, Fill::kHalfFull, false},
      {0, 0, Fill::kHalfFull, true},
      {0, 10, Fill::kHalfFull, true},  // An empty leaf is no burden to a full one.
      {10, 0, Fill::kHalfFull, true},
      {5, 0, Fill::kHalfFull, true},
      {3, 3, Fill::kFull, true},
      {1, 9, Fill::kFull, true},
      {2, 9, Fill::kFull, false},
      {0, 10, Fill::kFull, true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.left << " and " << c.right);
    InstallKeys({}, {});
    Freeze(Keys(0, 20));
    ASSERT_EQ(Lowers(), (std::vector<std::string>{"", "key101"}));
    for (const std::string& key : Keys(0, c.left)) builder_.Frozen(key, "5:v");
    Install(builder_.Build({"", "key101"}));
    for (const std::string& key : Keys(10, 10 + c.right)) builder_.Frozen(key, "5:v");
    Install(builder_.Build({"key101", std::nullopt}));
    for (const std::string& key : {Key(0), Key(15)}) {
      if (test_map_.Leaves().size() == 1) break;
      EXPECT_EQ(Merge(key, {kHorizon, {}}, c.fill), c.merges);
    }
    EXPECT_EQ(test_map_.Leaves().size(), c.merges ? 1u : 2u);
    EXPECT_EQ(test_map_.VersionCount(), c.left + c.right);
    EmptyTheMap();
  }
}

TEST_F(FreezerTest, ANeighbourWithFreshWritesIsLeftAlone) {
  Freeze(Keys(0, 20));
  builder_.Fresh(Key(12), "7:v");
  Install(builder_.Build({"key101", std::nullopt}));
  EXPECT_FALSE(Merge(Key(0)));
  EXPECT_EQ(test_map_.Leaves().size(), 2u);
}

TEST_F(FreezerTest, AMergePrunes) {
  Freeze(Keys(0, 20));
  builder_.Frozen(Key(1), "9:c 7:b 4:a").Frozen(Key(2), "9:- 7:b");
  Install(builder_.Build({"", "key101"}));
  builder_.Frozen(Key(12), "9:c 7:b 4:a");
  Install(builder_.Build({"key101", std::nullopt}));
  EXPECT_TRUE(Merge("", {kHorizon, {5}}));
  EXPECT_EQ(pruned_, 4u);
  EXPECT_EQ(test_map_.ChainOf(Key(1)), "9:c 4:a");
  EXPECT_EQ(test_map_.ChainOf(Key(2)), "");
  EXPECT_EQ(test_map_.ChainOf(Key(12)), "9:c 4:a");
}

TEST_F(FreezerTest, MergesJoinInnerNodesUntilOneLeafIsLeft) {
  const size_t baseline = Settled();
  Freeze(Keys(0, 3'000));
  ASSERT_EQ(test_map_.Leaves().size(), 300u);
  // From the middle, from the left, from the right.
  for (const size_t i : {1'500, 0, 2'999}) {
    while (Merge(Key(i))) test_map_.CheckStructure();
  }
  for (size_t i = 0; i < 3'000; i += 5) {
    while (Merge(Key(i))) {
    }
  }
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 1u);
  EXPECT_EQ(test_map_.Height(), 1u);
  for (Leaf* leaf : absorbed_) map().RetireLeaf(leaf);
  absorbed_.clear();
  EXPECT_EQ(Settled(), baseline);
}

#ifdef FIRN_INVARIANTS
TEST_F(FreezerTest, WithoutMemoryAFreezeChangesNothing) {
  InstallKeys(Keys(0, 100, 20), Keys(10, 100, 20));
  const size_t before = Settled();
  const int failures =
      test::WithEveryAllocationFailing([&] { Freeze(Keys(0, 100)); },
                                       [&] {
                                         EXPECT_EQ(test_map_.allocated_bytes(), before);
                                         EXPECT_EQ(map().retired_bytes(), 0u);
                                         ASSERT_EQ(test_map_.Leaves().size(), 1u);
                                         EXPECT_EQ(test_map_.Leaves()[0].fresh, 5u);
                                       });
  EXPECT_GE(failures, 20);
  test_map_.CheckStructure();
  EXPECT_EQ(test_map_.Leaves().size(), 10u);
}

TEST_F(FreezerTest, WithoutMemoryAMergeChangesNothing) {
  Freeze(Keys(0, 400));
  const size_t leaves = test_map_.Leaves().size();
  const size_t before = Settled();
  const int failures =
      test::WithEveryAllocationFailing([&] { Merge(Key(0)); },
                                       [&] {
                                         EXPECT_EQ(test_map_.allocated_bytes(), before);
                                         EXPECT_EQ(test_map_.Leaves().size(), leaves);
                                         EXPECT_TRUE(absorbed_.empty());
                                       });
  EXPECT_GE(failures, 2);
  test_map_.CheckStructure();
  EXPECT_LT(test_map_.Leaves().size(), leaves);
}

// At every schedule point of a split and of a merge readers find every key, and its neighbours.
TEST_F(FreezerTest, ReadersFindEveryKeyAtEveryStep) {
  const std::vector<std::string> keys = Keys(0, 40);
  size_t looks = 0;
  LeafPath path;  // Of the point before.
  const auto look = [&](std::string_view point) {
    const EpochGuard guard;
    ++looks;
    for (const std::string& key : keys) {
      const LeafState* state = map().FindState(key);
      ASSERT_TRUE(state->Covers(key)) << point;
      ASSERT_TRUE(test_map_.Get(key, kHorizon).has_value()) << key << " at " << point;
      const LeafState* before = map().FindStateBefore(key);
      ASSERT_TRUE(before->fences().lower < key) << point;
      ASSERT_TRUE(!before->has_upper || *before->fences().upper >= key) << point;
    }
    ASSERT_FALSE(map().FindLastState()->has_upper);
    test::WalkThereAndBack(map(), &path, [](std::string_view) {});
  };
  // Four leaves' worth in one, then in four, then in four sparse ones, then in one.
  InstallKeys(Keys(0, 40, 2), Keys(1, 40, 2));
  {
    const test::PointObserver observer(look);
    Freeze();
  }
  EXPECT_EQ(test_map_.Leaves().size(), 4u);
  EXPECT_GE(looks, 3u);
  looks = 0;
  const std::vector<std::string> kept = {Key(0), Key(12), Key(22), Key(38)};
  const std::vector<Shape> leaves = test_map_.Leaves();
  for (size_t i = 0; i < leaves.size(); ++i) {
    builder_.Frozen(kept[i], "5:v");
    Fences fences{leaves[i].lower, std::nullopt};
    if (leaves[i].upper) fences.upper = *leaves[i].upper;
    Install(builder_.Build(fences));
  }
  const auto look_at_kept = [&](std::string_view point) {
    const EpochGuard guard;
    ++looks;
    for (const std::string& key : kept) {
      ASSERT_TRUE(test_map_.Get(key, kHorizon).has_value()) << key << " at " << point;
      const LeafState* before = map().FindStateBefore(key);
      ASSERT_TRUE(!before->has_upper || *before->fences().upper >= key) << point;
    }
    ASSERT_FALSE(map().FindLastState()->has_upper);
    test::WalkThereAndBack(map(), &path, [](std::string_view) {});
  };
  {
    const test::PointObserver observer(look_at_kept);
    EXPECT_TRUE(Merge(Key(12)));
  }
  EXPECT_EQ(test_map_.Leaves().size(), 1u);
  EXPECT_GE(looks, 3u);
}
#endif

TEST(DebtOfTest, SaysWhetherAFreezeWouldDropAnything) {
  const struct {
    const char* chain;
    std::vector<uint64_t> pins;
    uint64_t horizon;
    Debt debt;
  } kCases[] = {
      {"9:a", {}, 9, Debt::kNone},
      {"9:a", {}, 5, Debt::kNone},
      {"9:b 7:a", {}, 9, Debt::kDue},
      {"9:b 7:a", {}, 8, Debt::kHeld},
      {"9:b 7:a", {8}, 9, Debt::kHeld},
      {"9:b 7:a", {6}, 9, Debt::kDue},
      {"9:b 7:a", {9}, 9, Debt::kDue},
      {"9:c 7:b 4:a", {8}, 9, Debt::kDue},
      {"9:c 7:b 4:a", {5, 8}, 9, Debt::kHeld},
      {"9:c 7:b 4:a", {5}, 9, Debt::kDue},
      {"9:-", {}, 9, Debt::kDue},
      {"9:-", {}, 8, Debt::kHeld},
      {"9:- 7:a", {}, 9, Debt::kDue},
      {"9:- 7:a", {8}, 9, Debt::kHeld},
      {"9:- 7:a", {}, 8, Debt::kHeld},
  };
  for (const auto& c : kCases) {
    for (const char* neighbours : {"none", "plain", "held"}) {
      SCOPED_TRACE(testing::Message() << c.chain << " beside " << neighbours);
      SpanAllocator allocator;
      LargeValueHeap heap;
      LeafBuilder builder(allocator, heap);
      builder.Frozen("key", c.chain);
      Debt expected = c.debt;
      if (neighbours != std::string_view("none")) {
        const char* beside = neighbours == std::string_view("plain") ? "1:v" : "2000:b 1:a";
        if (beside != std::string_view("1:v") && expected == Debt::kNone) expected = Debt::kHeld;
        builder.Frozen("a", beside).Frozen("z", beside);
      }
      LeafState* state = builder.Build();
      EXPECT_EQ(DebtOf(*state, {c.horizon, c.pins}), expected);
      builder.Destroy(state);
    }
  }
}

TEST(DebtOfTest, AFreezePaysTheDebt) {
  const std::vector<std::vector<uint64_t>> pin_sets = {{}, {5}, {8}, {5, 8}, {3, 4, 7, 9}};
  for (const char* chain : {"9:b 7:a", "9:-", "9:- 7:b 4:a", "9:c 7:b 4:a", "9:c 7:- 4:a"}) {
    for (const std::vector<uint64_t>& pins : pin_sets) {
      for (const uint64_t horizon : {4, 7, 8, 9}) {
        SpanAllocator allocator;
        LargeValueHeap heap;
        LeafBuilder builder(allocator, heap);
        const PinnedSet set{horizon, pins};
        std::vector<VersionView> versions;
        for (const auto& version : test::ParseChain(chain))
          versions.push_back(builder.View(version));
        PruneVersions(set, false, &versions);
        if (versions.empty()) continue;
        std::vector<test::ChainVersion> left;
        for (const VersionView& version : versions) {
          left.push_back({version.commit_ts, std::string(version.bytes())});
          if (version.kind == ValueKind::kTombstone) left.back().value.reset();
        }
        builder.Frozen("key", left);
        LeafState* state = builder.Build();
        EXPECT_NE(DebtOf(*state, set), Debt::kDue) << chain << " at " << horizon;
        builder.Destroy(state);
      }
    }
  }
}

}  // namespace
}  // namespace firn::internal
