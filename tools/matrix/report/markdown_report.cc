#include "tools/matrix/report/markdown_report.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/cli/escape.h"
#include "tools/human_format.h"
#include "tools/matrix/report/tally.h"

namespace firn::matrix {
namespace {

using tools::WithCommas;

// Inside a cell of a table.
std::string InTable(std::string_view text) {
  return absl::StrReplaceAll(std::string(text), {{"|", "\\|"}});
}

std::string RowOf(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) absl::StrAppend(&row, " ", cell, " |");
  return row + "\n";
}

std::string HeadOf(const std::vector<std::string>& titles) {
  std::string rule = "|---|";
  for (size_t i = 1; i < titles.size(); ++i) rule += "---:|";
  return RowOf(titles) + rule + "\n";
}

std::string FigureOf(const Tally& tally) {
  const std::string text = FigureText(tally);
  return WorstOf(tally) == Outcome::kFailed ? absl::StrCat("**", text, "**") : text;
}

std::string EnginesTable(const MatrixReport& report) {
  std::string text = HeadOf(
      {"engine", "cells", "held", "failed", "did not hold, not promised", "missing", "time"});
  for (const EngineResults& engine : report.engines) {
    const Tally tally = TallyOf(engine);
    std::vector<std::string> row = {absl::StrCat(InTable(engine.title), " (`", engine.name, "`)"),
                                    WithCommas(tally.cells())};
    for (const Outcome outcome : kOutcomes) row.push_back(WithCommas(tally[outcome]));
    row.push_back(tools::SecondsText(engine.seconds));
    text += RowOf(row);
  }
  return text;
}

std::string TableBy(const MatrixReport& report, size_t dimension) {
  const DimensionText& dimension_text = Dimensions()[dimension];
  std::vector<std::string> titles = {std::string(dimension_text.name), "cells"};
  std::vector<std::vector<Tally>> tallies;
  for (const EngineResults& engine : report.engines) {
    titles.push_back(engine.name);
    tallies.push_back(TalliesBy(engine, dimension));
  }
  std::string text = HeadOf(titles);
  for (const size_t value : ValuesIn(report.engines.front(), dimension)) {
    std::vector<std::string> row = {std::string(dimension_text.values[value].name),
                                    WithCommas(tallies.front()[value].cells())};
    for (const std::vector<Tally>& engine : tallies) row.push_back(FigureOf(engine[value]));
    text += RowOf(row);
  }
  return text;
}

// The first cell of the engine that did not hold.
std::string ExampleOf(const MatrixReport& report, const EngineResults& engine) {
  const auto found =
      std::find_if(engine.cells.begin(), engine.cells.end(), [](const CellResult& result) {
        return result.outcome == Outcome::kFailed || result.outcome == Outcome::kBroke;
      });
  if (found == engine.cells.end()) return "";
  return absl::StrCat("**", engine.title, "**, `", Name(found->cell), "`: ", Scenario(found->cell),
                      "\n```\nseen:  ", tools::Escaped(found->finding),
                      "\nagain: ", RerunCommand(report, engine, found->cell), "\n```\n\n");
}

}  // namespace

std::string MarkdownReport(const MatrixReport& report) {
  std::string text = absl::StrCat(
      "# The snapshot-consistency matrix: engines compared\n\nMade by\n```\n", report.command,
      "\n```\non ", report.made_at, " with ", tools::CountText(report.cores, "core"), ", Firn ",
      report.version,
      ". What a cell asks is told in [snapshot-contract.md](snapshot-contract.md).\n\n",
      EnginesTable(report),
      "\nBelow: how many cells held; `n!` failed; `n~` did not hold, and the engine does not "
      "promise it; `-` the engine has no such operation.\n");
  for (const size_t dimension :
       {kChangeDimension, kMomentDimension, kReaderDimension, kLayoutDimension}) {
    absl::StrAppend(&text, "\n## By ", std::string(Dimensions()[dimension].name), "\n",
                    TableBy(report, dimension));
  }
  std::string examples;
  for (const EngineResults& engine : report.engines) examples += ExampleOf(report, engine);
  if (!examples.empty()) {
    absl::StrAppend(&text,
                    "\n## What was seen\nThe first cell of each engine that did not hold.\n\n",
                    examples);
  }
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace firn::matrix
