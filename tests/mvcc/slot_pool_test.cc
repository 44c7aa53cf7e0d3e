#include "mvcc/slot_pool.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/atomics_policy.h"
#include "tests/support/delay_injector.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

struct TestSlot : PooledSlot {
  int payload = 0;  // Whoever claimed the slot writes it; ThreadSanitizer sees if two did.
};
using TestPool = SlotPool<StdAtomics, TestSlot>;

// What claimed slots say, noted by the look.
std::vector<uint64_t> NotedValues(TestPool& pool) {
  std::vector<uint64_t> values;
  pool.NoteClaimed([&](uint64_t value) { values.push_back(value); });
  return values;
}

TEST(SlotPool, HasNoSlotsUntilOneIsClaimed) {
  TestPool pool;
  EXPECT_EQ(pool.slot_count(), 0u);
  EXPECT_EQ(pool.claimed_count(), 0u);
  EXPECT_EQ(pool.OrphanClaimed(), 0u);
}

TEST(SlotPool, ClaimedSlotsAreDistinctAndSayTheirValue) {
  TestPool pool;
  std::set<TestSlot*> slots;
  for (uint64_t value = 1; value <= 1000; ++value) slots.insert(pool.Claim(value));
  EXPECT_EQ(slots.size(), 1000u);
  EXPECT_EQ(pool.claimed_count(), 1000u);
  std::vector<uint64_t> values = NotedValues(pool);
  EXPECT_EQ(std::set<uint64_t>(values.begin(), values.end()).size(), 1000u);
}

TEST(SlotPool, ReleasedSlotIsClaimedAgainByItsThread) {
  TestPool pool;
  TestSlot* first = pool.Claim();
  EXPECT_FALSE(pool.Release(first));
  EXPECT_EQ(pool.claimed_count(), 0u);
  for (int i = 0; i < 10; ++i) {
    TestSlot* again = pool.Claim();
    EXPECT_EQ(again, first);
    pool.Release(again);
  }
}

TEST(SlotPool, GrowsWithTheClaimsAliveAndNoFurther) {
  TestPool pool;
  for (int round = 0; round < 5; ++round) {
    std::vector<TestSlot*> slots;
    for (int i = 0; i < 1000; ++i) slots.push_back(pool.Claim());
    for (TestSlot* slot : slots) pool.Release(slot);
  }
  EXPECT_LE(pool.slot_count(), 1000u + 3 * 64);
  EXPECT_EQ(pool.claimed_count(), 0u);
}

TEST(SlotPool, VisitsEverySlotOnce) {
  TestPool pool;
  for (int i = 0; i < 100; ++i) pool.Claim();
  std::set<TestSlot*> visited;
  size_t visits = 0;
  pool.ForEach([&](TestSlot& slot) {
    visited.insert(&slot);
    ++visits;
  });
  EXPECT_EQ(visits, pool.slot_count());
  EXPECT_EQ(visited.size(), visits);
}

// An iterator that pins at its first seek may race with ~Db.
TEST(SlotPool, RewriteKeepsTheOrphanMark) {
  TestPool pool;
  TestSlot* slot = pool.Claim(7);
  EXPECT_EQ(pool.OrphanClaimed(), 1u);
  pool.Rewrite(slot, 9);
  pool.Blank(slot);
  EXPECT_EQ(pool.claimed_count(), 1u);
  EXPECT_TRUE(pool.Release(slot));
}

TEST(SlotPool, RewriteChangesWhatTheSlotSays) {
  TestPool pool;
  TestSlot* slot = pool.Claim(5);
  EXPECT_EQ(pool.ValueOf(*slot), 5u);
  pool.Rewrite(slot, 9);
  EXPECT_EQ(pool.ValueOf(*slot), 9u);
  EXPECT_EQ(NotedValues(pool), std::vector<uint64_t>{9});
  EXPECT_EQ(pool.ValueOf(*slot), 9u);
  EXPECT_FALSE(pool.Release(slot));
  EXPECT_EQ(pool.ValueOf(*slot), TestPool::kFree);
}

TEST(SlotPool, BlankSlotIsClaimedAndSaysNothing) {
  TestPool pool;
  TestSlot* slot = pool.Claim(5);
  pool.Blank(slot);
  EXPECT_EQ(NotedValues(pool), std::vector<uint64_t>{});
  EXPECT_EQ(pool.ValueOf(*slot), TestPool::kBlank);
  EXPECT_EQ(pool.claimed_count(), 1u);
  EXPECT_FALSE(pool.Release(slot));
  EXPECT_EQ(pool.claimed_count(), 0u);
}

