#include "tools/matrix/report/tally.h"

#include "absl/strings/str_cat.h"
#include "tools/human_format.h"

namespace firn::matrix {

Tally& Tally::operator+=(const Tally& other) {
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  return *this;
}

Outcome WorstOf(const Tally& tally) {
  for (const Outcome outcome : {Outcome::kFailed, Outcome::kBroke, Outcome::kHeld}) {
    if (tally[outcome] > 0) return outcome;
  }
  return Outcome::kMissing;
}

std::string FigureText(const Tally& tally, FigureDetail detail) {
  if (tally.cells() == 0) return "";
  if (tally.ran() == 0) return "-";
  std::string text;
  const auto add = [&text](size_t count, const char* mark) {
    absl::StrAppend(&text, text.empty() ? "" : " ", tools::WithCommas(count), mark);
  };
  const bool all_held = WorstOf(tally) == Outcome::kHeld;
  if (all_held || detail == FigureDetail::kAll) add(tally[Outcome::kHeld], "");
  if (tally[Outcome::kFailed] > 0) add(tally[Outcome::kFailed], "!");
  if (tally[Outcome::kBroke] > 0) add(tally[Outcome::kBroke], "~");
  return text;
}

Tally TallyOf(const EngineResults& results) {
  Tally tally;
  for (const CellResult& result : results.cells) tally.Add(result.outcome);
  return tally;
}

Tally TallyOf(const std::vector<EngineResults>& engines) {
  Tally sum;
  for (const EngineResults& engine : engines) sum += TallyOf(engine);
  return sum;
}

std::vector<Tally> TalliesBy(const EngineResults& results, size_t dimension) {
  std::vector<Tally> tallies(Dimensions()[dimension].values.size());
  for (const CellResult& result : results.cells) {
    tallies[result.cell.coordinates()[dimension]].Add(result.outcome);
  }
  return tallies;
}

std::vector<std::vector<Tally>> TalliesBy(const EngineResults& results, size_t row_dimension,
                                          size_t column_dimension) {
  std::vector<std::vector<Tally>> tallies(
      Dimensions()[row_dimension].values.size(),
      std::vector<Tally>(Dimensions()[column_dimension].values.size()));
  for (const CellResult& result : results.cells) {
    const auto at = result.cell.coordinates();
    tallies[at[row_dimension]][at[column_dimension]].Add(result.outcome);
  }
  return tallies;
}

std::vector<size_t> ValuesIn(const EngineResults& results, size_t dimension) {
  const std::vector<Tally> tallies = TalliesBy(results, dimension);
  std::vector<size_t> values;
  for (size_t i = 0; i < tallies.size(); ++i) {
    if (tallies[i].cells() > 0) values.push_back(i);
  }
  return values;
}

}  // namespace firn::matrix
