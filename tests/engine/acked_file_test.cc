#include "engine/acked_file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using test::IsOk;
using test::ValueOf;

class AckedFileTest : public ::testing::Test {
 protected:
  AckedFileTest() { std::filesystem::remove(path_); }
  ~AckedFileTest() override { std::filesystem::remove(path_); }

  const std::string path_ = ::testing::TempDir() + "acked_file_test";
};

TEST_F(AckedFileTest, RemembersWhatWasPromised) {
  {
    AckedFile file = ValueOf(AckedFile::Open(path_, CommitTs{5}, "this boot"));
    file.RaiseBuffered(CommitTs{9});
    file.RaiseBuffered(CommitTs{8});
    file.RaiseSynced(CommitTs{7});
  }
  const AckedFile::Promise promise = ValueOf(AckedFile::Read(path_));
  EXPECT_EQ(promise.buffered, CommitTs{9}) << "it is never lowered";
  EXPECT_EQ(promise.synced, CommitTs{7});
  EXPECT_EQ(promise.boot_id, "this boot");
}

TEST_F(AckedFileTest, OpeningPromisesWhatWasRecovered) {
  ValueOf(AckedFile::Open(path_, CommitTs{9}, "a long-lived boot")).RaiseBuffered(CommitTs{20});
  ValueOf(AckedFile::Open(path_, CommitTs{12}, "next"));
  const AckedFile::Promise promise = ValueOf(AckedFile::Read(path_));
  EXPECT_EQ(promise.buffered, CommitTs{12});
  EXPECT_EQ(promise.synced, CommitTs{12});
  EXPECT_EQ(promise.boot_id, "next");
}

TEST_F(AckedFileTest, IsWholeFromTheStart) {
  ValueOf(AckedFile::Open(path_, CommitTs{1}, "boot"));
  EXPECT_EQ(std::filesystem::file_size(path_), 4096u);
}

TEST_F(AckedFileTest, DamageIsSeen) {
  EXPECT_TRUE(absl::IsNotFound(AckedFile::Read(path_).status()));
  std::ofstream(path_) << "short";
  EXPECT_TRUE(absl::IsDataLoss(AckedFile::Read(path_).status()));
  std::ofstream(path_) << std::string(4096, 'x');
  EXPECT_TRUE(absl::IsDataLoss(AckedFile::Read(path_).status()));
}

TEST_F(AckedFileTest, ALinkInItsPlaceIsNotFollowed) {
  const std::string target = path_ + "_target";
  std::filesystem::remove(target);
  std::filesystem::create_symlink(target, path_);
  EXPECT_FALSE(AckedFile::Open(path_, CommitTs{1}, "boot").ok());
  EXPECT_FALSE(std::filesystem::exists(target));
}

}  // namespace
}  // namespace firn::internal
