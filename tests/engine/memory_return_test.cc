// Memory returns to its baseline: what nobody can see is freed, and what is freed is given
// back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::IsOk;
using test::NumberedKey;
using test::ValueOf;

constexpr size_t kKeys = 6'000;
constexpr size_t kValueBytes = 100;

std::unique_ptr<Db> Open() {
  Options options;
  options.background = BackgroundMode::kManual;
  options.tuning.settle_idle_us = 0;
  return test::OpenTestDb(options);
}

std::vector<std::string> ShuffledKeys(size_t count, test::Random& random) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(NumberedKey(i));
  for (size_t i = count; i > 1; --i) std::swap(keys[i - 1], keys[random.Below(i)]);
  return keys;
}

DbStats SettledStats(Db& db) {
  EXPECT_TRUE(IsOk(db.Settle()));
  EXPECT_TRUE(IsOk(db.VerifyInvariants()));
  return ValueOf(db.Stats());
}

double Ratio(uint64_t a, uint64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

// An emptied Db holds what a fresh one holds, but for some slack in the allocator.
void ExpectAsGoodAsNew(Db& db, const DbStats& fresh) {
  constexpr uint64_t kSlack = 64 << 10;
  const DbStats stats = SettledStats(db);
  EXPECT_EQ(stats.key_count, 0u);
  EXPECT_EQ(stats.version_count, 0u);
  EXPECT_EQ(stats.owing_leaf_count, 0u);
  EXPECT_EQ(stats.large_value_bytes, 0u);
  EXPECT_EQ(stats.leaf_count, fresh.leaf_count);
  EXPECT_EQ(stats.inner_node_count, fresh.inner_node_count);
  EXPECT_LE(stats.memory_bytes, fresh.memory_bytes + kSlack);
  EXPECT_LE(stats.reserved_bytes, fresh.reserved_bytes + kSlack + (2 << 20));
}

TEST(MemoryReturnTest, DeletingKeyByKeyLeavesNothing) {
  test::Random random(1);
  const auto db = Open();
  const DbStats fresh = SettledStats(*db);
  const std::vector<std::string> keys = ShuffledKeys(kKeys, random);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& key : keys) ValueOf(db->Put(key, std::string(kValueBytes, 'v')));
    EXPECT_GT(SettledStats(*db).memory_bytes, kKeys * kValueBytes);
    for (size_t i = 0; i < kKeys; ++i) ValueOf(db->Delete(keys[(i + kKeys / 3) % kKeys]));
    ExpectAsGoodAsNew(*db, fresh);
  }
}

TEST(MemoryReturnTest, RangeDeletesAndClearLeaveNothing) {
  const auto db = Open();
  const DbStats fresh = SettledStats(*db);
  for (const bool clear : {false, true}) {
    for (size_t i = 0; i < kKeys; ++i) ValueOf(db->Put(NumberedKey(i), std::string(i % 200, 'v')));
    if (clear) {
      ValueOf(db->Clear());
    } else {
      ValueOf(db->DeleteRange({{}, NumberedKey(kKeys / 2)}));
      ValueOf(db->DeleteRange({NumberedKey(kKeys / 2), {}}));
    }
    ExpectAsGoodAsNew(*db, fresh);
  }
}

TEST(MemoryReturnTest, LargeValuesAreFreedWithTheirKeys) {
  const auto db = Open();
  const DbStats fresh = SettledStats(*db);
  for (size_t i = 0; i < 500; ++i) ValueOf(db->Put(NumberedKey(i), std::string(5000, 'v')));
  EXPECT_GE(SettledStats(*db).large_value_bytes, 500u * 5000u);
  for (size_t i = 0; i < 500; ++i) ValueOf(db->Put(NumberedKey(i), "small"));
  EXPECT_EQ(SettledStats(*db).large_value_bytes, 0u);
  ValueOf(db->Clear());
  ExpectAsGoodAsNew(*db, fresh);
}

// An iterator that stands still holds its leaf and its snapshot's versions, no more.
TEST(MemoryReturnTest, AParkedIteratorHoldsLittle) {
  const auto db = Open();
  const DbStats fresh = SettledStats(*db);
  for (size_t i = 0; i < kKeys; ++i)
    ValueOf(db->Put(NumberedKey(i), std::string(kValueBytes, 'a')));
  const uint64_t loaded = SettledStats(*db).memory_bytes;
  std::optional<Iterator> iterator = db->NewIterator();
  iterator->Seek(NumberedKey(kKeys / 2));
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < kKeys; ++i) {
      ValueOf(db->Put(NumberedKey(i), std::string(kValueBytes, 'b')));
    }
  }
  EXPECT_LT(Ratio(SettledStats(*db).memory_bytes, loaded), 2.2) << "its versions and the newest";
  EXPECT_EQ(iterator->value(), std::string(kValueBytes, 'a'));
  iterator.reset();
  EXPECT_LT(Ratio(SettledStats(*db).memory_bytes, loaded), 1.06) << "twice as many leaves";
  ValueOf(db->Clear());
  ExpectAsGoodAsNew(*db, fresh);
}

