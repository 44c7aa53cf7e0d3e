// Two builds measured in turns, as firn_bars wrote it down: what did the change do?
#ifndef FIRN_BENCH_COMPARE_H_
#define FIRN_BENCH_COMPARE_H_

#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace firn::bench {

// One engine's figure in one row, a value per run of each build. Run i of both are neighbours in
// time, and so a pair.
struct ComparedSeries {
  std::string row;
  std::string series;
  std::string unit;
  std::vector<double> base;
  std::vector<double> now;
  std::vector<double> ratios;  // now / base.
  bool is_control = false;     // An engine that is the same in both builds.
};

// The series that all runs have, in the order of the rows.
// Requires: as many of `now` as of `base`, and at least one.
std::vector<ComparedSeries> Compare(std::span<const nlohmann::json> base,
                                    std::span<const nlohmann::json> now);

// A line for each of Firn's series, beside what the other engines of its row did meanwhile.
void PrintComparison(std::ostream& out, const std::vector<ComparedSeries>& compared);

}  // namespace firn::bench

#endif  // FIRN_BENCH_COMPARE_H_
