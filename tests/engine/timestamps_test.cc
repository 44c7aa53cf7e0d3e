// Commit timestamps: unique, visible in order, chosen by the clock or by the caller.
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/every_write.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Contents;
using test::FailsWith;
using test::IsOk;
using test::NumberedKey;
using test::ValueOf;

constexpr uint64_t kSecond = 1'000'000'000;

WriteOptions At(uint64_t ts) {
  WriteOptions options;
  options.commit_ts = CommitTs{ts};
  return options;
}

class TimestampsTest : public ::testing::Test {
 protected:
  TimestampsTest() {
    Options options = test::TinyOptions();
    options.clock = &clock_;
    db_ = test::OpenTestDb(options);
  }

  test::ManualClock clock_{1000};
  std::unique_ptr<Db> db_;
};

TEST_F(TimestampsTest, TheClockDecidesAndNeverRepeats) {
  EXPECT_EQ(ValueOf(db_->Put("a", "1")), CommitTs{1000});
  EXPECT_EQ(ValueOf(db_->Put("a", "2")), CommitTs{1001});
  clock_.Set(5000);
  EXPECT_EQ(ValueOf(db_->Put("a", "3")), CommitTs{5000});
  clock_.Set(10);
  EXPECT_EQ(ValueOf(db_->Put("a", "4")), CommitTs{5001});
}

TEST_F(TimestampsTest, ACallerMayChooseUpToASecondAhead) {
  EXPECT_EQ(ValueOf(db_->Put("a", "1", At(7))), CommitTs{7}) << "below now, above the last";
  EXPECT_EQ(ValueOf(db_->Put("a", "2", At(1000 + kSecond))), CommitTs{1000 + kSecond});
  EXPECT_EQ(ValueOf(db_->Put("a", "3")), CommitTs{1001 + kSecond}) << "the clock follows";
  EXPECT_EQ(ValueOf(db_->Put("a", "4", At(1001 + 2 * kSecond))), CommitTs{1001 + 2 * kSecond});
}

TEST_F(TimestampsTest, EveryWriteTakesAGivenTimestamp) {
  uint64_t ts = 2000;
  for (const test::WriteCall& call : test::EveryWrite()) {
    SCOPED_TRACE(call.name);
    EXPECT_TRUE(IsOk(call.run(*db_, std::string("absent for ") + call.name, "1", At(++ts))));
    EXPECT_EQ(db_->LatestCommitTs(), CommitTs{ts});
  }
}

TEST_F(TimestampsTest, EveryWriteRefusesThePastAndTheFarFuture) {
  ValueOf(db_->Put("kept", "1", At(2000)));
  for (const test::WriteCall& call : test::EveryWrite()) {
    SCOPED_TRACE(call.name);
    for (const uint64_t past : {0, 1, 1999, 2000}) {
      EXPECT_TRUE(FailsWith(call.run(*db_, "absent", "1", At(past)), ErrorKind::kTimestampInPast));
    }
    for (const uint64_t future :
         {2001 + kSecond, kMaxCommitTs.value, kMaxCommitTs.value + 1, UINT64_MAX}) {
      EXPECT_TRUE(
          FailsWith(call.run(*db_, "absent", "1", At(future)), ErrorKind::kTimestampInFuture));
    }
  }
  EXPECT_EQ(Contents(*db_), "kept=1");
  EXPECT_EQ(db_->LatestCommitTs(), CommitTs{2000});
  EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
}

TEST_F(TimestampsTest, ARefusedConditionTakesNoTimestamp) {
  ValueOf(db_->Put("a", "1", At(2000)));
  EXPECT_EQ(ValueOf(db_->CompareAndSwap("a", "2", "3", At(2001))), std::nullopt);
  EXPECT_TRUE(ValueOf(db_->LoadOrStore("a", "3", At(2001))).loaded);
  EXPECT_EQ(ValueOf(db_->Put("a", "4", At(2001))), CommitTs{2001});
}

