// The demo's main job, small enough for every test run.
#include "tools/frozen_scan.h"

#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/frozen_scan_report.h"

namespace firn::tools {
namespace {

class SilentListener : public StepListener {
 public:
  void OnBegin(std::string_view) override {}
  void OnProgress(uint64_t, uint64_t) override {}
  void OnEnd(const Step&) override {}
};

absl::StatusOr<FrozenScanReport> RunOver(size_t package_count,
                                         const FrozenScanOptions& options = {}) {
  SilentListener listener;
  return RunFrozenScan(GeneratePackageIndex(package_count), options, listener);
}

TEST(FrozenScan, EveryCheckPasses) {
  for (const size_t package_count : {32, 33, 500, 3000}) {
    const absl::StatusOr<FrozenScanReport> report = RunOver(package_count);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->Passed()) << package_count << "\n" << ReportText(*report, false);
    EXPECT_EQ(report->frozen_views.size(), 3u);
    EXPECT_EQ(report->live_views.size(), 2u);
  }
}

TEST(FrozenScan, BatchesOfOneAreFine) {
  const absl::StatusOr<FrozenScanReport> report = RunOver(500, {.seed = 3, .batch_size = 1});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->Passed()) << ReportText(*report, false);
}

TEST(FrozenScan, TooFewPackagesAreRefused) {
  EXPECT_EQ(RunOver(31).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(FrozenScanReport, AFailedCheckIsOneClearLine) {
  FrozenScanReport report;
  report.frozen_views.push_back({"forward", {}, false});
  report.checks.push_back({"the sky is blue", false, "it was green"});
  EXPECT_FALSE(report.Passed());
  const std::string text = ReportText(report, false);
  EXPECT_NE(text.find("\nFAILED: the sky is blue: it was green\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("passed"), std::string::npos) << text;
}

TEST(FrozenScanReport, JsonIsOneObjectWhateverNamesHold) {
  FrozenScanReport report;
  report.checks.push_back({"claim", true, "\xff\"\n"});
  const nlohmann::json json = nlohmann::json::parse(ReportJson(report, PackageIndex{}));
  EXPECT_EQ(json.at("passed"), true);
  EXPECT_EQ(json.at("checks").size(), 1u);
}

}  // namespace
}  // namespace firn::tools
