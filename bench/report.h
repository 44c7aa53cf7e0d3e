// What a run found: one row per bar, as a table and as JSON.
#ifndef FIRN_BENCH_REPORT_H_
#define FIRN_BENCH_REPORT_H_

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "bench/paired.h"

namespace firn::bench {

// One measured thing of one engine, a value per round.
struct Series {
  std::string name;
  std::vector<double> values;
};

// What a row's judged value must be.
struct Bar {
  enum class Kind {
    kAtLeast,
    kAtMost,
    kNone,  // Shown beside the bars, not judged.
  };
  Kind kind = Kind::kNone;
  double limit = 0;

  static Bar AtLeast(double limit) { return {Kind::kAtLeast, limit}; }
  static Bar AtMost(double limit) { return {Kind::kAtMost, limit}; }
  static Bar None() { return {}; }
};

enum class Verdict {
  kMet,
  kMetWithinSpread,  // Short of the bar by less than Firn differs from itself.
  kMissed,
  kShown,
};

struct Row {
  std::string name;         // "scan.forward"
  std::string judged_what;  // "lmdb / firn, time per entry"
  std::string unit;         // Of the measured series: "ns/entry".
  std::vector<Series> measured;
  std::string judged_unit;     // "x" for ratios.
  std::vector<double> judged;  // A value per round; its median is judged.
  std::vector<double> itself;  // Ratios of Firn against itself.
  Bar bar;
  size_t round_count = 0;
  size_t disturbed_rounds = 0;
  std::string note;
};

// "14.1x [13.9..14.6]": the median and, of more than one value, the quartiles.
std::string SpreadText(const std::vector<double>& values, const std::string& unit);

// How far noise alone takes Firn from itself: the farther quartile's distance from 1.
double SpreadOf(const std::vector<double>& itself);
Verdict VerdictOf(const Row& row);

// A ratio of two series, paired by round.
struct PairOf {
  std::string numerator;
  std::string denominator;
};

// A row that is judged by a ratio. `itself`: one engine measured twice in each round.
Row RatioRow(std::string name, std::string judged_what, std::string unit, const Rounds& rounds,
             const std::vector<std::string>& measured, const PairOf& judged, const PairOf& itself,
             Bar bar);

// A row that is judged by the figure named `judged`, compared with itself across rounds.
Row FigureRow(std::string name, std::string judged_what, std::string unit, const Rounds& rounds,
              const std::string& judged, const std::vector<std::string>& measured, Bar bar);

// Machine, build and command: what a figure means nothing without.
struct RunInfo {
  std::string machine;
  std::string kernel;
  std::string compiler;
  std::string build;
  std::string huge_pages;
  std::string command;
  std::string revision;
  std::string entries;  // "1000000 of 16+100 bytes"
  std::string rocksdb;  // Which build of it was loaded; Firn's own is the same.
  std::string leveldb;
};
// What there is to say whatever is measured.
RunInfo DescribeRun(int argc, const char* const* argv, const std::string& revision);

void PrintRunInfo(std::ostream& out, const RunInfo& info);
void PrintHeader(std::ostream& out);
void PrintRow(std::ostream& out, const Row& row);
void PrintSummary(std::ostream& out, const std::vector<Row>& rows);
nlohmann::json ToJson(const RunInfo& info, const std::vector<Row>& rows);

}  // namespace firn::bench

#endif  // FIRN_BENCH_REPORT_H_
