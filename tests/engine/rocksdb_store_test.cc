// What the store on RocksDB does beside the contract of engine/store.h.
#include "engine/rocksdb_store.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "engine/normalized_batch.h"
#include "engine/rocksdb_mapped_log.h"
#include "engine/store.h"
#include "firn/db.h"
#include "gtest/gtest.h"
#include "tests/support/rocksdb_faults.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"

namespace firn::internal {
namespace {

using ::firn::test::IsOk;
using ::firn::test::TempDirectory;
using ::firn::test::ValueOf;

#ifndef __SANITIZE_THREAD__  // On the packaged RocksDB, which it does not see through.

constexpr size_t kValueBytes = 200'000;

// Table files with values; those of the family `meta` are small.
size_t FilesOfValues(const std::string& path) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    std::error_code vanished;
    const uint64_t bytes = entry.file_size(vanished);
    if (entry.path().extension() == ".sst" && !vanished && bytes > kValueBytes) ++count;
  }
  return count;
}

constexpr size_t kFlushes = 6;  // RocksDB compacts from four files on.

// Writes more files than RocksDB leaves, by commits from `first_ts` on.
void WriteFilesToCompact(Store& store, uint64_t first_ts) {
  const std::string value(kValueBytes, 'v');
  // Two keys: RocksDB lets files be that have one key only.
  const NormalizedBatch::PointOp points[] = {{"a", value}, {"z", value}};
  for (uint64_t i = 0; i < kFlushes; ++i) {
    const StoreCommit commit{{first_ts + i}, points, {}};
    ASSERT_TRUE(IsOk(store.Write({&commit, 1}, Durability::kBuffered)));
    ASSERT_TRUE(IsOk(store.Flush()));
  }
}
void LeaveFilesToCompact(const std::string& path) {
  const std::unique_ptr<Store> store = ValueOf(OpenRocksdbStore({.path = path}));
  WriteFilesToCompact(*store, 1);
  ASSERT_TRUE(IsOk(store->Close()));
}

bool AreCompactedInTime(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (FilesOfValues(path) >= kFlushes) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST(RocksdbStoreTest, CompactionsWaitUntilEverythingIsLoaded) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/db";
  LeaveFilesToCompact(path);
  const std::unique_ptr<Store> store = ValueOf(OpenRocksdbStore({.path = path}));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(FilesOfValues(path), kFlushes);
  ASSERT_TRUE(IsOk(store->OnLoaded()));
  EXPECT_TRUE(AreCompactedInTime(path));
  EXPECT_TRUE(IsOk(store->Close()));
}

TEST(RocksdbStoreTest, ADbThatIsOpenHasItsStoreCompacted) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/db";
  LeaveFilesToCompact(path);
  const std::unique_ptr<Db> db = ValueOf(Db::Open({}, path));
  EXPECT_TRUE(AreCompactedInTime(path));
}

TEST(RocksdbStoreTest, AResumedStoreCompactsAgain) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/db";
  const auto files = std::make_shared<test::FaultyFileSystem>(FilesWithMappedLogs());
  const std::unique_ptr<Store> store =
      ValueOf(OpenRocksdbStore({.path = path}, {.file_system = files}));
  ASSERT_TRUE(IsOk(store->OnLoaded()));
  const NormalizedBatch::PointOp point{"a", "lost"};
  const StoreCommit commit{{1}, {&point, 1}, {}};
  files->FailOperation(1, /*disk_full=*/true);
  ASSERT_FALSE(store->Write({&commit, 1}, Durability::kSync).ok());
  files->Heal();
  ASSERT_TRUE(IsOk(store->Resume()));
  WriteFilesToCompact(*store, 2);
  EXPECT_TRUE(AreCompactedInTime(path));
}

#endif

}  // namespace
}  // namespace firn::internal
