#include "mvcc/settler.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/region_pool.h"
#include "tests/support/failing_spans.h"
#include "tests/support/point_observer.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::TestMap;
using test::Writes;

std::string Key(size_t number) { return std::to_string(10'000 + number); }

size_t FreshKeys(const TestMap& map) {
  size_t fresh = 0;
  for (const auto& leaf : map.Leaves()) fresh += leaf.fresh;
  return fresh;
}

// What the passes reported.
class Reports : public Listener {
 public:
  void OnSettled(const SettleInfo& info) override {
    ++passes;
    total.leaves_frozen += info.leaves_frozen;
    total.leaves_merged += info.leaves_merged;
    total.versions_pruned += info.versions_pruned;
  }
  std::atomic<int> passes{0};
  SettleInfo total;
};

TEST(SettlerTest, WithoutWritesThereIsNothingToDo) {
  TestMap map;
  EXPECT_FALSE(map.settler().Step());
  map.Settle();
  EXPECT_FALSE(map.settler().Step());
}

TEST(SettlerTest, FreezesWhatWasWritten) {
  TestMap map(test::RoomyTuning());
  map.Commit({{"a", "1"}, {"b", "2"}});
  ASSERT_EQ(FreshKeys(map), 2u);
  EXPECT_TRUE(map.settler().Step());
  EXPECT_EQ(FreshKeys(map), 0u);
  EXPECT_EQ(map.Leaves()[0].frozen, 2u);
  while (map.settler().Step()) {
  }
  EXPECT_EQ(map.map().retired_bytes(), 0u);
}

TEST(SettlerTest, SettlesLeavesOfASplitWithTheOthers) {
  TestMap map;
  for (size_t i = 0; i < 1'000; ++i) map.Put(Key(i * 7919 % 1'000), "v");
  map.Settle();
  EXPECT_EQ(FreshKeys(map), 0u);
  EXPECT_EQ(map.VersionCount(), 1'000u);
  EXPECT_EQ(map.map().retired_bytes(), 0u);
  map.CheckStructure();
}

// How the blocks of a map stand in memory.
struct Places {
  explicit Places(TestMap& map) {
    std::set<uintptr_t> in_regions;
    const char* end_of_last = nullptr;
    for (const TestMap::LeafShape& leaf : map.Leaves()) {
      const EpochGuard guard;
      const std::string_view memory = map.map().FindState(leaf.lower)->memory();
      ++leaves;
      bytes += memory.size();
      in_regions.insert(reinterpret_cast<uintptr_t>(memory.data()) / kHugePageBytes);
      if (memory.data() == end_of_last) ++right_behind;
      end_of_last = memory.data() + memory.size();
    }
    regions = in_regions.size();
  }
  size_t leaves = 0;
  size_t bytes = 0;
  size_t regions = 0;
  size_t right_behind = 0;  // Right behind that of the leaf before.
};

// In few regions, and in the order of their keys, for scans: all but the first of a region, and where
// something else was allocated meanwhile.
void ExpectSideBySide(TestMap& map) {
  const Places places(map);
  EXPECT_LE(places.regions, places.bytes / kHugePageBytes + 3);
  EXPECT_GE(places.right_behind, places.leaves * 9 / 10);
}

// Over 32 MiB, below which blocks stay where they are.
constexpr size_t kManyKeys = 160'000;
constexpr size_t kManyKeysValue = 220;

void PutInRandomOrder(TestMap& map) {
  std::vector<size_t> order(kManyKeys);
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
  for (const size_t i : order) {
    map.Put(Key(i), std::string(kManyKeysValue, 'v'));
    if (i % 16 == 0) map.map().Reclaim();
  }
}

// Else they would fill holes beside blocks that go, in twice as many regions and in any order.
TEST(SettlerTest, APassOverMostLeavesMovesThemTogether) {
  TestMap map{TuningOptions()};
  PutInRandomOrder(map);
  map.Settle();
  EXPECT_GE(Places(map).bytes, 17 * kHugePageBytes);
  ExpectSideBySide(map);
}

// What passes over fewer leaves than most leave behind: blocks in the order in which they were frozen,
// few of them on pages around which memory was given back.
TEST(SettlerTest, SettlingAllMovesWhatLiesOutOfLine) {
  TestMap map{TuningOptions()};
  PutInRandomOrder(map);
  for (size_t sixth = 0; sixth < 6; ++sixth) {
    for (size_t n = 0; n < kManyKeys; ++n) {
      const size_t i = n * 7919 % kManyKeys;
      if (i / 100 % 6 == sixth) map.Put(Key(i), std::string(kManyKeysValue, 'w'));
    }
    while (map.settler().Step()) {
    }
  }
  EXPECT_LT(Places(map).right_behind, Places(map).leaves / 4);
  map.Settle();
  ExpectSideBySide(map);
  const uint64_t freezes = map.map().counters().freezes.load();
  map.Settle();
  EXPECT_EQ(map.map().counters().freezes.load(), freezes) << "moved again, for nothing";
}

// What passes over a few leaves at a time leave behind: blocks in holes, on pages of which some were
// given back.
TEST(SettlerTest, SettlingAllMovesWhatLiesScattered) {
  TestMap map{TuningOptions()};
  PutInRandomOrder(map);
  map.Settle();
  SpanAllocator& allocator = map.map().allocator();
  EXPECT_LE(allocator.scattered_block_bytes(), allocator.allocated_bytes() / 8);
  for (size_t i = 0; i < kManyKeys; ++i) {
    if (i / 100 % 3 == 0) map.Put(Key(i), std::string(kManyKeysValue, 'w'));
  }
  while (map.settler().Step()) {
  }
  allocator.ReleaseFreeMemory();
  EXPECT_GT(allocator.scattered_block_bytes(), allocator.allocated_bytes() / 3);
  EXPECT_LT(Places(map).right_behind, Places(map).leaves * 8 / 10);

  map.Settle();
  EXPECT_LE(allocator.scattered_block_bytes(), allocator.allocated_bytes() / 8);
  ExpectSideBySide(map);
  const uint64_t freezes = map.map().counters().freezes.load();
  map.Settle();
  EXPECT_EQ(map.map().counters().freezes.load(), freezes) << "moved again, for nothing";
  EXPECT_EQ(map.VersionCount(), kManyKeys);
}

TEST(SettlerTest, MemoryReturnsToItsBaselineWhenEverythingIsDeleted) {
  TestMap map;  // Inner nodes of four, leaves of two: thousands of leaves, seven levels.
  const size_t baseline = map.allocated_bytes();
  for (const bool at_once : {false, true}) {
    constexpr size_t kKeys = 3'000;
    for (size_t i = 0; i < kKeys; ++i) {
      map.Put(Key(i * 7919 % kKeys), i % 10 == 0 ? std::string(40, 'l') : "small");
    }
    map.Settle();
    EXPECT_GE(map.Height(), 5u);
    if (at_once) {
      Writes deletions;
      for (size_t i = 0; i < kKeys; ++i) deletions[Key(i)] = std::nullopt;
      map.Commit(deletions);
    } else {
      for (size_t i = 0; i < kKeys; ++i) map.Delete(Key(i * 6007 % kKeys));
    }
    map.Settle();
    map.CheckStructure();
    EXPECT_EQ(map.Leaves().size(), 1u);
    EXPECT_EQ(map.Height(), 1u);
    EXPECT_EQ(map.map().root()->child_count(), 1u);
    EXPECT_EQ(map.map().retired_bytes(), 0u);
    EXPECT_EQ(map.large_count(), 0u);
    EXPECT_EQ(map.allocated_bytes(), baseline);
    EXPECT_FALSE(map.settler().Step());
  }
}

TEST(SettlerTest, StepByStepItGetsAsFar) {
  TestMap map;
  const size_t baseline = map.allocated_bytes();
  for (size_t i = 0; i < 500; ++i) map.Put(Key(i), "v");
  for (size_t i = 0; i < 500; ++i) map.Delete(Key(i));
  for (int steps = 0; map.settler().Step(); ++steps) ASSERT_LT(steps, 1'000);
  map.Settle();
  EXPECT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(map.allocated_bytes(), baseline);
}

TEST(SettlerTest, KeepsWhatASnapshotSeesUntilItIsReleased) {
  TestMap map(test::RoomyTuning());
  map.Commit({{"deleted", "1"}, {"kept", "1"}, {"overwritten", "a large value, the first"}});
  map.Settle();
  SnapshotSlot* old = map.Pin();
  map.Commit({{"deleted", {}}, {"overwritten", "2"}});
  SnapshotSlot* newer = map.Pin();
  map.Commit({{"overwritten", "3"}});
  map.Settle();
  EXPECT_EQ(map.ChainOf("deleted"), "2:- 1:1");
  EXPECT_EQ(map.ChainOf("overwritten"), "3:3 2:2 1:a large value, the first");
  EXPECT_FALSE(map.settler().Step()) << "held leaves are no work while nothing is released";
  map.Drop(newer);
  EXPECT_TRUE(map.settler().Step());
  EXPECT_EQ(map.ChainOf("overwritten"), "3:3 1:a large value, the first");
  EXPECT_EQ(map.Get("deleted", old->ts), "1");
  map.Drop(old);
  EXPECT_TRUE(map.settler().Step());
  EXPECT_EQ(map.ChainOf("deleted"), "");
  EXPECT_EQ(map.ChainOf("overwritten"), "3:3");
  map.Settle();
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_EQ(map.VersionCount(), 2u);
  EXPECT_FALSE(map.settler().Step());
}

TEST(SettlerTest, ThousandsOfHeldLeavesAreSettledAfterTheLastRelease) {
  TestMap map;
  const size_t baseline = map.allocated_bytes();
  for (size_t i = 0; i < 1'000; ++i) map.Put(Key(i), i % 4 == 0 ? std::string(30, 'l') : "v");
  std::vector<SnapshotSlot*> snapshots;
  for (int round = 0; round < 3; ++round) {
    snapshots.push_back(map.Pin());
    for (size_t i = 0; i < 1'000; i += 3) map.Put(Key(i), std::to_string(round));
    map.Settle();
  }
  for (size_t i = 0; i < 1'000; ++i) map.Delete(Key(i));
  map.Settle();
  // Each key has what the first saw and its tombstone; every third two more.
  EXPECT_EQ(map.VersionCount(), 2 * 1'000u + 2 * 334u);
  map.CheckStructure();
  map.Drop(snapshots[1]);
  map.Settle();
  EXPECT_EQ(map.VersionCount(), 2 * 1'000u + 334u);
  map.Drop(snapshots[0]);
  map.Drop(snapshots[2]);
  while (map.settler().Step()) {
  }
  map.Settle();
  EXPECT_EQ(map.VersionCount(), 0u);
  EXPECT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(map.Height(), 1u);
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_EQ(map.allocated_bytes(), baseline);
}

TEST(SettlerTest, VersionsTooNewToBeJudgedAreLookedAtAgain) {
  TestMap map(test::RoomyTuning());
  map.Put("key", "visible");
  map.Put("gone", "visible");
  map.Settle();
  const Stamp stamp = map.CommitUnpublished(100, {{"key", "not yet"}, {"gone", {}}});
  map.Settle();
  EXPECT_EQ(map.ChainOf("key"), "100:not yet 1:visible");
  EXPECT_EQ(map.ChainOf("gone"), "100:- 2:visible");
  EXPECT_EQ(map.GetLatest("key"), "visible");
  map.Publish(stamp);
  // Nothing is noted, nothing released: the settler remembers by itself.
  while (map.settler().Step()) {
  }
  EXPECT_EQ(map.ChainOf("key"), "100:not yet");
  EXPECT_EQ(map.ChainOf("gone"), "");
}

TEST(SettlerTest, ALeafMayBeHeldAndWrittenToAndMergedAway) {
  TestMap map;
  const size_t baseline = map.allocated_bytes();
  for (size_t i = 0; i < 100; ++i) map.Put(Key(i), "v");
  map.Settle();
  for (int round = 0; round < 10; ++round) {
    SnapshotSlot* snapshot = map.Pin();
    for (size_t i = 0; i < 100; i += 2) map.Put(Key(i), "w" + std::to_string(round));
    map.Settle();                                         // Held.
    for (size_t i = 0; i < 100; ++i) map.Delete(Key(i));  // Held and watched.
    if (round % 2 == 0) map.Settle();
    map.Drop(snapshot);
    if (round % 3 == 0) map.Settle();  // Merged away, at times while held.
    for (size_t i = 0; i < 100; ++i) map.Put(Key(i), "v");
  }
  for (size_t i = 0; i < 100; ++i) map.Delete(Key(i));
  map.Settle();
  map.CheckStructure();
  EXPECT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(map.allocated_bytes(), baseline);
}

TEST(SettlerTest, ADyingMapMayHaveWatchedAndHeldAndMergedLeaves) {
  TestMap map;
  for (size_t i = 0; i < 100; ++i) map.Put(Key(i), std::string(20, 'l'));
  SnapshotSlot* snapshot = map.Pin();
  for (size_t i = 0; i < 100; ++i) map.Delete(Key(i));
  map.Settle();
  for (size_t i = 0; i < 100; i += 5) map.Put(Key(i), "again");
  map.Drop(snapshot);
}

TEST(SettlerTest, TheListenerHearsWhatWasDone) {
  Reports reports;
  TestMap map(test::RoomyTuning(), &reports);
  map.Settle();
  EXPECT_EQ(reports.passes, 0) << "nothing changed";
  map.Commit({{"a", "1"}, {"b", "1"}});
  map.Commit({{"a", "2"}});
  map.Settle();
  EXPECT_EQ(reports.passes, 1);
  EXPECT_EQ(reports.total.leaves_frozen, 1u);
  EXPECT_EQ(reports.total.versions_pruned, 1u);
  EXPECT_EQ(reports.total.leaves_merged, 0u);
}

TEST(SettlerTest, TheListenerHearsOfMerges) {
  Reports reports;
  TestMap map(test::TinyTuning(), &reports);
  for (size_t i = 0; i < 100; ++i) map.Put(Key(i), "v");
  map.Settle();
  const size_t leaves = map.Leaves().size();
  const size_t pruned_before = reports.total.versions_pruned;
  const size_t merged_before = reports.total.leaves_merged;
  Writes deletions;
  for (size_t i = 0; i < 100; ++i) deletions[Key(i)] = std::nullopt;
  map.Commit(deletions);
  map.Settle();
  EXPECT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(reports.total.leaves_merged - merged_before, leaves - 1);
  EXPECT_LE(reports.total.versions_pruned - pruned_before, 200u);
}

// A callback may use the Db, and so come back to the settler.
class AskingListener : public Listener {
 public:
  void OnSettled(const SettleInfo& /*info*/) override {
    std::thread other([this] {
      settler->Step();
      answered = true;
    });
    for (int i = 0; i < 200 && !answered; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    answered_in_time = answered.load();
    threads.push_back(std::move(other));
  }
  Settler* settler = nullptr;
  std::atomic<bool> answered{false};
  bool answered_in_time = false;
  std::vector<std::thread> threads;
};

TEST(SettlerTest, TheListenerIsCalledWithoutALock) {
  AskingListener listener;
  TestMap map(test::RoomyTuning(), &listener);
  listener.settler = &map.settler();
  map.Put("a", "1");
  map.Settle();
  for (std::thread& thread : listener.threads) thread.join();
  EXPECT_TRUE(listener.answered_in_time);
}

// Waits for what the background thread is to bring about.
template <class Done>
bool Eventually(const Done& done) {
  for (int i = 0; i < 2'000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(SettlerTest, TheBackgroundThreadFreezesIdleLeavesAndPaysDebts) {
  TuningOptions tuning = test::TinyTuning();
  tuning.settle_idle_us = 1'000;
  TestMap map(tuning);
  const size_t baseline = map.allocated_bytes();
  std::thread background([&map] { map.settler().Run(); });
  for (size_t i = 0; i < 100; ++i) map.Put(Key(i), "v");
  EXPECT_TRUE(Eventually([&] { return FreshKeys(map) == 0; }));
  SnapshotSlot* snapshot = map.Pin();
  for (size_t i = 0; i < 100; ++i) map.Delete(Key(i));
  EXPECT_TRUE(Eventually([&] { return FreshKeys(map) == 0; }));
  EXPECT_EQ(map.VersionCount(), 200u);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(map.Get(Key(i), snapshot->ts), "v");
  map.Drop(snapshot);
  EXPECT_TRUE(Eventually([&] { return map.VersionCount() == 0; }));
  EXPECT_TRUE(Eventually([&] { return map.allocated_bytes() == baseline; }));
  map.settler().Stop();
  background.join();
  EXPECT_EQ(map.Leaves().size(), 1u);
}

TEST(SettlerTest, ALeafThatIsWrittenAgainAndAgainIsGivenLonger) {
  constexpr uint64_t kWrites = 150;
  TuningOptions tuning = test::RoomyTuning();
  tuning.settle_idle_us = 1'000;
  Reports reports;
  TestMap map(tuning, &reports);
  std::thread background([&map] { map.settler().Run(); });
  for (uint64_t i = 0; i < kWrites; ++i) {
    map.Put("key", "value");
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  EXPECT_TRUE(Eventually([&] { return FreshKeys(map) == 0; }));
  map.settler().Stop();
  background.join();
  EXPECT_LT(reports.total.leaves_frozen, kWrites / 3);
}

TEST(SettlerTest, ALeafThatWasGivenLongerIsSettledSoonAfterManyWrites) {
  TuningOptions tuning = test::RoomyTuning();
  tuning.settle_idle_us = 200'000;
  constexpr auto kGivenLonger = std::chrono::microseconds(200'000 << 5);
  TestMap map(tuning);
  map.Put("key", "value");
  map.map().FindLeaf("key")->patience.store(5);
  std::thread background([&map] { map.settler().Run(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(FreshKeys(map), 1u);
  for (size_t i = 0; i < tuning.delta_slots; ++i) map.Put("key", "value");
  const auto written = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return FreshKeys(map) == 0; }));
  EXPECT_LT(std::chrono::steady_clock::now() - written, kGivenLonger);
  map.settler().Stop();
  background.join();
}

// Blocks that are no part of the map make its allocator grow as a large one does.
TEST(SettlerTest, TheBackgroundThreadPreparesMemoryAsleepOrNot) {
  constexpr size_t kBlockBytes = 128 << 10;
  for (const bool busy : {false, true}) {
    SCOPED_TRACE(busy);
    TuningOptions tuning = test::RoomyTuning();
    tuning.settle_idle_us = 3'600'000'000;
    TestMap map(tuning);
    SpanAllocator& allocator = map.map().allocator();
    std::thread background([&map] { map.settler().Run(); });
    if (busy) map.Put("key", "value");
    std::vector<void*> blocks;
    for (int growth = 0; growth < 3; ++growth) {
      while (!allocator.WantsMemory()) blocks.push_back(allocator.Allocate(kBlockBytes).data);
      const size_t before = allocator.reserved_bytes();
      map.versioned().TidyAfterFreeze();
      EXPECT_TRUE(Eventually([&] { return allocator.reserved_bytes() > before; }));
      EXPECT_FALSE(allocator.WantsMemory());
    }
    map.settler().Stop();
    background.join();
    for (void* data : blocks) allocator.Free(data, kBlockBytes);
  }
}

TEST(SettlerTest, StopEndsTheThreadAsleepOrNot) {
  for (const bool busy : {false, true}) {
    TestMap map;
    std::thread background([&map] { map.settler().Run(); });
    if (busy) map.Put("key", "value");
    if (!busy) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    map.settler().Stop();
    background.join();
  }
}

#ifdef FIRN_INVARIANTS
// Memory is prepared with the mutex given up, and then the thread would sleep for a second.
TEST(SettlerTest, StoppedWhileItPreparesMemoryTheThreadEnds) {
  TuningOptions tuning = test::RoomyTuning();
  tuning.settle_idle_us = 3'600'000'000;
  TestMap map(tuning);
  map.Put("key", "value");
  std::chrono::steady_clock::time_point stopped;
  const test::PointObserver observer([&](std::string_view point) {
    if (point != "settler:before_prepare") return;
    stopped = std::chrono::steady_clock::now();
    map.settler().Stop();
  });
  std::thread background([&map] { map.settler().Run(); });
  map.settler().NoteGrowth();
  background.join();
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::milliseconds(700));
}

// Whatever fails, the work stays listed, each leaf once, and the next passes finish it.
TEST(SettlerTest, WithoutMemoryThePassIsFinishedLater) {
  TestMap map;
  const size_t baseline = map.allocated_bytes();
  int failures = 0;
  for (int round = 0; round < 60; ++round) {
    for (size_t i = 0; i < 24; ++i) map.Put(Key(i), i % 5 == 0 ? std::string(20, 'l') : "v");
    map.Settle();
    for (size_t i = 0; i < 24; ++i) map.Delete(Key(i));
    // After a failure leaves are written to again, and merged in another order.
    for (size_t again = 0; again < 24; again += 5) {
      try {
        const test::FailingSpans failing(round);
        map.settler().Step();
      } catch (const std::bad_alloc&) {
        ++failures;
      }
      map.Put(Key(again), "again");
      map.Delete(Key(again));
    }
    for (size_t i = 0; i < 24; ++i) map.Put(Key(i), "v");
    for (size_t i = 0; i < 24; ++i) map.Delete(Key(i));
    map.Settle();
    map.CheckStructure();
    EXPECT_EQ(map.VersionCount(), 0u);
    ASSERT_EQ(map.Leaves().size(), 1u) << round;
    EXPECT_EQ(map.large_count(), 0u);
    ASSERT_EQ(map.allocated_bytes(), baseline) << round;
  }
  EXPECT_GE(failures, 30);
}

// The smallest case: a merge fails, its leaf is written to, and then it is merged away.
TEST(SettlerTest, ALeafWhoseMergeFailedIsListedOnce) {
  TestMap map;
  for (size_t i = 0; i < 4; ++i) map.Put(Key(i), "v");
  map.Settle();
  ASSERT_EQ(map.Leaves().size(), 2u);
  const std::string in_right = map.Leaves()[1].lower;
  map.Delete(Key(0));
  map.Delete(Key(1));
  map.Settle();  // The left one is empty; the right one is full: they merge.
  ASSERT_EQ(map.Leaves().size(), 1u);
  for (size_t i = 0; i < 4; ++i) map.Put(Key(i), "w");
  map.Settle();
  ASSERT_EQ(map.Leaves().size(), 2u);
  // Empties the right leaf: its freeze succeeds, its merge has no memory.
  map.Delete(Key(2));
  map.Delete(Key(3));
  bool failed = false;
  for (int succeeding = 0; succeeding < 10 && map.Leaves().size() == 2; ++succeeding) {
    try {
      const test::FailingSpans failing(succeeding);
      map.settler().Step();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    map.Put(Key(3), "x");
    map.Delete(Key(3));
  }
  EXPECT_TRUE(failed);
  map.Settle();
  map.Settle();
  EXPECT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(map.map().retired_bytes(), 0u);
}
#endif

}  // namespace
}  // namespace firn::internal
