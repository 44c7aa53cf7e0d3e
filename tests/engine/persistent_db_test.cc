// What a Db on a store promises, at every level of durability, on the store in RocksDB and on
// the one without a disk.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/store.h"
#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/engine/store_harness.h"
#include "tests/support/memory_harness.h"
#include "tests/support/oracle.h"
#include "tests/support/random.h"
#include "tests/support/rocksdb_harness.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using ::firn::internal::HarnessOpener;
using ::firn::internal::IsOutcomeUnknown;
using ::firn::internal::StoreFault;
using ::firn::internal::StoreHarness;
using ::firn::test::Contents;
using ::firn::test::FailsWith;
using ::firn::test::IsOk;
using ::firn::test::NumberedKey;
using ::firn::test::Random;
using ::firn::test::ReadForward;
using ::firn::test::ValueOf;

enum class Disk { kMemory, kRocksdb };

class PersistentDbTest : public ::testing::TestWithParam<std::tuple<Disk, Durability>> {
 protected:
  PersistentDbTest() { Open(); }

  Durability level() const { return std::get<1>(GetParam()); }
  Db& db() { return *db_; }
  StoreHarness& disk() { return *harness_; }

  void Open() {
    Options options = test::TinyOptions();
    options.durability = level();
    options.store_opener = &opener_;
    options.background = BackgroundMode::kThread;
    options.async_interval_us = 1'000;
    db_ = ValueOf(Db::Open(options, "unused"));
  }
  void Reopen() {
    ASSERT_TRUE(IsOk(db().Close()));
    Open();
  }
  // The process dies and starts again.
  void Kill() {
    disk().KillProcess();
    db_.reset();
    Open();
  }
  void CutPower() {
    disk().CutPower();
    db_.reset();
    Open();
  }

  const std::unique_ptr<StoreHarness> harness_ =
      std::get<0>(GetParam()) == Disk::kMemory
          ? std::unique_ptr<StoreHarness>(std::make_unique<test::MemoryHarness>(false, 0))
          : test::MakeRocksdbHarness();
  HarnessOpener opener_{*harness_};
  std::unique_ptr<Db> db_;
};

TEST_P(PersistentDbTest, WhatWasCommittedIsThereAgain) {
  WriteBatch batch;
  for (int i = 0; i < 300; ++i) batch.Put(NumberedKey(i), std::string(i * 7, 'x'));
  ASSERT_TRUE(IsOk(db().Write(batch)));
  ASSERT_TRUE(IsOk(db().Put("", "empty key")));
  ASSERT_TRUE(IsOk(db().Delete(NumberedKey(7))));
  ASSERT_TRUE(IsOk(db().DeleteRange({NumberedKey(100), NumberedKey(150)})));
  ASSERT_TRUE(IsOk(db().Put(NumberedKey(120), "back")));
  ASSERT_TRUE(IsOk(db().Swap(NumberedKey(1), "swapped")));
  ASSERT_TRUE(IsOk(db().LoadAndDelete(NumberedKey(2))));
  const auto before = ReadForward(db());
  const CommitTs latest = db().LatestCommitTs();
  for (int i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(Reopen());
    EXPECT_EQ(ReadForward(db()), before);
    EXPECT_EQ(db().LatestCommitTs(), latest);
    EXPECT_TRUE(IsOk(db().VerifyInvariants()));
  }
  EXPECT_GT(ValueOf(db().Put("new", "1")), latest);
}

TEST_P(PersistentDbTest, ClearLeavesNothing) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(IsOk(db().Put(std::string(i * 1000, '\xff'), "1")));
  ASSERT_TRUE(IsOk(db().Clear()));
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(Contents(db()), "");
}

