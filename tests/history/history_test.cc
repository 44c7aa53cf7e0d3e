// Recorded histories of many threads, judged call by call, while leaves freeze, split and merge,
// versions are pruned, and delays open the windows between the steps of the protocols.
//
//   FIRN_HISTORY_OPERATIONS=n   calls a run in memory (default 200,000; 20,000 under
//                               ThreadSanitizer); a run on disk has a fifth
//   FIRN_SEED=n                 the seed of all random choices; threads still race
#include <cstdint>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/delay_injector.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"
#include "tools/history/soak.h"

namespace firn {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr uint64_t kDefaultOperations = 20'000;
#else
constexpr uint64_t kDefaultOperations = 200'000;
#endif

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() : seed_(test::PrintedSeed()), delays_(seed_) {}

  void ExpectSound(size_t threads, uint64_t operations, const std::string& directory = {}) {
    history::SoakOptions options;
    options.operations = operations;
    options.threads = threads;
    options.seed = seed_;
    options.directory = directory;
    options.phase_operations = operations / 4;
    const history::SoakReport report =
        test::ValueOf(history::RunSoak(options, [](const history::SoakReport&) { return true; }));
    for (const history::Anomaly& anomaly : report.anomalies) ADD_FAILURE() << anomaly.text;
    EXPECT_EQ(report.anomaly_count, 0u);
    EXPECT_GE(report.operations, operations);
    EXPECT_EQ(report.reopens, directory.empty() ? 0u : report.phases - 1);
    EXPECT_GT(report.freezes, 0u);
    EXPECT_GT(report.splits, 0u);
    EXPECT_GT(report.merges, 0u);
    EXPECT_GT(report.pruned_versions, 0u);
    std::printf("%llu calls, %llu commits, %llu sightings; %.1f s, checked in %.1f s\n",
                static_cast<unsigned long long>(report.operations),
                static_cast<unsigned long long>(report.commits),
                static_cast<unsigned long long>(report.sightings), report.run_seconds,
                report.check_seconds);
  }

  const uint64_t operations_ = test::NumberFromEnv("FIRN_HISTORY_OPERATIONS", kDefaultOperations);
  const uint64_t seed_;
  test::DelayInjector delays_;
};

TEST_F(HistoryTest, FourThreadsInMemory) { ExpectSound(4, operations_); }

TEST_F(HistoryTest, ThirtyTwoThreadsInMemory) { ExpectSound(32, operations_); }

#ifndef __SANITIZE_THREAD__  // On the packaged RocksDB, which it does not see through.
TEST_F(HistoryTest, EightThreadsOnDiskReopened) {
  const test::TempDirectory directory;
  ExpectSound(8, operations_ / 5, directory.path() + "/db");
}
#endif

}  // namespace
}  // namespace firn