TEST(SlotPool, OnlyASlotThatNobodyNotedIsReleasedAsSuch) {
  TestPool pool;
  TestSlot* unnoted = pool.Claim(7);
  EXPECT_TRUE(pool.TryReleaseUnnoted(unnoted, 7));
  EXPECT_EQ(pool.claimed_count(), 0u);

  TestSlot* noted = pool.Claim(7);
  EXPECT_EQ(NotedValues(pool), std::vector<uint64_t>{7});
  EXPECT_FALSE(pool.TryReleaseUnnoted(noted, 7));
  pool.Rewrite(noted, 9);  // What the scan was shown holds all the same.
  EXPECT_FALSE(pool.TryReleaseUnnoted(noted, 9));
  EXPECT_EQ(NotedValues(pool), std::vector<uint64_t>{9});
  EXPECT_FALSE(pool.Release(noted));

  TestSlot* orphan = pool.Claim(7);
  EXPECT_EQ(pool.OrphanClaimed(), 1u);
  EXPECT_FALSE(pool.TryReleaseUnnoted(orphan, 7));
  EXPECT_TRUE(pool.Release(orphan));
}

TEST(SlotPool, OrphansAreTheClaimedSlots) {
  TestPool pool;
  TestSlot* kept = pool.Claim(7);
  TestSlot* blanked = pool.Claim(8);
  TestSlot* noted = pool.Claim(10);
  NotedValues(pool);
  TestSlot* released = pool.Claim(9);
  pool.Release(released);
  EXPECT_EQ(pool.OrphanClaimed(), 3u);
  EXPECT_EQ(pool.claimed_count(), 3u);
  pool.Blank(blanked);
  EXPECT_TRUE(pool.Release(blanked));
  EXPECT_TRUE(pool.Release(noted));
  EXPECT_TRUE(pool.Release(kept));
  EXPECT_EQ(pool.claimed_count(), 0u);
}

TEST(SlotPool, ThreadsThatLoopDoNotShareCacheLines) {
  TestPool pool;
  std::vector<std::uintptr_t> lines(2);
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < lines.size(); ++t) {
    threads.emplace_back([&, t] {
      ready.fetch_add(1);
      while (ready.load() < 2) std::this_thread::yield();  // Both threads live: two ordinals.
      for (int i = 0; i < 1000; ++i) {
        TestSlot* slot = pool.Claim();
        slot->payload = i;
        lines[t] = reinterpret_cast<std::uintptr_t>(slot) / 64;
        pool.Release(slot);
      }
      ready.fetch_add(1);
      while (ready.load() < 4) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(lines[0], lines[1]);
}

TEST(SlotPool, ManyThreadsNeverMeetInASlot) {
  const test::DelayInjector delays(test::PrintedSeed());
  TestPool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      std::vector<TestSlot*> held;
      for (int i = 0; i < 2000; ++i) {
        TestSlot* slot = pool.Claim();
        slot->payload = t;
        held.push_back(slot);
        if (held.size() == static_cast<size_t>(1 + i % 50)) {
          for (TestSlot* one : held) {
            ASSERT_EQ(one->payload, t);
            pool.Release(one);
          }
          held.clear();
        }
      }
      for (TestSlot* one : held) pool.Release(one);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.claimed_count(), 0u);
}

TEST(SlotPool, PoolsThatShareAHintDoNotMixUpTheirSlots) {
  std::vector<TestPool> pools(9);
  for (int round = 0; round < 3; ++round) {
    std::vector<TestSlot*> slots;
    for (TestPool& pool : pools) slots.push_back(pool.Claim());
    for (size_t i = 0; i < pools.size(); ++i) {
      EXPECT_EQ(pools[i].claimed_count(), 1u);
      pools[i].Release(slots[i]);
      EXPECT_EQ(pools[i].claimed_count(), 0u);
    }
  }
}

TEST(OrphanCount, LastOfAllIsTold) {
  OrphanCount<StdAtomics> none;
  EXPECT_TRUE(none.AddMarked(0));

  OrphanCount<StdAtomics> later;
  EXPECT_FALSE(later.AddMarked(2));
  EXPECT_FALSE(later.DropMarked());
  EXPECT_TRUE(later.DropMarked());

  OrphanCount<StdAtomics> earlier;  // The marked slots went before they were added.
  EXPECT_FALSE(earlier.DropMarked());
  EXPECT_FALSE(earlier.DropMarked());
  EXPECT_TRUE(earlier.AddMarked(2));
}

// A core as a Db's: whoever is last deletes it, and nobody looks at it afterwards.
struct Core {
  TestPool pool;
  OrphanCount<StdAtomics> orphans;
  std::atomic<int>* deleted;
  explicit Core(std::atomic<int>* count) : deleted(count) {}
  ~Core() { deleted->fetch_add(1); }
};

TEST(OrphanCount, CoreIsDeletedOnceHoweverHandlesAndOwnerRace) {
  const test::DelayInjector delays(test::PrintedSeed());
  for (int round = 0; round < 150; ++round) {
    std::atomic<int> deleted{0};
    auto* core = new Core(&deleted);
    std::vector<TestSlot*> slots;
    for (int i = 0; i < 3; ++i) slots.push_back(core->pool.Claim());
    std::vector<std::thread> threads;
    for (TestSlot* slot : slots) {
      threads.emplace_back([core, slot] {
        if (core->pool.Release(slot) && core->orphans.DropMarked()) delete core;
      });
    }
    if (core->orphans.AddMarked(core->pool.OrphanClaimed())) delete core;
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(deleted.load(), 1);
  }
}

}  // namespace
}  // namespace firn::internal
