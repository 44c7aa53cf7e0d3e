// A disk that is full, or fails once: nothing more is acknowledged, reads go on, and what was
// acknowledged is there after a resume or a reopen.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "engine/rocksdb_mapped_log.h"
#include "firn/firn.h"
#include "gtest/gtest.h"
#include "rocksdb/file_system.h"
#include "tests/crash/child_process.h"
#include "tests/crash/damaged_files.h"
#include "tests/crash/ledger.h"
#include "tests/crash/seamed_opener.h"
#include "tests/support/random.h"
#include "tests/support/rocksdb_faults.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

namespace fs = std::filesystem;

class FailingDiskTest : public ::testing::Test {
 protected:
  const TempDirectory directory_;
  const std::string& root_ = directory_.path();
};

// What is wrong with the Db while its store has failed, or nothing.
std::string CheckFailed(Db& db, const Ledger& ledger, const absl::Status& failure) {
  if (KindOf(failure) == ErrorKind::kNone) return "no failure";
  const absl::StatusOr<CommitTs> refused = db.Put("refused", "1");
  if (refused.ok()) return "acknowledged after a failure: " + failure.ToString();
  const absl::StatusOr<std::optional<std::string>> read = db.Get("refused");
  if (!read.ok()) return "cannot read: " + read.status().ToString();
  if (read->has_value()) return "shows what it refused";
  return Judge({}, ledger, Durability::kBuffered, StateOf(db));
}

// Fills up a disk of 8 MiB, makes room, resumes, reopens. What is wrong, or nothing.
std::string FillDisk(const std::string& disk, uint64_t seed) {
  Random random(seed);
  Ledger ledger;
  const std::string filler = disk + "/filler";
  const uint64_t filler_bytes = random.Between(5 << 20, 7 << 20);
  std::ofstream(filler, std::ios::binary) << std::string(filler_bytes, 'x');
  Options options;
  options.durability = random.OneIn(2) ? Durability::kBuffered : Durability::kSync;
  absl::StatusOr<std::unique_ptr<Db>> opened = Db::Open(options, disk + "/db");
  if (!opened.ok()) return "cannot open: " + opened.status().ToString();
  std::unique_ptr<Db> db = *std::move(opened);
  absl::Status failure;
  for (uint64_t round = 0; failure.ok(); ++round) {
    if (round > 1000) return "the disk never was full";
    failure = WriteAtRandom(*db, ledger, {.level = options.durability, .operation_count = 50},
                            Random(random.Next()));
    // It may be a flush that finds the disk full. In the end there are none: each frees the log.
    if (failure.ok() && round < 300 && random.OneIn(200)) failure = db->Flush();
  }
  if (failure.code() != absl::StatusCode::kResourceExhausted)
    return "typed as " + failure.ToString();
  if (std::string wrong = CheckFailed(*db, ledger, failure); !wrong.empty()) return wrong;
  const absl::Status too_early = db->Resume();
  fs::remove(filler);
  if (absl::Status status = db->Resume(); !status.ok())
    return "cannot resume: " + status.ToString();
  // A resume says that what failed is not there and never will be.
  if (std::string wrong = Judge({}, ledger, Durability::kBuffered, StateOf(*db)); !wrong.empty()) {
    return "resumed: " + wrong;
  }
  const absl::Status after =
      WriteAtRandom(*db, ledger, {.writer = 1, .level = options.durability, .operation_count = 50},
                    Random(random.Next()));
  if (!after.ok()) return "cannot write after the resume: " + after.ToString();
  if (absl::Status status = db->Close(); !status.ok()) return "cannot close: " + status.ToString();
  opened = Db::Open(options, disk + "/db");
  if (!opened.ok()) return "cannot open again: " + opened.status().ToString();
  return Judge({}, ledger, Durability::kBuffered, StateOf(**opened));
}

// A mount of its own process, which goes with it.
bool MountSmallDisk(const std::string& path) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", path.c_str(), "tmpfs", 0, "size=8m") == 0;
}

TEST_F(FailingDiskTest, FullDisk) {
  const uint64_t trials = NumberFromEnv("FIRN_FULL_DISK_TRIALS", 10);
  Random random(PrintedSeed());
  for (uint64_t trial = 0; trial < trials; ++trial) {
    const uint64_t seed = random.Next();
    const std::string wrong = InChild([&]() -> std::string {
      return MountSmallDisk(root_) ? FillDisk(root_, seed) : "no mount";
    });
    if (wrong == "no mount") GTEST_SKIP() << "mounting a small disk is root's";
    ASSERT_EQ(wrong, "") << "trial " << trial;
  }
}

