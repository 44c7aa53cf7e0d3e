// Where the large values of a settled leaf stand.
#include "mvcc/large_value_rows.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"
#include "mvcc/epoch.h"
#include "mvcc/freezer.h"
#include "tests/support/random.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::TestMap;

class LargeValueRowsTest : public testing::Test {
 protected:
  static constexpr size_t kKeys = 60;

  static std::string Key(size_t i) { return std::to_string(10'000 + i); }
  static std::string Value(size_t i, size_t bytes = 3'000) {
    return std::string(bytes, static_cast<char>('a' + i % 26));
  }

  void PutInRandomOrder(size_t count, size_t bytes = 3'000) {
    std::vector<size_t> order;
    for (size_t i = 0; i < count; ++i) order.push_back(i);
    for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random_.Below(i)]);
    for (const size_t i : order) map_.Put(Key(i), Value(i, bytes));
  }

  // The newest large values of all blocks, in key order.
  std::vector<const LargeValue*> Values() const {
    std::vector<const LargeValue*> values;
    const EpochGuard guard;
    std::string lower;
    while (true) {
      const LeafState* state = map_.map().FindState(lower);
      for (uint32_t i = 0; i < state->block()->count(); ++i) {
        const VersionView newest = state->block()->newest(i);
        if (newest.kind == ValueKind::kLarge) values.push_back(newest.large());
      }
      if (!state->fences().upper) return values;
      lower = std::string(*state->fences().upper);
    }
  }
  size_t Apart() const {
    const std::vector<const LargeValue*> values = Values();
    size_t apart = 0;
    for (size_t i = 1; i < values.size(); ++i) {
      apart += values[i]->StandsBehind(*values[i - 1]) ? 0 : 1;
    }
    return apart;
  }
  void CheckContent(size_t count, size_t bytes = 3'000) {
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(map_.GetLatest(Key(i)), Value(i, bytes)) << i;
  }

  test::Random random_{1};
  TestMap map_{test::RoomyTuning()};
};

TEST_F(LargeValueRowsTest, SettlingPutsThemSideBySide) {
  PutInRandomOrder(kKeys);
  map_.Settle();
  EXPECT_EQ(Values().size(), kKeys);
  EXPECT_EQ(Apart(), 0u);
  CheckContent(kKeys);
  EXPECT_EQ(map_.large_count(), kKeys) << "the originals are gone";
}

TEST_F(LargeValueRowsTest, ALongRowIsSeveral) {
  constexpr size_t kBytes = 15'000;
  PutInRandomOrder(kKeys, kBytes);
  map_.Settle();
  EXPECT_LE(Apart(), kKeys / (LargeValueHeap::kMaxRowBytes / LargeValue::AllocatedBytes(kBytes)));
  CheckContent(kKeys, kBytes);
  const std::vector<const LargeValue*> before = Values();
  map_.Put(Key(3), Value(3, kBytes));
  map_.Settle();
  EXPECT_EQ(Values()[10], before[10]) << "the ends of rows do not count as scattered";
}

TEST_F(LargeValueRowsTest, SettlingAgainMovesNothing) {
  PutInRandomOrder(kKeys);
  map_.Settle();
  std::vector<const LargeValue*> before = Values();
  for (const size_t i : {7u, 30u, 50u}) map_.Put(Key(i), Value(i));
  map_.Settle();
  std::vector<const LargeValue*> after = Values();
  for (size_t i = 0; i < kKeys; ++i) {
    EXPECT_EQ(after[i] == before[i], i != 7 && i != 30 && i != 50) << i;
  }
}

TEST_F(LargeValueRowsTest, ManyPutsScatterThemAnew) {
  PutInRandomOrder(kKeys);
  map_.Settle();
  for (size_t i = 0; i < kKeys; i += 6) map_.Put(Key(i), Value(i));
  map_.Settle();
  EXPECT_EQ(Apart(), 0u);
  CheckContent(kKeys);
}

TEST_F(LargeValueRowsTest, AWritersFreezeMovesNothing) {
  PutInRandomOrder(kKeys);
  const std::vector<const LargeValue*> values = Values();
  EXPECT_GE(values.size(), kKeys / 2) << "frozen by their writer";
  EXPECT_EQ(map_.large_count(), kKeys);
  EXPECT_GE(Apart(), values.size() / 2);
}

// The last write may have been what froze the leaf.
TEST_F(LargeValueRowsTest, ALeafWithoutFreshWritesIsLookedAt) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  PutInRandomOrder(kKeys);
  {
    const EpochGuard guard;
    Leaf* leaf = map_.map().LatchLeaf("");
    FreezeBuffers buffers;
    Freezer(map_.map(), buffers).FreezeLatched(leaf, {}, {}, Freezer::Cause::kWrites);
    leaf->latch.Unlock();
  }
  ASSERT_EQ(map_.Leaves().size(), 1u);
  ASSERT_EQ(map_.Leaves()[0].fresh, 0u);
  EXPECT_GT(Apart(), kKeys / 2);
  map_.Settle();
  EXPECT_EQ(Apart(), 0u);
}

