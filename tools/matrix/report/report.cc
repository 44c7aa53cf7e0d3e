#include "tools/matrix/report/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tools/human_format.h"
#include "tools/matrix/report/tally.h"

namespace firn::matrix {
namespace {

constexpr size_t kStormTries = 100;

}  // namespace

bool MatrixReport::ok() const {
  return std::all_of(engines.begin(), engines.end(),
                     [](const EngineResults& engine) { return engine.ok(); });
}

std::string_view OutcomeName(Outcome outcome) {
  static constexpr std::string_view kNames[] = {"held", "failed", "broke", "missing"};
  return kNames[static_cast<size_t>(outcome)];
}

std::string_view OutcomePhrase(Outcome outcome) {
  static constexpr std::string_view kPhrases[] = {"held", "FAILED",
                                                  "did not hold; the engine does not promise it",
                                                  "missing: the engine has no such operation"};
  return kPhrases[static_cast<size_t>(outcome)];
}

std::string RerunFlags(const MatrixReport& report, const Cell& cell) {
  const size_t repeat =
      cell.writer == Writer::kStorm ? std::max(report.repeat, kStormTries) : report.repeat;
  std::string flags = absl::StrCat("--seed ", report.seed);
  if (repeat > 1) absl::StrAppend(&flags, " --repeat ", repeat);
  return report.full ? flags + " --full" : flags;
}

std::string RerunCommand(const MatrixReport& report, const EngineResults& engine,
                         const Cell& cell) {
  return absl::StrCat("firn matrix --engine ", engine.name, " ", RerunFlags(report, cell),
                      " --filter ", Name(cell));
}

std::string CountsSentence(const EngineResults& engine) {
  const Tally tally = TallyOf(engine);
  std::string text = absl::StrCat(tools::CountText(tally.cells(), "cell"), ": ",
                                  tools::WithCommas(tally[Outcome::kHeld]), " held, ",
                                  tools::WithCommas(tally[Outcome::kFailed]), " failed");
  if (const size_t broke = tally[Outcome::kBroke]; broke > 0) {
    absl::StrAppend(&text, ", ", tools::WithCommas(broke),
                    " did not hold where the engine promises nothing");
  }
  if (const size_t missing = tally[Outcome::kMissing]; missing > 0) {
    absl::StrAppend(&text, ", ", tools::WithCommas(missing),
                    " missing (the engine has no such operation)");
  }
  return text + ".";
}

}  // namespace firn::matrix
