#include "tools/matrix/report/text_report.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/cli/escape.h"
#include "tools/human_format.h"
#include "tools/matrix/report/tally.h"
#include "tools/text_table.h"

namespace firn::matrix {
namespace {

using tools::TextTable;
using tools::WithCommas;

constexpr size_t kFailuresShown = 5;

TextTable::Cell FigureOf(const Tally& tally, FigureDetail detail) {
  static constexpr TextTable::Mark kMarks[] = {TextTable::Mark::kGood, TextTable::Mark::kBad,
                                               TextTable::Mark::kOdd, TextTable::Mark::kFaint};
  return {FigureText(tally, detail), kMarks[static_cast<size_t>(WorstOf(tally))]};
}

// Titles of several lines: each name is broken at its hyphens, and stands on the lowest lines.
void AddTitles(TextTable& table, const std::string& first,
               const std::vector<std::string_view>& names) {
  std::vector<std::vector<std::string>> columns = {{first}};
  size_t height = 1;
  for (const std::string_view name : names) {
    columns.push_back(absl::StrSplit(std::string(name), '-'));
    height = std::max(height, columns.back().size());
  }
  for (size_t row = 0; row < height; ++row) {
    std::vector<std::string> titles;
    for (const std::vector<std::string>& column : columns) {
      const size_t empty = height - column.size();
      titles.push_back(row < empty ? "" : column[row - empty]);
    }
    table.AddSection(std::move(titles));
  }
}

std::string_view ValueName(size_t dimension, size_t value) {
  return Dimensions()[dimension].values[value].name;
}

TextTable EngineTable(const EngineResults& engine, FigureDetail detail) {
  const std::vector<std::vector<Tally>> grid =
      TalliesBy(engine, kChangeDimension, kMomentDimension);
  const std::vector<Tally> totals = TalliesBy(engine, kChangeDimension);
  const std::vector<size_t> moments = ValuesIn(engine, kMomentDimension);
  TextTable table;
  std::vector<std::string_view> titles;
  for (const size_t moment : moments) titles.push_back(ValueName(kMomentDimension, moment));
  if (detail == FigureDetail::kAll) titles.emplace_back("cells");
  AddTitles(table, "change", titles);
  for (const size_t change : ValuesIn(engine, kChangeDimension)) {
    std::vector<TextTable::Cell> row = {{std::string(ValueName(kChangeDimension, change))}};
    for (const size_t moment : moments) row.push_back(FigureOf(grid[change][moment], detail));
    if (detail == FigureDetail::kAll) row.push_back({WithCommas(totals[change].cells())});
    table.AddMarkedRow(std::move(row));
  }
  return table;
}

// How many cells each change has, and what the engines made of them.
TextTable ComparisonTable(const MatrixReport& report, FigureDetail detail) {
  TextTable table;
  std::vector<std::string_view> titles;
  if (detail == FigureDetail::kAll) titles.emplace_back("cells");
  std::vector<std::vector<Tally>> tallies;
  for (const EngineResults& engine : report.engines) {
    titles.emplace_back(engine.name);
    tallies.push_back(TalliesBy(engine, kChangeDimension));
    tallies.back().push_back(TallyOf(engine));  // Behind the last change.
  }
  AddTitles(table, "change", titles);
  const auto add_row = [&](std::string_view name, size_t index) {
    std::vector<TextTable::Cell> row = {{std::string(name)}};
    if (detail == FigureDetail::kAll) row.push_back({WithCommas(tallies.front()[index].cells())});
    for (const std::vector<Tally>& engine : tallies) row.push_back(FigureOf(engine[index], detail));
    table.AddMarkedRow(std::move(row));
  };
  for (const size_t change : ValuesIn(report.engines.front(), kChangeDimension)) {
    add_row(ValueName(kChangeDimension, change), change);
  }
  add_row("all", tallies.front().size() - 1);
  return table;
}

template <class MakeTable>
std::string Fitting(const TextOptions& options, const MakeTable& make) {
  const TextTable table = make(FigureDetail::kAll);
  return (table.Width() <= options.columns ? table : make(FigureDetail::kOddOnly))
      .Render(options.in_colour);
}

// Broken at blanks where the terminal ends; the other lines are indented like the first.
std::string Wrapped(const std::string& text, const TextOptions& options) {
  const std::string indent(text.find_first_not_of(' '), ' ');
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  std::string wrapped, line = indent + words.front();
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    if (line.size() + 1 + word->size() <= options.columns) {
      absl::StrAppend(&line, " ", *word);
      continue;
    }
    absl::StrAppend(&wrapped, line, "\n");
    line = indent + *word;
  }
  return absl::StrCat(wrapped, line, "\n");
}

// The command stands on one line, to be copied.
std::string CellText(const MatrixReport& report, const EngineResults& engine,
                     const CellResult& result, const TextOptions& options) {
  return absl::StrCat("  ", Name(result.cell), "\n",
                      Wrapped("    " + Scenario(result.cell), options),
                      Wrapped("    Seen: " + tools::Escaped(result.finding), options),
                      "    Again: ", RerunCommand(report, engine, result.cell), "\n");
}

std::string Bold(std::string_view text, const TextOptions& options) {
  std::string line(text);
  return options.in_colour ? "\033[1m" + line + "\033[0m" : line;
}

// Every cell that failed, up to a limit; of those that nobody promised one, as an example.
std::string FindingsText(const MatrixReport& report, const EngineResults& engine,
                         const TextOptions& options) {
  std::string text;
  const auto add = [&](Outcome outcome, size_t limit, const std::string& title) {
    size_t count = 0;
    for (const CellResult& result : engine.cells) {
      if (result.outcome != outcome || ++count > limit) continue;
      if (count == 1) absl::StrAppend(&text, "\n", Bold(title, options), "\n");
      text += CellText(report, engine, result, options);
    }
    return count - std::min(count, limit);
  };
  if (const size_t left = add(Outcome::kFailed, kFailuresShown, "FAILED"); left > 0) {
    absl::StrAppend(&text, "  ... and ", tools::CountText(left, "cell"),
                    " more; --json, --junit and --html list every one.\n");
  }
  add(Outcome::kBroke, 1, "Not promised, and did not hold; for example");
  return text;
}

std::string EngineText(const MatrixReport& report, const EngineResults& engine,
                       const TextOptions& options) {
  return absl::StrCat(
      Bold(engine.title + " (" + engine.name + ")", options), "\n",
      Fitting(options, [&engine](FigureDetail detail) { return EngineTable(engine, detail); }),
      Wrapped(absl::StrCat(CountsSentence(engine), " ", tools::SecondsText(engine.seconds), "."),
              options),
      FindingsText(report, engine, options), "\n");
}

std::string Legend(const MatrixReport& report) {
  const Tally sum = TallyOf(report.engines);
  std::string text = "12  held";
  if (sum[Outcome::kFailed] > 0) text += "   3!  failed";
  if (sum[Outcome::kBroke] > 0) text += "   4~  did not hold, not promised";
  if (sum[Outcome::kMissing] > 0) text += "   -  no such operation";
  return text + "\n";
}

std::string Verdict(const MatrixReport& report, const TextOptions& options) {
  const size_t failed = TallyOf(report.engines)[Outcome::kFailed];
  const char* const colour = failed == 0 ? "\033[32m" : "\033[1;31m";
  const std::string text = failed == 0 ? "Every cell that was promised held."
                                       : tools::CountText(failed, "promised cell") + " FAILED.";
  return options.in_colour ? colour + text + "\033[0m\n" : text + "\n";
}

}  // namespace

std::string TextReport(const MatrixReport& report, const TextOptions& options) {
  std::string text;
  for (const EngineResults& engine : report.engines) text += EngineText(report, engine, options);
  if (report.engines.size() > 1) {
    absl::StrAppend(
        &text, Bold("Side by side", options), "\n",
        Fitting(options,
                [&report](FigureDetail detail) { return ComparisonTable(report, detail); }),
        "\n");
  }
  return absl::StrCat(text, Legend(report), "Seed ", report.seed, ". ", Verdict(report, options));
}

}  // namespace firn::matrix
