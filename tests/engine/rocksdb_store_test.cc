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
#include "engine/store.h"
#include "firn/db.h"
#include "gtest/gtest.h"
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

// A store that is closed with more files than RocksDB leaves.
void LeaveFilesToCompact(const std::string& path) {
  const std::unique_ptr<Store> store = ValueOf(OpenRocksdbStore({.path = path}));
  const std::string value(kValueBytes, 'v');
  // Two keys: RocksDB lets files be that have one key only.
  const NormalizedBatch::PointOp points[] = {{"a", value}, {"z", value}};
  for (uint64_t ts = 1; ts <= kFlushes; ++ts) {
    const StoreCommit commit{{ts}, points, {}};
    ASSERT_TRUE(IsOk(store->Write({&commit, 1}, Durability::kBuffered)));
    ASSERT_TRUE(IsOk(store->Flush()));
  }
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

#endif

}  // namespace
}  // namespace firn::internal
