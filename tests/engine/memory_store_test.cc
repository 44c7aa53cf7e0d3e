// What the in-memory store does beyond the contract: how exactly it can be made to break.
#include "engine/memory_store.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "engine/store.h"
#include "gtest/gtest.h"
#include "tests/support/failing_new.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using ::firn::test::FailingAllocations;
using ::firn::test::FailsWith;
using ::firn::test::IsOk;
using ::firn::test::ValueOf;

absl::Status Put(Store& store, uint64_t ts, std::string_view key,
                 Durability durability = Durability::kBuffered) {
  const NormalizedBatch::PointOp point{key, "v"};
  const StoreCommit commit{CommitTs{ts}, absl::MakeConstSpan(&point, 1), {}};
  return store.Write(absl::MakeConstSpan(&commit, 1), durability);
}

std::string Keys(const Store& store) {
  std::string keys;
  EXPECT_TRUE(IsOk(store.Load({}, [&](const StoreEntry& entry) {
    keys += entry.key;
    return absl::OkStatus();
  })));
  return keys;
}

class MemoryStoreTest : public ::testing::Test {
 protected:
  const std::shared_ptr<MemoryDisk> disk_ = MemoryDisk::Create();
  std::unique_ptr<Store> store_ = ValueOf(disk_->Open());
};

TEST_F(MemoryStoreTest, OneStoreAtATimeIsOpenOnADisk) {
  EXPECT_EQ(disk_->Open().status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(IsOk(store_->Close()));
  const std::unique_ptr<Store> second = ValueOf(disk_->Open());
  store_.reset();  // The first one no longer holds the disk, so it cannot let go of it.
  EXPECT_EQ(disk_->Open().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(MemoryStoreTest, PowerCutKeepsAsManyUnsyncedGroupsAsTold) {
  ASSERT_TRUE(IsOk(Put(*store_, 1, "a", Durability::kSync)));
  for (uint64_t ts = 2; ts <= 4; ++ts) {
    ASSERT_TRUE(IsOk(Put(*store_, ts, std::string(1, static_cast<char>('a' + ts - 1)))));
  }
  EXPECT_EQ(disk_->unsynced_group_count(), 3u);
  disk_->CutPower(2);
  store_ = ValueOf(disk_->Open());
  EXPECT_EQ(Keys(*store_), "abc");
  disk_->CutPower();
  store_ = ValueOf(disk_->Open());
  EXPECT_EQ(Keys(*store_), "a");
}

TEST_F(MemoryStoreTest, KilledStoreWritesNothingMore) {
  ASSERT_TRUE(IsOk(Put(*store_, 1, "a")));
  disk_->KillProcess();
  EXPECT_EQ(Put(*store_, 2, "b").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Resume().code(), absl::StatusCode::kUnavailable);
  const std::unique_ptr<Store> next = ValueOf(disk_->Open());
  EXPECT_EQ(Keys(*next), "a");
  store_.reset();
  EXPECT_TRUE(IsOk(Put(*next, 2, "c")));
}

TEST_F(MemoryStoreTest, FailedWriteThatLandedIsThereWhenOpenedAgain) {
  disk_->FailOperation(2, {.lands = true});
  ASSERT_TRUE(IsOk(Put(*store_, 1, "a")));
  EXPECT_TRUE(IsOutcomeUnknown(Put(*store_, 2, "b")));
  EXPECT_EQ(Keys(*store_), "a");
  disk_->KillProcess();
  store_ = ValueOf(disk_->Open());
  EXPECT_EQ(Keys(*store_), "ab");
}

TEST_F(MemoryStoreTest, FailedWriteThatDidNotLandIsNotThere) {
  disk_->FailOperation(1, {.lands = false});
  EXPECT_TRUE(IsOutcomeUnknown(Put(*store_, 1, "a")));
  disk_->KillProcess();
  store_ = ValueOf(disk_->Open());
  EXPECT_EQ(Keys(*store_), "");
}

TEST_F(MemoryStoreTest, SyncedWriteCanFailAtItsSync) {
  disk_->FailOperation(2, {.lands = false});
  EXPECT_TRUE(IsOutcomeUnknown(Put(*store_, 1, "a", Durability::kSync)));
  EXPECT_EQ(Keys(*store_), "");
  disk_->KillProcess();
  store_ = ValueOf(disk_->Open());
  EXPECT_EQ(Keys(*store_), "a");
}

TEST_F(MemoryStoreTest, OperationsAreCountedAndOpenCanFail) {
  const uint64_t before = disk_->operation_count();
  ASSERT_TRUE(IsOk(Put(*store_, 1, "a")));
  ASSERT_TRUE(IsOk(Put(*store_, 2, "b", Durability::kSync)));
  ASSERT_TRUE(IsOk(store_->Sync()));
  EXPECT_EQ(disk_->operation_count(), before + 4);
  store_.reset();
  disk_->FailOperation(1, {});
  EXPECT_EQ(disk_->Open().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Keys(*ValueOf(disk_->Open())), "ab");
}

TEST_F(MemoryStoreTest, FailedAllocationWritesNothingAndTheStoreStaysOpen) {
  ASSERT_TRUE(IsOk(Put(*store_, 1, "a")));
  const std::string key = "a key too long for any small string of the library";
  bool passed = false;
  for (int succeeding = 0; !passed; ++succeeding) {
    ASSERT_LT(succeeding, 100);
    absl::Status status;
    {
      const FailingAllocations failing(succeeding);
      status = Put(*store_, 2, key, Durability::kSync);
    }
    passed = status.ok();
    if (passed) break;
    EXPECT_TRUE(FailsWith(status, ErrorKind::kOutOfMemory));
    EXPECT_TRUE(IsOk(store_->status()));
    EXPECT_EQ(Keys(*store_), "a");
  }
  EXPECT_EQ(Keys(*store_), "a" + key);
}

TEST_F(MemoryStoreTest, OutcomeStaysUnknownEvenWithoutMemoryToSaySo) {
  const absl::Status cause = absl::UnavailableError("an I/O error");
  const absl::Status full = absl::ResourceExhaustedError("the disk is full");
  for (int succeeding = 0; succeeding < 8; ++succeeding) {
    absl::Status unknown, unknown_full, failed;
    {
      const FailingAllocations failing(succeeding);
      unknown = OutcomeUnknownError("writing commits", cause);
      unknown_full = OutcomeUnknownError("writing commits", full);
      failed = StoreFailedError(full);
    }
    EXPECT_TRUE(IsOutcomeUnknown(unknown));
    EXPECT_EQ(unknown.code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(IsOutcomeUnknown(unknown_full));
    EXPECT_EQ(unknown_full.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_FALSE(IsOutcomeUnknown(failed));
    EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted);
  }
}

}  // namespace
}  // namespace firn::internal