// Fails the `nth` operation on the disk in a life of 200 operations. What is wrong, or nothing.
std::string FailOnce(const std::string& path, uint64_t seed, uint64_t nth, Lie lie, bool* struck) {
  Ledger ledger;
  const auto files = std::make_shared<FaultyFileSystem>(internal::FilesWithMappedLogs());
  SeamedOpener opener({.file_system = files}, lie);
  Options options;
  options.store_opener = &opener;
  files->FailOperation(nth, /*disk_full=*/false);
  absl::StatusOr<std::unique_ptr<Db>> opened = Db::Open(options, path);
  absl::Status failure = opened.status();
  bool in_compaction = false;
  for (uint64_t round = 0; opened.ok() && failure.ok() && round < 4; ++round) {
    failure = WriteAtRandom(**opened, ledger,
                            {.level = options.durability, .raise = true, .operation_count = 50},
                            Random(seed + round));
    if (failure.ok()) failure = (*opened)->Flush();
    if (failure.ok() && round == 2) {
      failure = (*opened)->Compact();
      in_compaction = !failure.ok();
    }
  }
  *struck = files->FaultStruck();
  if (!failure.ok() && (KindOf(failure) == ErrorKind::kNone || failure.message().size() < 20)) {
    return "no reason: " + failure.ToString();
  }
  if (opened.ok()) {
    // A compaction may fail alone; nothing depends on it.
    if (!failure.ok() && !in_compaction) {
      if (std::string wrong = CheckFailed(**opened, ledger, failure); !wrong.empty()) return wrong;
    }
    (*opened)->Close().IgnoreError();
    opened->reset();
  }
  files->Heal();
  opened = Db::Open(options, path);
  if (!opened.ok()) return "cannot open again: " + opened.status().ToString();
  return Judge({}, ledger, Durability::kBuffered, StateOf(**opened));
}

std::string FailEvery(const std::string& root, uint64_t seed, uint64_t step, Lie lie,
                      uint64_t* last) {
  for (uint64_t nth = 1;; nth += step) {
    const std::string path = root + "/" + std::to_string(nth);
    bool struck = false;
    const std::string wrong = FailOnce(path, seed, nth, lie, &struck);
    if (!wrong.empty()) return "operation " + std::to_string(nth) + ": " + wrong;
    fs::remove_all(path);
    *last = nth;
    if (!struck) return "";
  }
}

// FIRN_FAILING_STEP=n: every nth of them.
TEST_F(FailingDiskTest, EveryOperationFailsOnce) {
  const uint64_t scripts = NumberFromEnv("FIRN_FAILING_SCRIPTS", 1);
  Random random(PrintedSeed());
  for (uint64_t script = 0; script < scripts; ++script) {
    const uint64_t seed = random.Next();
    const std::string text = InChild([&] {
      uint64_t last = 0;
      const std::string wrong =
          FailEvery(root_, seed, NumberFromEnv("FIRN_FAILING_STEP", 1), Lie::kNone, &last);
      return wrong.empty() ? "passed after " + std::to_string(last) : wrong;
    });
    std::printf("%s operations on the disk\n", text.c_str());
    ASSERT_TRUE(text.starts_with("passed after ")) << text;
    EXPECT_GT(std::stoul(text.substr(13)), 200u);
  }
}

// Opens the Db in `path`, whose `nth` operation on the disk fails. "struck" if it came to that.
std::string OpenOnFailingDisk(const std::string& path, uint64_t nth) {
  const auto files = std::make_shared<FaultyFileSystem>(internal::FilesWithMappedLogs());
  SeamedOpener opener({.file_system = files, .boot_id = "boot 1"});
  Options options;
  options.store_opener = &opener;
  files->FailOperation(nth, /*disk_full=*/false);
  const absl::Status opened = Db::Open(options, path).status();
  return files->FaultStruck() ? "struck" : opened.ToString();
}

// The open that follows a kill in the middle of a write, cut short at each of its operations: the
// next one finds the torn log again, beside what the first has made of it.
TEST_F(FailingDiskTest, EveryOperationOfAnOpenOverATornLogFailsOnce) {
  const std::string original = root_ + "/original";
  const std::string copy = root_ + "/copy";
  const DiskHistory history = BuildAndAbandon(original, PrintedSeed());
  for (const bool only_torn : {false, true}) {
    if (only_torn) {  // All else is in files.
      ASSERT_EQ(InChild([&] { return Db::Open({}, original).value()->Close().ToString(); }), "OK");
    }
    const std::string log = NewestFile(original, ".log");
    WriteFile(log, ReadFile(log) + std::string(100, 'x'));
    uint64_t nth = 0;
    std::string end = "struck";
    while (end == "struck") {
      fs::remove_all(copy);
      fs::copy(original, copy, fs::copy_options::recursive);
      end = InChild([&, nth = ++nth] { return OpenOnFailingDisk(copy, nth); });
      const OpenVerdict verdict = OpenAndJudge(copy, history, Boot::kSame);
      ASSERT_EQ(verdict.kind, OpenVerdict::Kind::kOpened)
          << "operation " << nth << ": " << verdict.text;
      ASSERT_EQ(NewestFile(copy, ".dbtmp"), "") << "operation " << nth;
    }
    EXPECT_EQ(end, "OK");
    EXPECT_GT(nth, 10u);
  }
}

TEST_F(FailingDiskTest, AHiddenFailureIsFound) {
  const uint64_t seed = PrintedSeed();
  const std::string wrong = InChild([&] {
    uint64_t last = 0;
    return FailEvery(root_, seed, 7, Lie::kHideFailure, &last);
  });
  EXPECT_TRUE(wrong.starts_with("operation ")) << wrong;
}

}  // namespace
}  // namespace firn::test