TEST_P(PersistentDbTest, AcknowledgedCommitsSurviveAKill) {
  CommitTs last;
  for (int i = 0; i < 200; ++i) {
    last = ValueOf(db().Put(NumberedKey(i % 50), std::to_string(i)));
  }
  const auto before = ReadForward(db());
  if (level() == Durability::kAsync) {
    // What is asked for at a higher level takes along all before it.
    ASSERT_TRUE(IsOk(db().Put("raised", "1", {.durability = Durability::kBuffered})));
    const auto with_raised = ReadForward(db());
    Kill();
    EXPECT_EQ(ReadForward(db()), with_raised);
    return;
  }
  Kill();
  EXPECT_EQ(ReadForward(db()), before);
  EXPECT_EQ(db().LatestCommitTs(), last);
}

TEST_P(PersistentDbTest, ARaisedCommitSurvivesAPowerCut) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(IsOk(db().Put(NumberedKey(i), "1")));
  ASSERT_TRUE(IsOk(db().Put("raised", "1", {.durability = Durability::kSync})));
  EXPECT_EQ(ValueOf(db().Stats()).synced_ts, db().LatestCommitTs());
  const auto before = ReadForward(db());
  CutPower();
  EXPECT_EQ(ReadForward(db()), before);
}

TEST_P(PersistentDbTest, WaitDurableAndAnEmptyBatchAreBarriers) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(IsOk(db().Put(NumberedKey(i), "1")));
  ASSERT_TRUE(IsOk(db().WaitDurable(db().LatestCommitTs())));
  EXPECT_EQ(ValueOf(db().Stats()).synced_ts, db().LatestCommitTs());
  ASSERT_TRUE(IsOk(db().Put("a", "1")));
  ASSERT_TRUE(IsOk(db().Write(WriteBatch(), {.durability = Durability::kSync})));
  EXPECT_EQ(ValueOf(db().Stats()).synced_ts, db().LatestCommitTs());
  EXPECT_TRUE(
      FailsWith(db().WaitDurable({db().LatestCommitTs().value + 1}), ErrorKind::kBadOption));
  const auto before = ReadForward(db());
  CutPower();
  EXPECT_EQ(ReadForward(db()), before);
}

TEST_P(PersistentDbTest, AFailedWriteIsRefusedFromThenOnAndReadsGoOn) {
  ASSERT_TRUE(IsOk(db().Put("a", "1", {.durability = Durability::kSync})));
  disk().FailOperation(1, StoreFault::kIoError);
  const absl::Status failed = db().Put("b", "2", {.durability = Durability::kSync}).status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsOutcomeUnknown(failed)) << failed;
  const absl::Status refused = db().Put("c", "3").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsOutcomeUnknown(refused)) << refused;
  EXPECT_EQ(ValueOf(db().Get("a")), "1");
  EXPECT_EQ(ValueOf(db().Get("c")), std::nullopt);
  EXPECT_FALSE(db().Resume().ok()) << "only a full disk can be resumed from";
  EXPECT_FALSE(db().Close().ok());
  Open();
  EXPECT_EQ(ValueOf(db().Get("a")), "1");
  EXPECT_EQ(ValueOf(db().Get("c")), std::nullopt);
}

TEST_P(PersistentDbTest, AFullDiskIsResumedFrom) {
  ASSERT_TRUE(IsOk(db().Put("a", "1", {.durability = Durability::kSync})));
  disk().FailOperation(1, StoreFault::kDiskFull);
  const absl::Status failed = db().Put("b", "2", {.durability = Durability::kSync}).status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(db().Put("c", "3").ok());
  EXPECT_EQ(ValueOf(db().Get("a")), "1");
  EXPECT_FALSE(db().Resume().ok()) << "still full";
  disk().Heal();
  ASSERT_TRUE(IsOk(db().Resume()));
  // Visible first, the commit was only late; durable first, it came to nothing.
  EXPECT_EQ(ValueOf(db().Get("b")).has_value(), level() == Durability::kAsync);
  ASSERT_TRUE(IsOk(db().Put("c", "3")));
  ASSERT_TRUE(IsOk(db().WaitDurable(db().LatestCommitTs())));
  const auto before = ReadForward(db());
  CutPower();
  EXPECT_EQ(ReadForward(db()), before);
}

