#include "bench/compare.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bench/check.h"
#include "bench/engines.h"
#include "bench/paired.h"
#include "bench/report.h"

namespace firn::bench {
namespace {

using Json = nlohmann::json;

const Json* RowNamed(const Json& run, const std::string& name) {
  for (const Json& row : run.at("rows")) {
    if (row.at("name") == name) return &row;
  }
  return nullptr;
}

// The medians of a series in each run; none if one lacks it.
std::vector<double> Medians(std::span<const Json> runs, const std::string& row_name,
                            const std::string& series) {
  std::vector<double> medians;
  for (const Json& run : runs) {
    const Json* const row = RowNamed(run, row_name);
    if (row == nullptr || !row->at("measured").contains(series)) return {};
    medians.push_back(row->at("measured").at(series).at("median").get<double>());
  }
  return medians;
}

// Peers go by their name and what they did: "lmdb reverse".
bool IsControl(std::string_view series) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> found = {"rocksdb", "bare", "fdatasync"};
    for (const EngineKind& peer : PeerKinds()) found.push_back(peer.name);
    return found;
  }();
  return std::any_of(names.begin(), names.end(),
                     [series](const std::string& name) { return series.starts_with(name); });
}

// What the engines that did not change did in this row: the machine's doing.
std::string ControlText(const std::vector<ComparedSeries>& compared, const std::string& row) {
  std::vector<double> ratios;
  for (const ComparedSeries& series : compared) {
    if (series.row == row && series.is_control) {
      ratios.insert(ratios.end(), series.ratios.begin(), series.ratios.end());
    }
  }
  return ratios.empty() ? "-" : SpreadText(ratios, "x");
}

void PrintLine(std::ostream& out, const std::string& row, const std::string& series,
               const std::string& base, const std::string& now, const std::string& ratio,
               const std::string& control) {
  char line[400];
  std::snprintf(line, sizeof(line), "%-24s %-18s %12s %12s  %-24s %s\n", row.c_str(),
                series.c_str(), base.c_str(), now.c_str(), ratio.c_str(), control.c_str());
  out << line;
}

}  // namespace

std::vector<ComparedSeries> Compare(std::span<const Json> base, std::span<const Json> now) {
  if (base.empty() || base.size() != now.size()) Fail("a comparison needs runs in pairs");
  std::vector<ComparedSeries> compared;
  for (const Json& row : now.front().at("rows")) {
    const std::string name = row.at("name");
    for (const auto& measured : row.at("measured").items()) {
      const std::string& series = measured.key();
      std::vector<double> before = Medians(base, name, series);
      std::vector<double> after = Medians(now, name, series);
      if (before.empty() || after.empty()) continue;
      std::vector<double> ratios;
      for (size_t i = 0; i < before.size(); ++i) {
        ratios.push_back(before[i] == after[i] ? 1 : after[i] / before[i]);
      }
      compared.push_back({name, series, row.at("unit"), std::move(before), std::move(after),
                          std::move(ratios), IsControl(series)});
    }
  }
  return compared;
}

void PrintComparison(std::ostream& out, const std::vector<ComparedSeries>& compared) {
  PrintLine(out, "", "", "base", "here", "here / base, paired", "engines that are the same");
  std::string row;
  for (const ComparedSeries& series : compared) {
    if (series.is_control) continue;
    const bool is_new_row = series.row != row;
    row = series.row;
    PrintLine(
        out, is_new_row ? row : "", series.series,
        SpreadText({QuartilesOf(series.base).median}, ""),
        SpreadText({QuartilesOf(series.now).median}, series.unit.empty() ? "" : " ") + series.unit,
        SpreadText(series.ratios, "x"), is_new_row ? ControlText(compared, row) : "");
  }
}

}  // namespace firn::bench
