// What a Db does on its own: the three background modes.
#include <time.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::IsOk;
using test::ValueOf;

class CountingListener : public Listener {
 public:
  void OnSettled(const SettleInfo& info) override {
    leaves_frozen += info.leaves_frozen;
    versions_pruned += info.versions_pruned;
  }

  std::atomic<size_t> leaves_frozen{0};
  std::atomic<size_t> versions_pruned{0};
};

Options InMode(BackgroundMode mode) {
  Options options = test::TinyOptions();
  options.background = mode;
  options.tuning.settle_idle_us = 1000;
  return options;
}

void OverwriteUnderASnapshot(Db& db) {
  constexpr size_t kKeys = 50;
  for (size_t i = 0; i < kKeys; ++i) ValueOf(db.Put(test::NumberedKey(i), "old"));
  std::optional<Snapshot> snapshot = db.GetSnapshot();
  for (size_t i = 0; i < kKeys; ++i) ValueOf(db.Put(test::NumberedKey(i), "new"));
  for (size_t i = 0; i < kKeys; i += 2) ValueOf(db.Delete(test::NumberedKey(i)));
  snapshot.reset();
}

bool Settled(const DbStats& stats) {
  return stats.version_count == stats.key_count && stats.owing_leaf_count == 0 &&
         stats.fresh_leaf_count == 0;
}

bool Soon(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

TEST(BackgroundTest, ItsThreadSettlesWhatNobodyWritesTo) {
  CountingListener listener;
  Options options = InMode(BackgroundMode::kThread);
  options.listener = &listener;
  const auto db = test::OpenTestDb(options);
  OverwriteUnderASnapshot(*db);
  EXPECT_TRUE(Soon([&] { return Settled(ValueOf(db->Stats())); }));
  EXPECT_TRUE(Soon([&] { return listener.leaves_frozen > 0 && listener.versions_pruned > 0; }));
  EXPECT_TRUE(IsOk(db->VerifyInvariants()));
}

TEST(BackgroundTest, ReleasingASnapshotIsEnoughToStartIt) {
  const auto db = test::OpenTestDb(InMode(BackgroundMode::kThread));
  ValueOf(db->Put("a", "1"));
  std::optional<Snapshot> snapshot = db->GetSnapshot();
  ValueOf(db->Put("a", "2"));
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(ValueOf(db->Stats()).version_count, 2u);
  snapshot.reset();
  EXPECT_TRUE(Soon([&] { return ValueOf(db->Stats()).version_count == 1; }));
}

TEST(BackgroundTest, ClosingAnIteratorIsEnoughToo) {
  const auto db = test::OpenTestDb(InMode(BackgroundMode::kThread));
  ValueOf(db->Put("a", "1"));
  std::optional<Iterator> iterator = db->NewIterator();
  iterator->SeekToFirst();
  ValueOf(db->Put("a", "2"));
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(ValueOf(db->Stats()).version_count, 2u);
  EXPECT_TRUE(IsOk(iterator->Refresh()));
  EXPECT_TRUE(Soon([&] { return ValueOf(db->Stats()).version_count == 1; }));
}

TEST(BackgroundTest, InlineWorkNeedsNobodyElse) {
  const auto db = test::OpenTestDb(InMode(BackgroundMode::kInline));
  OverwriteUnderASnapshot(*db);
  ValueOf(db->Put("one more", "commit"));
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_TRUE(Settled(ValueOf(db->Stats())));
  EXPECT_FALSE(ValueOf(db->StepBackgroundWork()));
}

TEST(BackgroundTest, ManualWorkIsDoneStepByStep) {
  Options options = InMode(BackgroundMode::kManual);
  options.tuning.settle_idle_us = 0;
  const auto db = test::OpenTestDb(options);
  OverwriteUnderASnapshot(*db);
  const uint64_t versions_before = ValueOf(db->Stats()).version_count;
  EXPECT_GT(versions_before, ValueOf(db->Stats()).key_count);
  size_t steps = 0;
  while (ValueOf(db->StepBackgroundWork())) {
    ASSERT_LT(++steps, 10'000u) << "it never says that it is done";
    ASSERT_TRUE(IsOk(db->VerifyInvariants()));
  }
  EXPECT_TRUE(Settled(ValueOf(db->Stats())));
}

TEST(BackgroundTest, ManualWorkIsDoneByNobodyElse) {
  const auto db = test::OpenTestDb(InMode(BackgroundMode::kManual));
  ValueOf(db->Put("a", "1"));
  const Snapshot snapshot = db->GetSnapshot();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(ValueOf(db->Stats()).freeze_count, 0u);
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_GT(ValueOf(db->Stats()).freeze_count, 0u);
}

TEST(BackgroundTest, AnIdleDbUsesNoCpu) {
  const auto db = test::OpenTestDb(InMode(BackgroundMode::kThread));
  OverwriteUnderASnapshot(*db);
  ASSERT_TRUE(Soon([&] { return Settled(ValueOf(db->Stats())); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto cpu_nanos = [] {
    timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * int64_t{1'000'000'000} + used.tv_nsec;
  };
  const int64_t before = cpu_nanos();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpu_nanos() - before, 3'000'000);
}

TEST(BackgroundTest, CloseDoesNotWaitForALeafToBecomeIdle) {
  Options options = InMode(BackgroundMode::kThread);
  options.tuning.settle_idle_us = UINT64_MAX;
  const auto db = test::OpenTestDb(options);
  OverwriteUnderASnapshot(*db);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(IsOk(db->Close()));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace firn
