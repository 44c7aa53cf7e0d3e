#include "tools/matrix/report/junit_report.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/matrix/report/markup.h"
#include "tools/matrix/report/tally.h"

namespace firn::matrix {
namespace {

std::string CaseXml(const MatrixReport& report, const EngineResults& engine,
                    const CellResult& result) {
  const std::string name = Name(result.cell);
  const std::string change(
      Dimensions()[kChangeDimension].values[result.cell.coordinates()[0]].name);
  std::string xml = absl::StrCat("    <testcase classname=\"", Markup(engine.name), ".",
                                 Markup(change), "\" name=\"", Markup(name), "\"");
  const std::string finding = Markup(result.finding);
  switch (result.outcome) {
    case Outcome::kHeld:
      return xml + "/>\n";
    case Outcome::kFailed:
      return absl::StrCat(xml, ">\n      <failure message=\"", finding, "\">",
                          Markup(Scenario(result.cell)), "\nSeen: ", finding,
                          "\nAgain: ", Markup(RerunCommand(report, engine, result.cell)),
                          "</failure>\n    </testcase>\n");
    case Outcome::kBroke:
    case Outcome::kMissing:
      break;
  }
  return absl::StrCat(xml, ">\n      <skipped message=\"", Markup(OutcomePhrase(result.outcome)),
                      finding.empty() ? "" : ": ", finding, "\"/>\n    </testcase>\n");
}

std::string CountsXml(const Tally& tally, double seconds) {
  return absl::StrFormat("tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"%.3f\"",
                         tally.cells(), tally[Outcome::kFailed],
                         tally[Outcome::kBroke] + tally[Outcome::kMissing], seconds);
}

}  // namespace

std::string JunitReport(const MatrixReport& report) {
  std::string suites;
  double seconds = 0;
  for (const EngineResults& engine : report.engines) {
    absl::StrAppend(&suites, "  <testsuite name=\"", Markup(engine.name), "\" ",
                    CountsXml(TallyOf(engine), engine.seconds), ">\n");
    for (const CellResult& result : engine.cells) suites += CaseXml(report, engine, result);
    suites += "  </testsuite>\n";
    seconds += engine.seconds;
  }
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"firn matrix\" ",
      CountsXml(TallyOf(report.engines), seconds), ">\n", suites, "</testsuites>\n");
}

}  // namespace firn::matrix