TEST(MemoryReturnTest, HotKeysUnderOneOldSnapshotHaveTwoVersions) {
  const auto db = Open();
  constexpr size_t kHotKeys = 200;
  for (size_t i = 0; i < kKeys; ++i) {
    ValueOf(db->Put(NumberedKey(i), std::string(kValueBytes, 'a')));
  }
  const uint64_t before = SettledStats(*db).memory_bytes;
  std::optional<Snapshot> snapshot = db->GetSnapshot();
  test::Random random(1);
  for (size_t i = 0; i < 20'000; ++i) {
    const std::string key = NumberedKey(kKeys / 2 + random.Below(kHotKeys));
    ValueOf(db->Put(key, std::string(kValueBytes, 'b')));
  }
  EXPECT_EQ(SettledStats(*db).version_count, kKeys + kHotKeys);
  EXPECT_EQ(ValueOf(db->LiveSnapshots()).at(0).price_versions, kHotKeys);
  snapshot.reset();
  EXPECT_EQ(SettledStats(*db).version_count, kKeys);
  EXPECT_LT(Ratio(SettledStats(*db).memory_bytes, before), 1.02);
}

TEST(MemoryReturnTest, ATenthTakesAboutATenth) {
  test::Random random(1);
  const auto db = Open();
  const auto few = Open();
  const std::vector<std::string> keys = ShuffledKeys(kKeys, random);
  for (const std::string& key : keys) ValueOf(db->Put(key, std::string(kValueBytes, 'v')));
  for (size_t i = 0; i < kKeys; ++i) {
    if (i % 10 == 0) {
      ValueOf(few->Put(keys[i], std::string(kValueBytes, 'v')));
    } else {
      ValueOf(db->Delete(keys[i]));
    }
  }
  EXPECT_LT(Ratio(SettledStats(*db).memory_bytes, SettledStats(*few).memory_bytes), 2.0);
}

TEST(MemoryReturnTest, AMovingWindowStaysAsSmallAsItStarted) {
  constexpr size_t kWindow = 5000;
  constexpr size_t kMoves = 50'000;
  const auto db = Open();
  for (size_t i = 0; i < kWindow; ++i) {
    ValueOf(db->Put(NumberedKey(i), std::string(kValueBytes, 'v')));
  }
  const DbStats start = SettledStats(*db);
  uint64_t most = 0;
  for (size_t i = 0; i < kMoves; ++i) {
    ValueOf(db->Put(NumberedKey(kWindow + i), std::string(kValueBytes, 'v')));
    ValueOf(db->Delete(NumberedKey(i)));
    if (i % 500 == 0) {
      while (ValueOf(db->StepBackgroundWork())) continue;
    }
    if (i % 500 == 499) most = std::max(most, ValueOf(db->Stats()).memory_bytes);
  }
  const DbStats end = SettledStats(*db);
  EXPECT_EQ(end.key_count, kWindow);
  EXPECT_LT(Ratio(end.memory_bytes, start.memory_bytes), 1.3);
  EXPECT_LT(Ratio(end.reserved_bytes, start.reserved_bytes), 1.3);
  constexpr uint64_t kWaiting = 4 << 20;  // Fresh deltas, and states that wait for readers.
  EXPECT_LT(most, start.memory_bytes + kWaiting) << "on the way";
}

// Leaves that a window leaves behind do not wait for the day they are idle.
TEST(MemoryReturnTest, AMovingWindowLeavesNoTrail) {
  Options options;
  options.tuning.settle_idle_us = 3'600'000'000;
  const std::unique_ptr<Db> db = test::OpenTestDb(options);
  const std::string value(kValueBytes, 'v');
  const auto push = [&](size_t i) { EXPECT_TRUE(IsOk(db->Put(NumberedKey(i), value))); };
  for (size_t i = 0; i < kKeys; ++i) push(i);
  const uint64_t leaves_at_start = SettledStats(*db).leaf_count;

  // Until the background thread, which may wait for a core, has joined what lies behind.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  size_t moved = 0;
  while (ValueOf(db->Stats()).merge_count < 2 * leaves_at_start) {
    ASSERT_LT(absl::Now(), give_up) << "only " << ValueOf(db->Stats()).merge_count << " merges";
    for (const size_t until = moved + kKeys; moved < until; ++moved) {
      push(kKeys + moved);
      EXPECT_TRUE(IsOk(db->Delete(NumberedKey(moved))));
    }
  }
  EXPECT_TRUE(IsOk(db->VerifyInvariants()));
}

TEST(MemoryReturnTest, ADbOfTenKeysIsSmall) {
  const auto db = ValueOf(Db::OpenInMemory());
  for (size_t i = 0; i < 10; ++i) ValueOf(db->Put(NumberedKey(i), std::string(kValueBytes, 'v')));
  const DbStats stats = ValueOf(db->Stats());
  EXPECT_LT(stats.memory_bytes, 1u << 20);
  EXPECT_LT(stats.reserved_bytes, 1u << 20);
}

TEST(MemoryReturnTest, AnEntryOf116BytesTakesAtMost140) {
  test::Random random(1);
  const auto db = Open();
  constexpr size_t kEntries = 30'000;
  for (size_t i = 0; i < kEntries; ++i) {
    const std::string key = NumberedKey(random.Next() % 1'000'000) + "-16byt";
    ValueOf(db->Put(key, std::string(kValueBytes, 'v')));
  }
  const DbStats stats = SettledStats(*db);
  EXPECT_LT(Ratio(stats.memory_bytes, stats.key_count), 140.0);
}

}  // namespace
}  // namespace firn
