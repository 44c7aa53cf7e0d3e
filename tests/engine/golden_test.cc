// Databases that earlier releases left behind open for ever: tests/golden/ keeps one of each
// format. FIRN_MAKE_GOLDEN=<new directory> makes the one of this release.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "engine/big_endian.h"
#include "engine/rocksdb_store.h"
#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"

namespace firn {
namespace {

namespace fs = std::filesystem;
using ::firn::test::FailsWith;
using ::firn::test::IsOk;
using ::firn::test::ValueOf;

constexpr uint64_t kFirstTs = 1'000'000'000'000'000'000;

class GoldenOpener final : public internal::StoreOpener {
 public:
  absl::StatusOr<std::unique_ptr<internal::Store>> Open(
      const internal::StoreOptions& options) override {
    return internal::OpenRocksdbStore(options, {.boot_id = "golden"});
  }
};

class FixedClock final : public Clock {
 public:
  uint64_t NowNanos() override { return kFirstTs; }
};

// The life of the golden Db: table files, and a log with every kind of operation.
void Live(Db& db) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(IsOk(db.Put("key" + std::to_string(100 + i), std::string(i, 'v'))));
  }
  ASSERT_TRUE(IsOk(db.Flush()));
  WriteBatch batch;
  batch.Put(std::string("\0binary\xff", 8), std::string("\x00\x01\x02", 3));
  batch.Delete("key100");
  batch.DeleteRange({"key110", "key120"});
  batch.Put("key115", "again");
  ASSERT_TRUE(IsOk(db.Write(batch)));
  ASSERT_TRUE(IsOk(db.Put("large", std::string(5'000, 'l'))));
  ASSERT_TRUE(IsOk(db.Put("", "the empty key", {.durability = Durability::kSync})));
}

std::string Shown(const Db& db) {
  std::string shown;
  Iterator it = db.NewIterator();
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    shown += std::string(it.key()) + "=" + std::string(it.value()) + "@" +
             std::to_string(it.commit_ts().value) + "\n";
  }
  return shown;
}

Options GoldenOptions() {
  static GoldenOpener opener;
  static FixedClock clock;
  Options options;
  options.store_opener = &opener;
  options.clock = &clock;
  return options;
}

TEST(GoldenTest, MakeOne) {
  const char* path = std::getenv("FIRN_MAKE_GOLDEN");
  if (path == nullptr) GTEST_SKIP() << "FIRN_MAKE_GOLDEN names no directory";
  const std::unique_ptr<Db> db = ValueOf(Db::Open(GoldenOptions(), path));
  Live(*db);
  _exit(0);  // Without closing: the log stays.
}

class OpenGoldenTest : public ::testing::Test {
 protected:
  std::string Copy(const std::string& name) {
    fs::copy(std::string(FIRN_SOURCE_DIR) + "/tests/golden/" + name, root_ + "/" + name);
    return root_ + "/" + name;
  }

  const test::TempDirectory directory_;
  const std::string& root_ = directory_.path();
};

TEST_F(OpenGoldenTest, Format1) {
  const std::string path = Copy("format-1");
  Options options = GoldenOptions();
  options.read_only = true;
  {
    const std::unique_ptr<Db> db = ValueOf(Db::Open(options, path));
    EXPECT_EQ(db->LatestCommitTs(), CommitTs{kFirstTs + 102});
    EXPECT_EQ(ValueOf(db->Stats()).key_count, 93u);
    EXPECT_EQ(ValueOf(db->Get("key100")), std::nullopt);
    EXPECT_EQ(ValueOf(db->Get("key109")), std::string(9, 'v'));
    EXPECT_EQ(ValueOf(db->Get("key110")), std::nullopt);
    EXPECT_EQ(ValueOf(db->Get("key115")), "again");
    EXPECT_EQ(ValueOf(db->Get("")), "the empty key");
    EXPECT_EQ(ValueOf(db->Get("large")), std::string(5'000, 'l'));
    EXPECT_EQ(ValueOf(db->Get(std::string("\0binary\xff", 8))), std::string("\x00\x01\x02", 3));
  }
  options.read_only = false;
  std::string before;
  {
    const std::unique_ptr<Db> db = ValueOf(Db::Open(options, path));
    ASSERT_TRUE(IsOk(db->Put("written by this release", "1")));
    before = Shown(*db);
    ASSERT_TRUE(IsOk(db->Close()));
  }
  EXPECT_EQ(Shown(*ValueOf(Db::Open(options, path))), before);
}

TEST_F(OpenGoldenTest, ANewerFormatIsRefusedWithBothVersions) {
  const std::string path = Copy("format-1");
  char version[8];
  internal::StoreBigEndian(uint64_t{7}, version);
  std::fstream file(path + "/FIRN_ACKED", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8);
  file.write(version, sizeof(version));
  file.close();
  const absl::Status status = Db::Open(GoldenOptions(), path).status();
  EXPECT_TRUE(FailsWith(status, ErrorKind::kNewerFormat));
  EXPECT_NE(std::string(status.message()).find("format 7"), std::string::npos) << status;
  EXPECT_NE(std::string(status.message()).find("format 1"), std::string::npos) << status;
}

}  // namespace
}  // namespace firn
