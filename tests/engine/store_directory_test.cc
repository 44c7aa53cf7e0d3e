#include "engine/store_directory.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"

namespace firn::internal {
namespace {

namespace fs = std::filesystem;
using test::FailsWith;
using test::IsOk;
using test::ValueOf;

constexpr auto kExclusive = DirectoryAccess::kExclusive;
constexpr auto kShared = DirectoryAccess::kShared;

class StoreDirectoryTest : public ::testing::Test {
 protected:
  const test::TempDirectory directory_;
  const std::string& root_ = directory_.path();
};

TEST_F(StoreDirectoryTest, MakesADirectoryForItsUserAlone) {
  const StoreDirectory taken = ValueOf(StoreDirectory::Take(root_ + "/db", kExclusive, true));
  EXPECT_EQ(taken.path(), root_ + "/db");
  EXPECT_EQ(fs::status(root_ + "/db").permissions(), fs::perms::owner_all);
}

TEST_F(StoreDirectoryTest, IsTakenOnce) {
  const StoreDirectory taken = ValueOf(StoreDirectory::Take(root_ + "/db", kExclusive, true));
  const absl::Status refused = StoreDirectory::Take(root_ + "/db", kExclusive, true).status();
  EXPECT_TRUE(FailsWith(refused, ErrorKind::kLocked));
  EXPECT_TRUE(absl::StrContains(refused.message(), "this process")) << refused;
  EXPECT_TRUE(
      FailsWith(StoreDirectory::Take(root_ + "/db", kShared, false).status(), ErrorKind::kLocked));
}

TEST_F(StoreDirectoryTest, AnotherNameOfItIsTheSameDirectory) {
  const StoreDirectory taken = ValueOf(StoreDirectory::Take(root_ + "/db", kExclusive, true));
  fs::create_directory_symlink(root_ + "/db", root_ + "/link");
  for (const std::string& name : {root_ + "/link", root_ + "/db/../db"}) {
    EXPECT_TRUE(
        FailsWith(StoreDirectory::Take(name, kExclusive, false).status(), ErrorKind::kLocked));
  }
}

TEST_F(StoreDirectoryTest, ReadersShareIt) {
  ValueOf(StoreDirectory::Take(root_ + "/db", kExclusive, true));
  const StoreDirectory one = ValueOf(StoreDirectory::Take(root_ + "/db", kShared, false));
  const StoreDirectory two = ValueOf(StoreDirectory::Take(root_ + "/db", kShared, false));
  EXPECT_TRUE(FailsWith(StoreDirectory::Take(root_ + "/db", kExclusive, false).status(),
                        ErrorKind::kLocked));
}

TEST_F(StoreDirectoryTest, ReleasedItCanBeTakenAgain) {
  ValueOf(StoreDirectory::Take(root_ + "/db", kExclusive, true)).Release();
  EXPECT_TRUE(IsOk(StoreDirectory::Take(root_ + "/db", kExclusive, true)));
}

TEST_F(StoreDirectoryTest, WithoutLeaveToCreateNothingIsMade) {
  EXPECT_TRUE(absl::IsNotFound(StoreDirectory::Take(root_ + "/db", kExclusive, false).status()));
  EXPECT_TRUE(absl::IsNotFound(StoreDirectory::Take(root_ + "/no/db", kExclusive, true).status()));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(StoreDirectoryTest, ALinkInPlaceOfTheLockIsNotFollowed) {
  fs::create_symlink(root_ + "/target", root_ + "/FIRN_LOCK");
  EXPECT_FALSE(StoreDirectory::Take(root_, kExclusive, true).ok());
  EXPECT_FALSE(fs::exists(root_ + "/target"));
}

}  // namespace
}  // namespace firn::internal
