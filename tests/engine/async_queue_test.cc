#include "engine/async_queue.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "engine/memory_store.h"
#include "firn/status.h"
#include "gtest/gtest.h"
#include "mvcc/schedule_point.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using test::FailsWith;
using test::IsOk;
using test::ValueOf;

// Longer than a test may take: what is persisted earlier was asked for.
constexpr uint64_t kNeverUs = 600'000'000;
constexpr size_t kPlenty = size_t{1} << 20;
// Enough for a thread that should have been stopped to get past.
constexpr auto kAWhile = std::chrono::milliseconds(30);

absl::StatusOr<QueuedCommit*> Reserve(AsyncQueue& queue, std::string_view key,
                                      std::string_view value = "value") {
  const NormalizedBatch::PointOp point{key, value};
  return queue.Reserve({&point, 1}, {});
}

class AsyncQueueTest : public ::testing::Test {
 protected:
  absl::Status Commit(AsyncQueue& queue, std::string_view key, uint64_t ts) {
    const absl::StatusOr<QueuedCommit*> commit = Reserve(queue, key);
    if (commit.ok()) queue.Push(*commit, {ts});
    return commit.status();
  }

  // Keys and values with their commit times.
  std::string Stored() const {
    std::string all;
    EXPECT_TRUE(IsOk(store_->Load({}, [&](const StoreEntry& entry) {
      all += std::string(entry.key) + "=" + std::string(entry.value) + "@" +
             std::to_string(entry.commit_ts.value) + " ";
      return absl::OkStatus();
    })));
    return all;
  }

  const std::shared_ptr<MemoryDisk> disk_ = MemoryDisk::Create();
  const std::unique_ptr<Store> store_ = ValueOf(disk_->Open());
};

TEST_F(AsyncQueueTest, PersistsInOneGroupWhatWaited) {
  AsyncQueue queue(*store_, {kNeverUs, kPlenty});
  ASSERT_TRUE(IsOk(Commit(queue, "b", 1)));
  ASSERT_TRUE(IsOk(Commit(queue, "a", 2)));
  ASSERT_TRUE(IsOk(Commit(queue, "b", 3)));
  EXPECT_EQ(queue.unpersisted_count(), 3u);
  EXPECT_EQ(store_->last_commit_ts(), kBeforeEverything);

  EXPECT_TRUE(IsOk(queue.WaitPersisted({3})));
  EXPECT_EQ(queue.unpersisted_count(), 0u);
  EXPECT_EQ(Stored(), "a=value@2 b=value@3 ");
  EXPECT_EQ(disk_->unsynced_group_count(), 1u);
}

TEST_F(AsyncQueueTest, PersistsUnaskedAfterItsInterval) {
  AsyncQueue queue(*store_, {1000, kPlenty});
  ASSERT_TRUE(IsOk(Commit(queue, "a", 1)));
  while (queue.unpersisted_count() > 0) std::this_thread::yield();
  EXPECT_EQ(Stored(), "a=value@1 ");
}

// ThreadSanitizer sees a group that looks behind the last commit that it may look at.
TEST_F(AsyncQueueTest, TakesCommitsWhileItPersistsOthers) {
  constexpr uint64_t kCommits = 5000;
  AsyncQueue queue(*store_, {1, kPlenty});
  for (uint64_t ts = 1; ts <= kCommits; ++ts) {
    ASSERT_TRUE(IsOk(Commit(queue, std::to_string(ts), ts)));
  }
  EXPECT_TRUE(IsOk(queue.WaitPersisted({kCommits})));
  while (queue.unpersisted_count() > 0) std::this_thread::yield();
  uint64_t stored = 0;
  EXPECT_TRUE(IsOk(store_->Load({}, [&](const StoreEntry& entry) {
    EXPECT_EQ(entry.key, std::to_string(entry.commit_ts.value));
    ++stored;
    return absl::OkStatus();
  })));
  EXPECT_EQ(stored, kCommits);
  const std::string large(kPlenty * 3 / 4, 'v');
  QueuedCommit* const commit = ValueOf(Reserve(queue, "large", large));  // All room is given back.
  queue.Unreserve(commit);
}

TEST_F(AsyncQueueTest, FreesWhatWasNeverPersisted) {
  AsyncQueue queue(*store_, {kNeverUs, kPlenty});
  disk_->FailOperation(1, {});
  for (uint64_t ts = 1; ts <= 1000; ++ts) ASSERT_TRUE(IsOk(Commit(queue, "a", ts)));
  EXPECT_TRUE(absl::IsUnavailable(queue.WaitPersisted({1000})));
  EXPECT_EQ(queue.unpersisted_count(), 1000u);
}

TEST_F(AsyncQueueTest, GivesNoRoomThatItDoesNotHave) {
  const NormalizedBatch::PointOp point{"a", "value"};
  AsyncQueue queue(*store_, {kNeverUs, 2 * QueuedCommit::BytesOf({&point, 1}, {}) - 1});
  QueuedCommit* const first = ValueOf(Reserve(queue, "a"));
  std::atomic<bool> reserved{false};
  std::thread other([&] {
    QueuedCommit* const second = ValueOf(Reserve(queue, "b"));
    reserved = true;
    queue.Unreserve(second);
  });
  std::this_thread::sleep_for(kAWhile);
  EXPECT_FALSE(reserved);
  queue.Unreserve(first);
  other.join();
}

