#include "mvcc/commit_writer.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/failing_spans.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::PreparedWrites;
using test::TestMap;
using test::Writes;

std::string Key(size_t number) { return std::to_string(1'000 + number); }

// A map of leaves [1000, 1002), [1002, 1004) and so on, all in their blocks.
void FillLeaves(TestMap& map, size_t keys) {
  for (size_t i = 0; i < keys; ++i) map.Put(Key(i), "v" + Key(i));
  map.Settle();
}

// The latches that are taken, as the lower fences of their leaves.
std::vector<std::string> LatchedLeaves(TestMap& map) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const EpochGuard guard;
  std::vector<std::string> latched;
  for (const auto& shape : map.Leaves()) {
    Leaf* leaf = map.map().FindLeaf(shape.lower);
    if (leaf->latch.TryLock()) {
      leaf->latch.Unlock();
    } else {
      latched.push_back(shape.lower);
    }
  }
  return latched;
}

TEST(CommitWriterTest, LatchesEachLeafOnceUntilItGoes) {
  TestMap map;
  FillLeaves(map, 8);
  const auto leaves = map.Leaves();
  ASSERT_EQ(leaves.size(), 4u);
  {
    CommitWriter writer(map.map(), map.settler());
    writer.LatchKey(Key(0));
    writer.LatchKey(Key(1));
    writer.LatchKey(Key(4));
    writer.LatchKey(Key(4) + "a");
    EXPECT_EQ(LatchedLeaves(map), (std::vector<std::string>{"", leaves[2].lower}));
  }
  EXPECT_TRUE(LatchedLeaves(map).empty());
}

TEST(CommitWriterTest, LatchesEveryLeafThatARangeTouches) {
  TestMap map;
  FillLeaves(map, 8);
  const auto leaves = map.Leaves();
  ASSERT_EQ(leaves.size(), 4u);
  const std::string f1 = leaves[1].lower, f2 = leaves[2].lower, f3 = leaves[3].lower;
  const std::string behind_f1 = f1 + '\0', behind_f3 = f3 + "a";
  const struct {
    std::string lower;
    std::optional<std::string_view> upper;
    std::vector<std::string> expected;
  } kCases[] = {
      {"", std::nullopt, {"", f1, f2, f3}},
      {"", "", {""}},
      {"", f1, {""}},  // Exclusive.
      {"", behind_f1, {"", f1}},
      {f1, f2, {f1}},
      {f1 + "a", f3, {f1, f2}},
      {f1 + "a", behind_f3, {f1, f2, f3}},
      {f3, std::nullopt, {f3}},
      {"\xff", std::nullopt, {f3}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << "[" << c.lower << ", " << c.upper.value_or("none") << ")");
    CommitWriter writer(map.map(), map.settler());
    writer.LatchRange(c.lower, c.upper);
    EXPECT_EQ(LatchedLeaves(map), c.expected);
  }
}

TEST(CommitWriterTest, SeesTheNewestVersionPublishedOrNot) {
  TestMap map;
  FillLeaves(map, 6);
  const Stamp unpublished = map.CommitUnpublished(100, {{Key(3), "unpublished"}, {Key(4), {}}});
  {
    CommitWriter writer(map.map(), map.settler());
    writer.LatchRange("", std::nullopt);
    EXPECT_EQ(writer.Newest(Key(2)).bytes(), "v" + Key(2));
    EXPECT_EQ(writer.Newest(Key(3)).bytes(), "unpublished");
    EXPECT_EQ(writer.Newest(Key(4)).kind, ValueKind::kTombstone);
    EXPECT_EQ(writer.Newest(Key(4)).commit_ts, 100u);
    EXPECT_EQ(writer.Newest("none").commit_ts, 0u);
  }
  EXPECT_EQ(map.GetLatest(Key(3)), "v" + Key(3));
  map.Publish(unpublished);
  EXPECT_EQ(map.GetLatest(Key(3)), "unpublished");
}

TEST(CommitWriterTest, ListsTheLiveKeysOfARangeInOrder) {
  TestMap map;
  FillLeaves(map, 10);
  map.Put(Key(3), "newer");
  map.Delete(Key(4));
  map.Put(Key(4) + "new", "fresh");
  map.Delete(Key(6));
  map.Settle();
  map.Put(Key(6), "revived");
  map.Delete(Key(7));
  const Stamp unpublished = map.CommitUnpublished(100, {{Key(2), {}}, {Key(0) + "a", "early"}});
  const struct {
    std::string lower;
    std::optional<std::string> upper;
    std::vector<std::string> expected;
  } kCases[] = {
      {"",
       std::nullopt,
       {Key(0), Key(0) + "a", Key(1), Key(3), Key(4) + "new", Key(5), Key(6), Key(8), Key(9)}},
      {Key(1), Key(5), {Key(1), Key(3), Key(4) + "new"}},
      {Key(1) + "a", Key(3) + "a", {Key(3)}},
      {Key(9), std::nullopt, {Key(9)}},
      {Key(9) + "a", std::nullopt, {}},
      {"", "", {}},
      {"", Key(0), {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << "[" << c.lower << ", " << c.upper.value_or("none") << ")");
    CommitWriter writer(map.map(), map.settler());
    std::optional<std::string_view> upper;
    if (c.upper) upper = *c.upper;
    writer.LatchRange(c.lower, upper);
    std::vector<std::string_view> keys;
    writer.AppendLiveKeys(c.lower, upper, &keys);
    EXPECT_EQ(std::vector<std::string>(keys.begin(), keys.end()), c.expected);
  }
  map.Publish(unpublished);
}

TEST(CommitWriterTest, ACommitIsSeenAsAWholeOrNotAtAll) {
  TestMap map;
  FillLeaves(map, 40);
  const uint64_t before = map.last_ts();
  Writes writes;
  for (size_t i = 0; i < 60; i += 3)
    writes[Key(i)] = i % 2 == 0 ? std::optional("new") : std::nullopt;
  const Stamp stamp = map.CommitUnpublished(before + 5, writes);
  for (const auto& [key, value] : writes) {
    const auto old = key < Key(40) ? std::optional("v" + key) : std::nullopt;
    EXPECT_EQ(map.GetLatest(key), old);
    EXPECT_EQ(map.Get(key, before + 4), old);
    EXPECT_EQ(map.Get(key, before + 5), value);
  }
  map.Publish(stamp);
  for (const auto& [key, value] : writes) EXPECT_EQ(map.GetLatest(key), value);
  map.CheckStructure();
}

TEST(CommitWriterTest, ABatchThatOverfillsADeltaIsCutToFit) {
  TestMap map;  // Two slots a delta, two entries a block.
  map.Put(Key(50), "there before");
  Writes writes;
  for (size_t i = 0; i < 500; ++i) writes[Key(i)] = "value " + Key(i);
  const uint64_t ts = map.Commit(writes);
  map.CheckStructure();
  for (const auto& [key, value] : writes) ASSERT_EQ(map.Get(key, ts), value);
  EXPECT_EQ(map.Get(Key(50), ts - 1), "there before");
  EXPECT_EQ(map.Get(Key(51), ts - 1), std::nullopt);
  for (const auto& leaf : map.Leaves()) EXPECT_LE(leaf.fresh, 2u);
  map.Settle();
  map.CheckStructure();
  for (const auto& [key, value] : writes) ASSERT_EQ(map.GetLatest(key), value);
}

TEST(CommitWriterTest, HugeKeysAndValuesFindRoom) {
  TestMap map;
  const std::string big_key(65'535, 'k');
  std::string neighbour = big_key;
  neighbour.back() = 'l';
  const std::string big_value(5'000'000, 'v');
  map.Commit({{"", "empty"}, {big_key, big_value}, {neighbour, "small"}, {"\xff", ""}});
  map.Put(big_key, "smaller");
  map.Put(neighbour, big_value);
  map.CheckStructure();
  EXPECT_EQ(map.GetLatest(""), "empty");
  EXPECT_EQ(map.GetLatest(big_key), "smaller");
  EXPECT_EQ(map.GetLatest(neighbour), big_value);
  EXPECT_EQ(map.GetLatest("\xff"), "");
  map.Settle();
  EXPECT_EQ(map.large_count(), 1u);
  EXPECT_EQ(map.GetLatest(big_key), "smaller");
  EXPECT_EQ(map.GetLatest(neighbour), big_value);
}

TEST(CommitWriterTest, AHotKeysChainStaysShort) {
  TestMap map(test::RoomyTuning());
  SnapshotSlot* snapshot = nullptr;
  for (int i = 0; i < 1'000; ++i) {
    map.Put("hot", std::to_string(i));
    if (i == 10) snapshot = map.Pin();
    EXPECT_LE(map.VersionCount(), 10u);
  }
  EXPECT_EQ(map.GetLatest("hot"), "999");
  EXPECT_EQ(map.Get("hot", snapshot->ts), "10");
  map.Drop(snapshot);
}

TEST(CommitWriterTest, PrunedLargeVersionsGiveUpTheirValues) {
  TestMap map(test::RoomyTuning());
  for (int i = 0; i < 1'000; ++i) {
    map.Put("hot", "a large value, version " + std::to_string(i));
    for (int round = 0; round < 3; ++round) map.map().Reclaim();
    // Long before the delta is frozen.
    EXPECT_LE(map.large_count(), 10u);
  }
  map.Delete("hot");
  map.Settle();
  EXPECT_EQ(map.large_count(), 0u);
}

TEST(CommitWriterTest, UnpublishedVersionsAreNeverPruned) {
  TestMap map(test::RoomyTuning());
  std::vector<Stamp> stamps;
  for (uint64_t ts = 1; ts <= 30; ++ts) {
    stamps.push_back(map.CommitUnpublished(ts, {{"key", std::to_string(ts)}}));
  }
  EXPECT_EQ(map.VersionCount(), 30u);
  for (const Stamp stamp : stamps) {
    map.Publish(stamp);
    EXPECT_EQ(map.GetLatest("key"), std::to_string(stamp.ts));
  }
}

TEST(CommitWriterTest, GivenUpBeforeApplyTheContentStays) {
  for (const bool prepare : {false, true}) {
    TestMap map;
    FillLeaves(map, 20);
    Writes writes;
    for (size_t i = 0; i < 100; ++i) writes[Key(i)] = "never seen, and large at that";
    {
      const PreparedWrites prepared(map.map(), writes);
      CommitWriter writer(map.map(), map.settler());
      for (const MapWrite& write : prepared.writes()) writer.LatchKey(write.key);
      if (prepare) writer.Prepare(prepared.writes());
    }
    EXPECT_TRUE(LatchedLeaves(map).empty());
    map.CheckStructure();
    for (size_t i = 0; i < 100; ++i) {
      EXPECT_EQ(map.GetLatest(Key(i)), i < 20 ? std::optional("v" + Key(i)) : std::nullopt);
    }
    map.Commit(writes);
    for (size_t i = 0; i < 100; ++i) EXPECT_EQ(map.GetLatest(Key(i)), writes[Key(i)]);
  }
}

// What was prepared stays in the delta until that is frozen.
TEST(CommitWriterTest, GivenUpBeforeApplyItsMemoryComesBackWithTheNextWrite) {
  TestMap map(test::RoomyTuning());
  FillLeaves(map, 20);
  const size_t before = map.allocated_bytes();
  {
    const PreparedWrites prepared(map.map(), {{Key(3), "never seen, and large at that"}});
    CommitWriter writer(map.map(), map.settler());
    writer.LatchKey(Key(3));
    writer.Prepare(prepared.writes());
  }
  map.Put(Key(3), "v" + Key(3));
  map.Settle();
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_EQ(map.allocated_bytes(), before);
}

TEST(CommitWriterTest, WritersOfDifferentLeavesDoNotWaitForEachOther) {
  TestMap map;
  FillLeaves(map, 8);
  const PreparedWrites left(map.map(), {{Key(0), "left"}});
  const PreparedWrites right(map.map(), {{Key(7), "right"}});
  CommitWriter first(map.map(), map.settler());
  first.LatchKey(Key(0));
  CommitWriter second(map.map(), map.settler());
  second.LatchKey(Key(7));
  first.Prepare(left.writes());
  second.Prepare(right.writes());
  const Stamp early = map.versioned().oracle().Next(0);
  const Stamp late = map.versioned().oracle().Next(0);
  second.Apply(late.ts);
  first.Apply(early.ts);
  map.Publish(early);
  EXPECT_EQ(map.GetLatest(Key(0)), "left");
  EXPECT_EQ(map.GetLatest(Key(7)), "v" + Key(7));
  map.Publish(late);
  EXPECT_EQ(map.GetLatest(Key(7)), "right");
}

#ifdef FIRN_INVARIANTS
TEST(CommitWriterTest, WithoutMemoryACommitChangesNothing) {
  for (const bool tiny : {true, false}) {
    TestMap map(tiny ? test::TinyTuning() : test::RoomyTuning());
    FillLeaves(map, 10);
    const uint64_t last = map.last_ts();
    Writes writes;
    for (size_t i = 0; i < 30; ++i)
      writes[Key(i)] = i % 3 == 0 ? "a large value of the batch" : "b";
    writes[Key(5)].reset();
    const int failures = test::WithEveryAllocationFailing(
        [&] { map.Commit(writes); },
        [&] {
          EXPECT_EQ(map.last_ts(), last);
          EXPECT_TRUE(LatchedLeaves(map).empty());
          for (size_t i = 0; i < 30; ++i) {
            ASSERT_EQ(map.GetLatest(Key(i)), i < 10 ? std::optional("v" + Key(i)) : std::nullopt);
          }
        });
    EXPECT_GE(failures, tiny ? 30 : 10);
    map.CheckStructure();
    for (const auto& [key, value] : writes) EXPECT_EQ(map.GetLatest(key), value);
    map.Settle();
    EXPECT_EQ(map.large_count(), 10u);
  }
}
#endif

}  // namespace
}  // namespace firn::internal