TEST_P(PersistentDbTest, WritersInParallelLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kIncrements = 60;
  std::atomic<int> swaps{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(t + 1);
      for (int i = 0; i < kIncrements; ++i) {
        const std::string key = "counter" + std::to_string(random.Below(3));
        while (true) {
          const std::optional<std::string> old = ValueOf(db().Get(key));
          const std::string next = std::to_string(old ? std::stoi(*old) + 1 : 1);
          if (ValueOf(db().CompareAndSwap(key, old, next))) break;
        }
        ++swaps;
        WriteBatch batch;
        batch.Put("x" + std::to_string(t), std::to_string(i));
        batch.Put("y" + std::to_string(t), std::to_string(i));
        ASSERT_TRUE(IsOk(db().Write(batch)));
        if (!random.OneIn(10)) continue;
        ASSERT_TRUE(IsOk(db().DeleteRange({"x", "z"})));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(IsOk(db().WaitDurable(db().LatestCommitTs())));
  const auto before = ReadForward(db());
  Kill();
  EXPECT_EQ(ReadForward(db()), before);
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    sum += std::stoi(ValueOf(db().Get("counter" + std::to_string(i))).value_or("0"));
  }
  EXPECT_EQ(sum, swaps.load());
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(ValueOf(db().Get("x" + std::to_string(t))),
              ValueOf(db().Get("y" + std::to_string(t))));
  }
}

TEST_P(PersistentDbTest, CloseWaitsForCommitsUnderWay) {
  std::atomic<uint64_t> acknowledged{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0;; ++i) {
        const absl::StatusOr<CommitTs> ts = db().Put("t" + std::to_string(t) + NumberedKey(i), "1");
        if (!ts.ok()) {
          EXPECT_TRUE(FailsWith(ts.status(), ErrorKind::kClosed));
          return;
        }
        ++acknowledged;
      }
    });
  }
  while (acknowledged < 50) std::this_thread::yield();
  EXPECT_TRUE(IsOk(db().Close()));
  for (std::thread& thread : threads) thread.join();
  Open();
  EXPECT_EQ(ValueOf(db().Stats()).key_count, acknowledged.load());
}

TEST_P(PersistentDbTest, GivenTimestampsAreKept) {
  const CommitTs ts = ValueOf(db().Put("a", "1"));
  const CommitTs given{ts.value + 500'000'000};
  EXPECT_EQ(ValueOf(db().Put("b", "2", {.commit_ts = given})), given);
  EXPECT_TRUE(
      FailsWith(db().Put("c", "3", {.commit_ts = ts}).status(), ErrorKind::kTimestampInPast));
  EXPECT_TRUE(FailsWith(db().Put("c", "3", {.commit_ts = CommitTs{given.value * 2}}).status(),
                        ErrorKind::kTimestampInFuture));
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(db().LatestCommitTs(), given);
}

std::string NameOf(const ::testing::TestParamInfo<std::tuple<Disk, Durability>>& info) {
  const std::string disk = std::get<0>(info.param) == Disk::kMemory ? "Memory" : "Rocksdb";
  switch (std::get<1>(info.param)) {
    case Durability::kAsync:
      return disk + "Async";
    case Durability::kBuffered:
      return disk + "Buffered";
    default:
      return disk + "Sync";
  }
}

// ThreadSanitizer does not see what orders the threads of the packaged RocksDB.
#ifdef __SANITIZE_THREAD__
constexpr Disk kDisks[] = {Disk::kMemory};
#else
constexpr Disk kDisks[] = {Disk::kMemory, Disk::kRocksdb};
#endif

INSTANTIATE_TEST_SUITE_P(Levels, PersistentDbTest,
                         ::testing::Combine(::testing::ValuesIn(kDisks),
                                            ::testing::Values(Durability::kAsync,
                                                              Durability::kBuffered,
                                                              Durability::kSync)),
                         NameOf);

}  // namespace
}  // namespace firn
