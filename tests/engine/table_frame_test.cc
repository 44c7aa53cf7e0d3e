#include "engine/table_frame.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"

namespace firn::internal {
namespace {

namespace fs = std::filesystem;

class TableFrameTest : public ::testing::Test {
 protected:
  TableFrameTest() {
    std::ifstream file(FIRN_SOURCE_DIR "/tests/golden/format-1/000012.sst", std::ios::binary);
    table_.assign(std::istreambuf_iterator<char>(file), {});
  }
  absl::Status Check(const std::string& bytes) {
    std::ofstream(root_ + "/000012.sst", std::ios::binary) << bytes;
    return CheckTableFrames(root_);
  }
  absl::Status CheckFlipped(size_t at, int bit) {
    std::string flipped = table_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
    return Check(flipped);
  }

  const test::TempDirectory directory_;
  const std::string& root_ = directory_.path();
  std::string table_;
};

TEST_F(TableFrameTest, AWrittenTableIsSound) { EXPECT_TRUE(test::IsOk(Check(table_))); }

TEST_F(TableFrameTest, AnyBitOfChecksumTypeAndVersionCounts) {
  const size_t footer = table_.size() - 53;
  for (const size_t at : {footer, footer + 41, footer + 42, footer + 43, footer + 44}) {
    for (int bit = 0; bit < 8; ++bit) {
      const absl::Status status = CheckFlipped(at, bit);
      EXPECT_TRUE(test::FailsWith(status, ErrorKind::kDataLoss)) << at << " " << bit;
      EXPECT_NE(status.message().find("000012.sst"), std::string::npos);
    }
  }
}

TEST_F(TableFrameTest, AnyBitOfThePropertiesCounts) {
  // They begin somewhere before the names in them, and go up to the meta index.
  const size_t begin = table_.find("rocksdb.");
  const size_t end = table_.rfind("rocksdb.properties");
  ASSERT_LT(begin, end);
  for (size_t at = begin; at < end; ++at) {
    EXPECT_TRUE(test::FailsWith(CheckFlipped(at, static_cast<int>(at % 8)), ErrorKind::kDataLoss))
        << at;
  }
}

TEST_F(TableFrameTest, AFileCutShortIsLeftToRocksdb) {
  EXPECT_TRUE(test::IsOk(Check(table_.substr(0, table_.size() / 2))));
  EXPECT_TRUE(test::IsOk(Check("")));
}

}  // namespace
}  // namespace firn::internal
