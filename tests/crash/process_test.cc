// A Db on disk belongs to one process: not to a second one, not to a forked child.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

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

class ProcessTest : public ::testing::Test {
 protected:
  std::string path() const { return root_ + "/db"; }

  const test::TempDirectory directory_;
  const std::string& root_ = directory_.path();
};

TEST_F(ProcessTest, AForkedChildCanDoNothingWithItsParentsDb) {
  std::unique_ptr<Db> db = ValueOf(Db::Open({}, path()));
  ASSERT_TRUE(IsOk(db->Put("a", "1")));
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = KindOf(db->Put("b", "2").status()) == ErrorKind::kForked &&
                         KindOf(db->GetSnapshot().status()) == ErrorKind::kForked &&
                         KindOf(db->Close()) == ErrorKind::kForked;
    db.reset();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  // The parent still has its lock, and its files are whole.
  EXPECT_TRUE(FailsWith(Db::Open({}, path()).status(), ErrorKind::kLocked));
  ASSERT_TRUE(IsOk(db->Put("c", "3")));
  ASSERT_TRUE(IsOk(db->Close()));
  db = ValueOf(Db::Open({}, path()));
  EXPECT_EQ(ValueOf(db->Get("a")), "1");
  EXPECT_EQ(ValueOf(db->Get("b")), std::nullopt);
  EXPECT_EQ(ValueOf(db->Get("c")), "3");
}

TEST_F(ProcessTest, ASecondOpenerIsTurnedAwayByWhateverName) {
  const std::unique_ptr<Db> db = ValueOf(Db::Open({}, path()));
  fs::create_directory_symlink(path(), root_ + "/link");
  for (const std::string& name : {path(), path() + "/", root_ + "/link", root_ + "/db/../db",
                                  fs::relative(path()).string()}) {
    const absl::Status status = Db::Open({}, name).status();
    EXPECT_TRUE(FailsWith(status, ErrorKind::kLocked)) << name;
    Options reader;
    reader.read_only = true;
    EXPECT_TRUE(FailsWith(Db::Open(reader, name).status(), ErrorKind::kLocked)) << name;
  }
  EXPECT_TRUE(FailsWith(Db::Destroy(path()), ErrorKind::kLocked));
  EXPECT_TRUE(IsOk(db->Put("a", "1")));
}

TEST_F(ProcessTest, AForeignDirectoryIsLeftAlone) {
  fs::create_directory(path());
  fs::create_directory(path() + "/theirs");
  EXPECT_EQ(Db::Open({}, path()).status().code(), absl::StatusCode::kInvalidArgument);
  Options looking;
  looking.create_if_missing = false;
  EXPECT_EQ(Db::Open(looking, path()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Db::Destroy(path()).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::distance(fs::directory_iterator(path()), fs::directory_iterator()), 1);
}

TEST_F(ProcessTest, DestroyLeavesNothing) {
  ASSERT_TRUE(IsOk(ValueOf(Db::Open({}, path()))->Put("a", "1")));
  ASSERT_TRUE(IsOk(Db::Destroy(path())));
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_EQ(Db::Destroy(path()).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace firn