TEST_F(LargeValueRowsTest, JoinedLeavesHaveTheirValuesInOneRow) {
  // One leaf after the other becomes small, in an order of its own.
  PutInRandomOrder(400);
  map_.Settle();
  const size_t leaves = map_.Leaves().size();
  ASSERT_GE(leaves, 4u);
  for (size_t i = 400; i-- > 0;) {
    if (i % 8 != 0) map_.Delete(Key(i));
  }
  map_.Settle();
  EXPECT_LT(map_.Leaves().size(), leaves);
  EXPECT_EQ(Values().size(), 50u);
  EXPECT_LE(Apart(), 25u);
  EXPECT_EQ(map_.large_count(), 50u);
}

TEST_F(LargeValueRowsTest, ValuesAmongLargerAndSmallerOnes) {
  for (size_t i = kKeys; i-- > 0;) {
    const size_t bytes = i % 5 == 0 ? 10 : i % 5 == 1 ? 40'000 : 1'500 + 7 * i;
    map_.Put(Key(i), Value(i, bytes));
  }
  map_.Settle();
  const std::vector<const LargeValue*> values = Values();
  ASSERT_EQ(values.size(), kKeys / 5 * 4);
  for (size_t i = 0; i + 3 < values.size(); i += 4) {
    EXPECT_FALSE(values[i]->is_movable());
    EXPECT_TRUE(values[i + 2]->StandsBehind(*values[i + 1]));
    EXPECT_TRUE(values[i + 3]->StandsBehind(*values[i + 2]));
  }
  for (size_t i = 0; i < kKeys; ++i) {
    const size_t bytes = i % 5 == 0 ? 10 : i % 5 == 1 ? 40'000 : 1'500 + 7 * i;
    EXPECT_EQ(map_.GetLatest(Key(i)), Value(i, bytes));
  }
}

TEST_F(LargeValueRowsTest, WhoHoldsAnOriginalKeepsReadingIt) {
  PutInRandomOrder(kKeys);
  auto* held = const_cast<LargeValue*>(Values()[0]);
  const std::string content(held->view());
  held->AddRef();
  map_.Settle();
  EXPECT_NE(Values()[0], held);
  EXPECT_EQ(held->view(), content);
  EXPECT_EQ(map_.large_count(), kKeys + 1);
  map_.map().DropLarge(held);
  for (int round = 0; round < 3; ++round) map_.map().Reclaim();
  EXPECT_EQ(map_.large_count(), kKeys);
}

TEST_F(LargeValueRowsTest, OlderVersionsStayWhereTheyAre) {
  PutInRandomOrder(kKeys);
  SnapshotSlot* snapshot = map_.Pin();
  for (size_t i = kKeys; i-- > 0;) map_.Put(Key(i), Value(i + 1));
  map_.Settle();
  EXPECT_EQ(Apart(), 0u);
  EXPECT_EQ(map_.large_count(), 2 * kKeys);
  for (size_t i = 0; i < kKeys; ++i) {
    EXPECT_EQ(map_.Get(Key(i), snapshot->ts), Value(i));
    EXPECT_EQ(map_.GetLatest(Key(i)), Value(i + 1));
  }
  map_.Drop(snapshot);
  map_.Settle();
  EXPECT_EQ(map_.large_count(), kKeys);
}

TEST_F(LargeValueRowsTest, DeletedKeysGiveTheirMemoryBack) {
  PutInRandomOrder(kKeys);
  map_.Settle();
  for (size_t i = 0; i < kKeys; i += 2) map_.Delete(Key(i));
  map_.Settle();
  LargeValueHeap& heap = map_.map().large_values();
  EXPECT_EQ(heap.allocated_bytes(), kKeys / 2 * LargeValue::AllocatedBytes(3'000));
  EXPECT_LE(heap.reserved_bytes(), heap.allocated_bytes() + (64 << 10));
  EXPECT_EQ(Apart(), 0u) << "the gaps are closed";
  for (size_t i = 1; i < kKeys; i += 2) map_.Delete(Key(i));
  map_.Settle();
  EXPECT_EQ(heap.reserved_bytes(), 0u);
}

#ifdef FIRN_INVARIANTS
TEST_F(LargeValueRowsTest, WithoutMemoryForCopiesALeafIsSettledAllTheSame) {
  PutInRandomOrder(kKeys);
  static int calls;
  calls = 0;
  allocation_should_fail.store([] { return calls++ == 0; });
  map_.Settle();
  allocation_should_fail.store(nullptr);
  EXPECT_GT(calls, 1);
  EXPECT_EQ(map_.Leaves()[0].fresh, 0u);
  EXPECT_GT(Apart(), kKeys / 2);
  EXPECT_EQ(map_.large_count(), kKeys);
  CheckContent(kKeys);
}

// The most that large values took at any allocation.
size_t most_bytes;
LargeValueHeap* watched_heap;

TEST_F(LargeValueRowsTest, ToSettleALotTakesALittleMore) {
  constexpr size_t kMany = 16'000;
  PutInRandomOrder(kMany);
  watched_heap = &map_.map().large_values();
  const size_t before = watched_heap->allocated_bytes();
  most_bytes = 0;
  allocation_should_fail.store([] {
    most_bytes = std::max(most_bytes, watched_heap->allocated_bytes());
    return false;
  });
  map_.Settle();
  allocation_should_fail.store(nullptr);
  EXPECT_LE(Apart(), kMany / 50);
  EXPECT_GT(most_bytes, before) << "it does copy";
  EXPECT_LE(most_bytes, before + (24 << 20));
  EXPECT_EQ(watched_heap->allocated_bytes(), before);
}
#endif

}  // namespace
}  // namespace firn::internal