TEST_F(AsyncQueueTest, LetsACommitLargerThanItselfGoAlone) {
  AsyncQueue queue(*store_, {kNeverUs, 1});
  EXPECT_TRUE(IsOk(Commit(queue, "a", 1)));
  EXPECT_TRUE(IsOk(Commit(queue, "b", 2)));  // Has room only once the first is persisted.
  EXPECT_TRUE(IsOk(queue.WaitPersisted({2})));
}

TEST_F(AsyncQueueTest, KeepsWhatAFullDiskRefusedUntilResumed) {
  AsyncQueue queue(*store_, {kNeverUs, kPlenty});
  disk_->FailOperation(1, {absl::StatusCode::kResourceExhausted, false, true});
  ASSERT_TRUE(IsOk(Commit(queue, "a", 1)));
  EXPECT_TRUE(absl::IsResourceExhausted(queue.WaitPersisted({1})));
  EXPECT_EQ(queue.unpersisted_count(), 1u);
  EXPECT_TRUE(absl::IsResourceExhausted(Commit(queue, "b", 2)));

  disk_->Heal();
  EXPECT_TRUE(IsOk(queue.RunExclusive([&] { return store_->Resume(); })));
  EXPECT_TRUE(IsOk(Commit(queue, "b", 2)));
  EXPECT_TRUE(IsOk(queue.WaitPersisted({2})));
  EXPECT_EQ(Stored(), "a=value@1 b=value@2 ");
}

TEST_F(AsyncQueueTest, LeavesTheStoreAloneWhileAnotherHasIt) {
  AsyncQueue queue(*store_, {1000, kPlenty});
  EXPECT_TRUE(IsOk(queue.RunExclusive([&] {
    EXPECT_TRUE(IsOk(Commit(queue, "a", 1)));
    std::this_thread::sleep_for(kAWhile);
    EXPECT_EQ(queue.unpersisted_count(), 1u);
    return absl::OkStatus();
  })));
  EXPECT_TRUE(IsOk(queue.WaitPersisted({1})));
}

#ifdef FIRN_INVARIANTS
// Counts how often anybody begins to wait while one lives.
class WaitCounter final : public ScheduleObserver {
 public:
  WaitCounter() { schedule_observer.store(this, std::memory_order_release); }
  ~WaitCounter() override { schedule_observer.store(nullptr, std::memory_order_release); }
  void AtPoint(const char* /*name*/) override {}
  void OnBlocked(const void* /*resource*/) override { ++count_; }
  void OnUnblocked(const void* /*resource*/) override {}
  int count() const { return count_; }

 private:
  std::atomic<int> count_{0};
};

TEST_F(AsyncQueueTest, WhoeverWaitsForTheSameCommitsLetsTheOthersSleep) {
  WaitCounter waits;
  {
    AsyncQueue queue(*store_, {kNeverUs, kPlenty});
    ASSERT_TRUE(IsOk(Commit(queue, "a", 1)));
    std::thread waiters[2];
    EXPECT_TRUE(IsOk(queue.RunExclusive([&] {
      for (std::thread& waiter : waiters) {
        waiter = std::thread([&] { EXPECT_TRUE(IsOk(queue.WaitPersisted({1}))); });
      }
      std::this_thread::sleep_for(kAWhile);
      return absl::OkStatus();
    })));
    for (std::thread& waiter : waiters) waiter.join();
  }
  EXPECT_LT(waits.count(), 40);
}
#endif  // FIRN_INVARIANTS

TEST_F(AsyncQueueTest, ClosesOnceTheLastReservationIsPersisted) {
  AsyncQueue queue(*store_, {kNeverUs, kPlenty});
  QueuedCommit* const commit = ValueOf(Reserve(queue, "a"));
  std::atomic<bool> closed{false};
  std::thread closer([&] {
    EXPECT_TRUE(IsOk(queue.Close()));
    closed = true;
  });
  while (true) {
    const absl::StatusOr<QueuedCommit*> late = Reserve(queue, "b");
    if (!late.ok()) break;
    queue.Unreserve(*late);
  }
  std::this_thread::sleep_for(kAWhile);
  EXPECT_FALSE(closed);
  queue.Push(commit, {1});
  closer.join();
  EXPECT_EQ(Stored(), "a=value@1 ");
}

TEST_F(AsyncQueueTest, ClosesAtOnceWithTheFailureOfTheStore) {
  AsyncQueue queue(*store_, {kNeverUs, kPlenty});
  disk_->FailOperation(1, {});
  ASSERT_TRUE(IsOk(Commit(queue, "a", 1)));
  EXPECT_TRUE(absl::IsUnavailable(queue.WaitPersisted({1})));
  EXPECT_TRUE(absl::IsUnavailable(queue.Close()));
  EXPECT_TRUE(FailsWith(Commit(queue, "b", 2), ErrorKind::kClosed));
}

}  // namespace
}  // namespace firn::internal
