#include "engine/table_footer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

namespace fs = std::filesystem;

class TableFooterTest : public ::testing::Test {
 protected:
  TableFooterTest() {
    std::string path = ::testing::TempDir() + "firn-footer-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    root_ = path;
    std::ifstream file(FIRN_SOURCE_DIR "/tests/golden/format-1/000012.sst", std::ios::binary);
    table_.assign(std::istreambuf_iterator<char>(file), {});
  }
  ~TableFooterTest() override { fs::remove_all(root_); }

  absl::Status Check(const std::string& bytes) {
    std::ofstream(root_ + "/000012.sst", std::ios::binary) << bytes;
    return CheckTableFooters(root_);
  }

  std::string root_;
  std::string table_;
};

TEST_F(TableFooterTest, AWrittenTableIsSound) { EXPECT_TRUE(test::IsOk(Check(table_))); }

TEST_F(TableFooterTest, AnyBitOfChecksumTypeAndVersionCounts) {
  const size_t footer = table_.size() - 53;
  for (const size_t at : {footer, footer + 41, footer + 42, footer + 43, footer + 44}) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = table_;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      const absl::Status status = Check(flipped);
      EXPECT_TRUE(test::FailsWith(status, ErrorKind::kDataLoss)) << at << " " << bit;
      EXPECT_NE(status.message().find("000012.sst"), std::string::npos);
    }
  }
}

TEST_F(TableFooterTest, AFileCutShortIsLeftToRocksdb) {
  EXPECT_TRUE(test::IsOk(Check(table_.substr(0, table_.size() / 2))));
  EXPECT_TRUE(test::IsOk(Check("")));
}

}  // namespace
}  // namespace firn::internal
