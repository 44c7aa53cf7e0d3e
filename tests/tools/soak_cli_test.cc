// `firn matrix --soak` as its users meet it, and how a run that found something is shown.
#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/tools/cli_fixture.h"
#include "tools/history/soak_report.h"

namespace firn::tools {
namespace {

using ::testing::HasSubstr;

class SoakCliTest : public CliTest {};

TEST_F(SoakCliTest, FindsNothingInMemory) {
  const Outcome outcome = Run("matrix --soak --operations 3000 --threads 4");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("4 threads, in memory, seed 1, 1 phase"));
  EXPECT_THAT(outcome.out, HasSubstr("Every call saw what it must have seen.\n"));
}

TEST_F(SoakCliTest, FindsNothingOnDiskAndLeavesNothing) {
  const Outcome outcome =
      Run("matrix --soak --operations 2000 --on-disk --directory . --seed 7 --json");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json report = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(report["on_disk"], true);
  EXPECT_EQ(report["seed"], 7);
  EXPECT_EQ(report["anomaly_count"], 0);
  EXPECT_GE(report["operations"], 2000);
  EXPECT_GT(report["calls"]["CompareAndSwap"], 0);
  for (const auto& entry : std::filesystem::directory_iterator(root_)) {
    EXPECT_FALSE(entry.is_directory()) << entry.path();
  }
}

TEST_F(SoakCliTest, FlagsOfCellsAndOfSoaksDoNotMix) {
  EXPECT_EQ(Run("matrix --soak --engine firn-memory").code, 2);
  EXPECT_EQ(Run("matrix --operations 100").code, 2);
  EXPECT_EQ(Run("matrix --soak --threads 0").code, 2);
}

TEST(SoakReport, ShowsWhatWasFound) {
  history::SoakReport report;
  report.anomaly_count = 1'002;
  report.anomalies = {{history::AnomalyKind::kTornBatch, "torn batch: client 1"},
                      {history::AnomalyKind::kStaleRead, "stale read: client 2"}};
  const std::string text = history::SoakText(report, /*in_colour=*/false);
  EXPECT_THAT(text, HasSubstr("\ntorn batch: client 1\nstale read: client 2\nand 1,000 more\n"));
  const auto json = history::SoakJson(report);
  EXPECT_EQ(json["anomaly_count"], 1'002);
  EXPECT_EQ(json["anomalies"][0]["kind"], "torn batch");
}

}  // namespace
}  // namespace firn::tools
