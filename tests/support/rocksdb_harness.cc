#include "tests/support/rocksdb_harness.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/rocksdb_mapped_log.h"
#include "engine/rocksdb_store.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/rocksdb_faults.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

namespace fs = std::filesystem;

class RocksdbHarness final : public internal::StoreHarness {
 public:
  absl::StatusOr<std::unique_ptr<internal::Store>> Open() override {
    return internal::OpenRocksdbStore(
        {.path = path()}, {.file_system = files_, .boot_id = "boot " + std::to_string(boot_)});
  }
  void KillProcess() override {
    const std::string before = path();
    ++incarnation_;
    files_->CopyAsAfterKill(before, path());
  }
  void CutPower() override {
    const std::string before = path();
    ++incarnation_;
    ++boot_;
    files_->CopyAsAfterPowerCut(before, path(), random_);
  }
  void FailOperation(uint64_t nth, internal::StoreFault fault) override {
    files_->FailOperation(nth, fault == internal::StoreFault::kDiskFull);
  }
  void Heal() override { files_->Heal(); }

 private:
  std::string path() const { return directory_.path() + "/" + std::to_string(incarnation_); }

  const TempDirectory directory_;
  int incarnation_ = 0;
  int boot_ = 0;
  Random random_{1};
  const std::shared_ptr<FaultyFileSystem> files_ =
      std::make_shared<FaultyFileSystem>(internal::FilesWithMappedLogs());
};

}  // namespace

std::unique_ptr<internal::StoreHarness> MakeRocksdbHarness() {
  return std::make_unique<RocksdbHarness>();
}

}  // namespace firn::test
