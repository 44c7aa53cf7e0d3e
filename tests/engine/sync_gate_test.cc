#include "engine/sync_gate.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/memory_store.h"
#include "gtest/gtest.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using test::IsOk;
using test::ValueOf;

class SyncGateTest : public ::testing::Test {
 protected:
  void Write(uint64_t ts) {
    const NormalizedBatch::PointOp point{"key", "value"};
    const StoreCommit commit{{ts}, {&point, 1}, {}};
    ASSERT_TRUE(IsOk(store_->Write({&commit, 1}, Durability::kBuffered)));
  }

  const std::shared_ptr<MemoryDisk> disk_ = MemoryDisk::Create();
  const std::unique_ptr<Store> store_ = ValueOf(disk_->Open());
  SyncGate gate_{*store_};
};

TEST_F(SyncGateTest, SyncsWhatIsNotSynced) {
  Write(1);
  EXPECT_TRUE(IsOk(gate_.WaitSynced({1})));
  EXPECT_EQ(store_->synced_ts(), CommitTs{1});
  EXPECT_EQ(disk_->unsynced_group_count(), 0u);
}

TEST_F(SyncGateTest, LeavesTheDiskAloneForWhatIsSynced) {
  Write(1);
  Write(2);
  ASSERT_TRUE(IsOk(gate_.WaitSynced({2})));
  const uint64_t before = disk_->operation_count();
  EXPECT_TRUE(IsOk(gate_.WaitSynced({1})));
  EXPECT_TRUE(IsOk(gate_.WaitSynced({2})));
  EXPECT_EQ(disk_->operation_count(), before);
}

// Everything is written; a sync takes long enough for others to come meanwhile.
class SlowlySyncedStore final : public Store {
 public:
  explicit SlowlySyncedStore(CommitTs written) : written_(written) {}

  absl::StatusOr<CommitTs> Sync() override {
    EXPECT_EQ(under_way_.fetch_add(1), 0) << "two syncs at once";
    sync_count_.fetch_add(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    synced_.store(written_.value);
    under_way_.fetch_sub(1);
    return written_;
  }
  CommitTs last_commit_ts() const override { return written_; }
  CommitTs synced_ts() const override { return {synced_.load()}; }
  int sync_count() const { return sync_count_.load(); }

  absl::Status Write(absl::Span<const StoreCommit>, Durability) override { return NotHere(); }
  absl::Status Flush() override { return NotHere(); }
  absl::Status Load(const KeyRange&,
                    absl::FunctionRef<absl::Status(const StoreEntry&)>) const override {
    return NotHere();
  }
  absl::Status OnLoaded() override { return NotHere(); }
  absl::StatusOr<std::vector<std::string>> SplitKeys(size_t) const override { return NotHere(); }
  absl::Status status() const override { return absl::OkStatus(); }
  absl::Status Resume() override { return NotHere(); }
  uint64_t disk_bytes() const override { return 0; }
  absl::Status Compact(const KeyRange&) override { return NotHere(); }
  absl::Status VerifyFiles() const override { return NotHere(); }
  absl::Status Close() override { return NotHere(); }

 private:
  static absl::Status NotHere() { return absl::UnimplementedError("not asked for"); }

  const CommitTs written_;
  std::atomic<uint64_t> synced_{0};
  std::atomic<int> under_way_{0};
  std::atomic<int> sync_count_{0};
};

TEST(SharedSyncTest, ManyWaitersShareOne) {
  constexpr uint64_t kWaiters = 8;
  SlowlySyncedStore store({kWaiters});
  SyncGate gate(store);
  std::vector<std::thread> waiters;
  for (uint64_t ts = 1; ts <= kWaiters; ++ts) {
    waiters.emplace_back([&, ts] {
      EXPECT_TRUE(IsOk(gate.WaitSynced({ts})));
      EXPECT_GE(store.synced_ts(), CommitTs{ts});
    });
  }
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(store.sync_count(), 1);
}

TEST_F(SyncGateTest, TellsEveryWaiterOfAFailure) {
  Write(1);
  disk_->FailOperation(1, {absl::StatusCode::kUnavailable, false, true});
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([this] { EXPECT_TRUE(absl::IsUnavailable(gate_.WaitSynced({1}))); });
  }
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(store_->synced_ts(), kBeforeEverything);
}

}  // namespace
}  // namespace firn::internal
