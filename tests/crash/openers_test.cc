// Who may open a directory: of several openers one, and nobody by way of somebody else's files.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/crash/child_process.h"
#include "tests/crash/damaged_files.h"
#include "tests/support/random.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

std::string OutcomeOf(const absl::Status& status) {
  if (status.ok()) return "open";
  if (KindOf(status) == ErrorKind::kLocked) return "locked";
  return status.ToString();
}

// Names, kinds, modes and contents of everything below `root`, without the Db's own logs.
std::string Listing(const std::string& root) {
  std::vector<std::string> lines;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    struct stat found;
    if (lstat(entry.path().c_str(), &found) != 0) continue;
    std::string line = entry.path().string() + " " + std::to_string(found.st_mode) + " " +
                       std::to_string(found.st_uid);
    if (S_ISREG(found.st_mode)) line += " " + ReadFile(entry.path().string());
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

class OpenersTest : public ::testing::Test {
 protected:
  std::string path() const { return root_ + "/db"; }
  // Makes the Db in path(), with one entry.
  void MakeDb() {
    ASSERT_EQ(InChild([&]() -> std::string {
                auto db = Db::Open({}, path());
                if (!db.ok()) return db.status().ToString();
                if (auto put = (*db)->Put("a", "1"); !put.ok()) return put.status().ToString();
                return (*db)->Close().ToString();
              }),
              "OK");
  }

  const TempDirectory directory_;
  const std::string& root_ = directory_.path();
};

// --- Races -----------------------------------------------------------------------------

class RaceTest : public OpenersTest {
 protected:
  // Two processes open `first` and `second`, which are one directory, at the same moment.
  void Race(const std::string& first, const std::string& second) {
    auto* const ready = static_cast<std::atomic<int>*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const auto opener = [&](const std::string& name) {
      return [ready, name](ChildProcess& parent) {
        ready->fetch_add(1, std::memory_order_seq_cst);
        while (ready->load(std::memory_order_seq_cst) < 2) {
        }
        const auto db = Db::Open({}, name);
        parent.Send(OutcomeOf(db.status()));
        std::string done;
        parent.Receive(&done);
        if (db.ok()) (*db)->Close().IgnoreError();
      };
    };
    {
      ChildProcess one(opener(first));
      ChildProcess two(opener(second));
      std::string outcome_of_one, outcome_of_two;
      ASSERT_TRUE(one.Receive(&outcome_of_one));
      ASSERT_TRUE(two.Receive(&outcome_of_two));
      const std::string both = std::min(outcome_of_one, outcome_of_two) + " and " +
                               std::max(outcome_of_one, outcome_of_two);
      EXPECT_EQ(both, "locked and open");
      one.Send("done");
      two.Send("done");
      one.Wait();
      two.Wait();
    }
    munmap(ready, 4096);
    for (const fs::directory_entry& entry : fs::directory_iterator(root_)) {
      const std::string name = entry.path().filename().string();
      EXPECT_TRUE(name == "db" || name == "link") << "left behind: " << name;
    }
    EXPECT_EQ(InChild([&] { return OutcomeOf(Db::Open({}, first).status()); }), "open");
  }
};

TEST_F(RaceTest, ExactlyOneWins) {
  const uint64_t races = NumberFromEnv("FIRN_RACES", 1);
  fs::current_path(root_);
  fs::create_directory_symlink(path(), root_ + "/link");
  const std::vector<std::pair<std::string, std::string>> names = {
      {path(), path()},
      {path(), root_ + "/link"},
      {path(), "db"},
      {root_ + "/link", "./db/../db"},
  };
  for (uint64_t race = 0; race < races; ++race) {
    for (const auto& [first, second] : names) {
      SCOPED_TRACE(first + " and " + second);
      // There already, but for the first pair: a link to nothing cannot be made a Db of.
      if (first != second) MakeDb();
      ASSERT_NO_FATAL_FAILURE(Race(first, second));
      fs::remove_all(path());
    }
  }
}

// By threads of one process, making the Db and opening one that is there.
TEST_F(RaceTest, OneProcessIsNoExcuse) {
  const uint64_t races = NumberFromEnv("FIRN_RACES", 1);
  for (uint64_t race = 0; race < races; ++race) {
    for (const bool there : {false, true}) {
      if (there) MakeDb();
      EXPECT_EQ(InChild([&] {
                  std::atomic<int> ready{0};
                  std::string outcomes[2];
                  std::unique_ptr<Db> dbs[2];
                  const auto open = [&](int i) {
                    ready.fetch_add(1);
                    while (ready.load() < 2) {
                    }
                    auto db = Db::Open({}, path());
                    outcomes[i] = OutcomeOf(db.status());
                    if (db.ok()) dbs[i] = *std::move(db);
                  };
                  std::thread other([&] { open(1); });
                  open(0);
                  other.join();
                  return std::min(outcomes[0], outcomes[1]) + " and " +
                         std::max(outcomes[0], outcomes[1]);
                }),
                "locked and open");
      fs::remove_all(path());
    }
  }
}

// --- An ordinary user ------------------------------------------------------------------

class OrdinaryUserTest : public OpenersTest {
 protected:
  // The Db cannot be opened by an ordinary user, who is told why and leaves no trace.
  void ExpectRefused(const std::string& name, absl::StatusCode code) {
    const std::string before = Listing(root_);
    const std::string outcome = AsOrdinaryUser(Options{}, name);
    EXPECT_TRUE(outcome.starts_with(absl::StatusCodeToString(code) + ": ")) << outcome;
    EXPECT_NE(outcome.find(root_), std::string::npos) << outcome;
    EXPECT_EQ(Listing(root_), before);
  }
  std::string AsOrdinaryUser(const Options& options, const std::string& name) {
    return InChild([&]() -> std::string {
      if (geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) return "cannot setuid";
      return OutcomeOf(Db::Open(options, name).status());
    });
  }
  void GiveAway(const std::string& name) {
    if (geteuid() == 0) {
      ASSERT_EQ(lchown(name.c_str(), kNobody, kNobody), 0);
    }
  }
  void GiveAwayAll() {
    GiveAway(root_);
    for (const auto& entry : fs::recursive_directory_iterator(root_)) GiveAway(entry.path());
  }
};

TEST_F(OrdinaryUserTest, NeedsAParent) {
  GiveAwayAll();
  ExpectRefused(root_ + "/none/db", absl::StatusCode::kNotFound);
}

TEST_F(OrdinaryUserTest, NeedsToWriteToTheParent) {
  GiveAwayAll();
  chmod(root_.c_str(), 0500);
  ExpectRefused(path(), absl::StatusCode::kPermissionDenied);
  chmod(root_.c_str(), 0700);
}

TEST_F(OrdinaryUserTest, NeedsADirectoryOfItsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can own another's directory";
  MakeDb();
  GiveAway(root_);
  ExpectRefused(path(), absl::StatusCode::kPermissionDenied);
  chmod(path().c_str(), 0755);  // It may look, but the files are root's.
  ExpectRefused(path(), absl::StatusCode::kPermissionDenied);
}

TEST_F(OrdinaryUserTest, NeedsAWritableDirectory) {
  fs::create_directory(path());
  GiveAwayAll();
  chmod(path().c_str(), 0500);
  ExpectRefused(path(), absl::StatusCode::kPermissionDenied);
  chmod(path().c_str(), 0700);
}

TEST_F(OrdinaryUserTest, MayReadWhatItMayNotWrite) {
  MakeDb();
  GiveAwayAll();
  chmod(path().c_str(), 0500);
  const std::string before = Listing(root_);
  Options reader;
  reader.read_only = true;
  EXPECT_EQ(AsOrdinaryUser(reader, path()), "open");
  EXPECT_EQ(Listing(root_), before);
  chmod(path().c_str(), 0700);
}

TEST_F(OrdinaryUserTest, NeedsADirectoryNotAFile) {
  WriteFile(path(), "theirs");
  GiveAwayAll();
  ExpectRefused(path(), absl::StatusCode::kNotFound);
}

// Every name that a Db writes to, as a link to somebody's file, a pipe, a device.
TEST_F(OrdinaryUserTest, WritesThroughNobodysName) {
  WriteFile(root_ + "/precious", "theirs");
  for (const bool there : {false, true}) {
    for (const std::string name :
         {"FIRN_LOCK", "FIRN_ACKED", "FIRN_PROBE", "LOCK", "CURRENT", "IDENTITY", "000004.log"}) {
      for (const int kind : {S_IFLNK, S_IFIFO, S_IFCHR}) {
        if (kind == S_IFCHR && geteuid() != 0) continue;
        SCOPED_TRACE(name + (there ? ", in a Db, kind " : ", kind ") + std::to_string(kind));
        fs::remove_all(path());
        if (there) {
          ASSERT_NO_FATAL_FAILURE(MakeDb());
        } else {
          fs::create_directory(path());
        }
        const std::string taken = path() + "/" + name;
        fs::remove(taken);
        if (kind == S_IFLNK) {
          fs::create_symlink(root_ + "/precious", taken);
        } else {
          ASSERT_EQ(mknod(taken.c_str(), static_cast<mode_t>(kind | 0600), makedev(1, 3)), 0);
        }
        GiveAwayAll();
        // Without a file whose name is ours it is somebody else's directory.
        const bool ours = there || name.starts_with("FIRN_");
        ExpectRefused(path(), ours ? absl::StatusCode::kFailedPrecondition
                                   : absl::StatusCode::kInvalidArgument);
      }
    }
  }
}

}  // namespace
}  // namespace firn::test