TEST_F(TimestampsTest, AClockAtTheEndOfTimeBreaksNothing) {
  for (const uint64_t mad : {kMaxCommitTs.value + 1, UINT64_MAX}) {
    clock_.Set(mad);
    const absl::StatusOr<CommitTs> committed = db_->Put("a", "1");
    EXPECT_LE(db_->LatestCommitTs(), kMaxCommitTs) << "the top bit is reserved";
    if (committed.ok()) {
      EXPECT_EQ(*committed, db_->LatestCommitTs());
    }
    EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
  }
}

// Whoever can see N can see every commit below N; a call returns once its commit is visible.
TEST(TimestampOrderTest, CommitsBecomeVisibleInOrder) {
  Options options = test::TinyOptions();
  options.background = BackgroundMode::kThread;
  const auto db = test::OpenTestDb(options);
  constexpr int kWriters = 3;
  constexpr int kWrites = 400;
  std::atomic<bool> done = false;
  std::vector<std::vector<CommitTs>> committed(kWriters);
  std::vector<std::thread> writers;
  for (size_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 1; i <= kWrites; ++i) {
        const CommitTs ts = ValueOf(db->Put(NumberedKey(writer), std::to_string(i)));
        EXPECT_GE(db->LatestCommitTs(), ts);
        EXPECT_EQ(ValueOf(db->Get(NumberedKey(writer))), std::to_string(i));
        committed[writer].push_back(ts);
      }
    });
  }
  struct Sighting {
    CommitTs ts;
    std::map<std::string, int> counts;
  };
  std::vector<Sighting> sightings;
  std::thread reader([&] {
    CommitTs last;
    while (!done) {
      const Snapshot snapshot = db->GetSnapshot();
      EXPECT_GE(snapshot.ts(), last) << "time runs forward";
      last = snapshot.ts();
      Sighting sighting{last, {}};
      for (auto [key, value] : snapshot.Range()) {
        sighting.counts[std::string(key)] = std::stoi(std::string(value));
      }
      sightings.push_back(std::move(sighting));
    }
  });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();

  std::set<CommitTs> unique;
  for (const auto& of_writer : committed) {
    EXPECT_TRUE(std::is_sorted(of_writer.begin(), of_writer.end()));
    unique.insert(of_writer.begin(), of_writer.end());
  }
  EXPECT_EQ(unique.size(), size_t{kWriters * kWrites});
  for (const Sighting& sighting : sightings) {
    for (size_t writer = 0; writer < kWriters; ++writer) {
      const auto& of_writer = committed[writer];
      const auto below = std::upper_bound(of_writer.begin(), of_writer.end(), sighting.ts);
      const auto seen = sighting.counts.find(NumberedKey(writer));
      ASSERT_EQ(seen == sighting.counts.end() ? 0 : seen->second, below - of_writer.begin())
          << "at " << sighting.ts;
    }
  }
}

// Threads that race for the same given timestamps: each is given to one commit at most.
TEST(TimestampOrderTest, AGivenTimestampHasOneWinner) {
  const auto db = test::OpenTestDb();
  ValueOf(db->Put("start", "1"));
  constexpr int kRounds = 200;
  std::vector<std::set<CommitTs>> won(3);
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < won.size(); ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        const CommitTs next{db->LatestCommitTs().value + 1};
        const auto committed = db->Put(NumberedKey(thread), "1", At(next.value));
        if (committed.ok()) {
          EXPECT_EQ(*committed, next);
          won[thread].insert(next);
        } else {
          EXPECT_TRUE(FailsWith(committed, ErrorKind::kTimestampInPast));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<CommitTs> all;
  size_t wins = 0;
  for (const std::set<CommitTs>& of_thread : won) {
    wins += of_thread.size();
    all.insert(of_thread.begin(), of_thread.end());
  }
  EXPECT_EQ(all.size(), wins);
  EXPECT_GT(wins, 0u);
  EXPECT_EQ(ValueOf(db->Stats()).commit_count, wins + 1);
}

}  // namespace
}  // namespace firn
