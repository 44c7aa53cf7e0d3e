// A clock that jumps: timestamps grow all the same, and old snapshots show what they showed.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kDay = 86'400 * kSecond;
constexpr uint64_t kTenYears = 3'653 * kDay;
constexpr uint64_t kStart = 1'800'000'000 * kSecond;

std::map<std::string, std::string> Contents(const Snapshot& snapshot) {
  std::map<std::string, std::string> entries;
  for (auto [key, value] : snapshot.Range("", "z")) entries[std::string(key)] = std::string(value);
  return entries;
}

class ClockTest : public ::testing::Test {
 protected:
  ~ClockTest() override { db_.reset(); }

  void Open(Durability level) {
    Options options;
    options.durability = level;
    options.clock = &clock_;
    db_ = ValueOf(Db::Open(options, root_ + "/db"));
  }
  // Writes something; the commit's timestamp is above all before it.
  void Write(Random& random) {
    for (int i = 0; i < 20; ++i) {
      const CommitTs ts = ValueOf(
          db_->Put("key" + std::to_string(random.Below(30)), std::to_string(random.Next())));
      ASSERT_GT(ts, last_);
      last_ = ts;
      clock_.Advance(random.Below(3));
    }
  }
  // The clock jumps while the Db is open, or while it is closed.
  void Jump(uint64_t to, bool closed, Random& random) {
    const Durability level = random.OneIn(2) ? Durability::kBuffered : Durability::kAsync;
    Open(level);
    ASSERT_NO_FATAL_FAILURE(Write(random));
    std::optional<Snapshot> before = db_->GetSnapshot();
    const auto shown = Contents(*before);
    if (closed) {
      before.reset();
      ASSERT_TRUE(IsOk(db_->Close()));
      clock_.Set(to);
      Open(level);
      EXPECT_EQ(db_->LatestCommitTs(), last_);
      before = db_->GetSnapshot();
    } else {
      clock_.Set(to);
    }
    ASSERT_NO_FATAL_FAILURE(Write(random));
    EXPECT_EQ(Contents(*before), shown);
    EXPECT_GT(db_->LatestCommitTs(), before->ts());
    before.reset();
    ASSERT_TRUE(IsOk(db_->Close()));
  }

  const TempDirectory directory_;
  const std::string& root_ = directory_.path();
  ManualClock clock_{kStart};
  CommitTs last_;
  std::unique_ptr<Db> db_;
};

TEST_F(ClockTest, JumpsADayBackAndTenYearsForward) {
  const uint64_t trials = NumberFromEnv("FIRN_CLOCK_TRIALS", 4);
  Random random(PrintedSeed());
  for (uint64_t trial = 0; trial < trials; ++trial) {
    const uint64_t now = clock_.NowNanos();
    const bool back = trial % 2 == 0;
    SCOPED_TRACE(back ? "a day back" : "ten years forward");
    // A clock that has gone far forward comes back, too.
    const uint64_t to = back ? now - kDay : now > kStart + kTenYears ? kStart : now + kTenYears;
    ASSERT_NO_FATAL_FAILURE(Jump(to, trial % 4 >= 2, random));
  }
}

}  // namespace
}  // namespace firn::test
