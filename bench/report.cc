#include "bench/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/loaded_library.h"

namespace firn::bench {
namespace {

// More noise than this excuses nothing: the run has to be repeated on a quieter machine.
constexpr double kLargestSpread = 0.15;

// Three to four digits that matter, whatever the size.
std::string NumberText(double number) {
  const double size = std::abs(number);
  const char* const format = size >= 1000  ? "%.0f"
                             : size >= 100 ? "%.1f"
                             : size >= 1   ? "%.2f"
                                           : "%.3f";
  char text[40];
  std::snprintf(text, sizeof(text), format, number);
  return text;
}

std::string BarText(const Row& row) {
  switch (row.bar.kind) {
    case Bar::Kind::kAtLeast:
      return ">= " + NumberText(row.bar.limit) + row.judged_unit;
    case Bar::Kind::kAtMost:
      return "<= " + NumberText(row.bar.limit) + row.judged_unit;
    case Bar::Kind::kNone:
      return "-";
  }
  return "";
}

const char* VerdictText(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMet:
      return "met";
    case Verdict::kMetWithinSpread:
      return "met within spread";
    case Verdict::kMissed:
      return "MISSED";
    case Verdict::kShown:
      return "shown";
  }
  return "";
}

std::vector<Series> SeriesOf(const Rounds& rounds, const std::vector<std::string>& names) {
  std::vector<Series> series;
  for (const std::string& name : names) series.push_back({name, rounds.Figures(name)});
  return series;
}

std::string FirstLineAfter(const char* path, const std::string& start) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(start)) {
      const size_t colon = line.find(':');
      return line.substr(colon == std::string::npos ? 0 : line.find_first_not_of(" \t", colon + 1));
    }
  }
  return "unknown";
}

}  // namespace

std::string SpreadText(const std::vector<double>& values, const std::string& unit) {
  const Quartiles found = QuartilesOf(values);
  std::string text = NumberText(found.median) + unit;
  if (values.size() > 1) {
    text += " [" + NumberText(found.q1) + ".." + NumberText(found.q3) + "]";
  }
  return text;
}

double SpreadOf(const std::vector<double>& itself) {
  if (itself.empty()) return 0;
  const Quartiles found = QuartilesOf(itself);
  return std::max(std::abs(1 - found.q1), std::abs(found.q3 - 1));
}

Verdict VerdictOf(const Row& row) {
  if (row.bar.kind == Bar::Kind::kNone) return Verdict::kShown;
  const double median = QuartilesOf(row.judged).median;
  const double spread = std::min(SpreadOf(row.itself), kLargestSpread);
  const bool at_least = row.bar.kind == Bar::Kind::kAtLeast;
  const double limit = row.bar.limit;
  if (at_least ? median >= limit : median <= limit) return Verdict::kMet;
  if (at_least ? median >= limit * (1 - spread) : median <= limit * (1 + spread)) {
    return Verdict::kMetWithinSpread;
  }
  return Verdict::kMissed;
}

Row RatioRow(std::string name, std::string judged_what, std::string unit, const Rounds& rounds,
             const std::vector<std::string>& measured, const PairOf& judged, const PairOf& itself,
             Bar bar) {
  Row row;
  row.name = std::move(name);
  row.judged_what = std::move(judged_what);
  row.unit = std::move(unit);
  row.measured = SeriesOf(rounds, measured);
  row.judged_unit = "x";
  row.judged = rounds.Ratios(judged.numerator, judged.denominator);
  row.itself = rounds.Ratios(itself.numerator, itself.denominator);
  row.bar = bar;
  row.round_count = rounds.count();
  row.disturbed_rounds = rounds.disturbed_count();
  return row;
}

Row FigureRow(std::string name, std::string judged_what, std::string unit, const Rounds& rounds,
              const std::string& judged, const std::vector<std::string>& measured, Bar bar) {
  Row row;
  row.name = std::move(name);
  row.judged_what = std::move(judged_what);
  row.unit = unit;
  row.measured = SeriesOf(rounds, measured);
  row.judged_unit = unit.empty() ? "" : " " + unit;
  row.judged = rounds.Figures(judged);
  row.itself = rounds.SuccessiveRatios(judged);
  row.bar = bar;
  row.round_count = rounds.count();
  row.disturbed_rounds = rounds.disturbed_count();
  return row;
}

RunInfo DescribeRun(int argc, const char* const* argv, const std::string& revision) {
  RunInfo info;
  const double gib = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                     static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 30);
  info.machine = FirstLineAfter("/proc/cpuinfo", "model name") + ", " +
                 std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " cores, " + NumberText(gib) +
                 " GiB";
  utsname system;
  if (uname(&system) == 0) info.kernel = std::string(system.sysname) + " " + system.release;
  info.compiler = "g++ " __VERSION__;
#ifdef NDEBUG
  info.build = "NDEBUG";
#else
  info.build = "assertions on";
#endif
#ifdef __OPTIMIZE__
  info.build += ", optimized";
#else
  info.build += ", NOT OPTIMIZED";
#endif
#ifdef FIRN_BENCH_BUILD
  info.build += ", " FIRN_BENCH_BUILD;
#endif
  info.huge_pages = FirstLineAfter("/sys/kernel/mm/transparent_hugepage/enabled", "");
  for (int i = 0; i < argc; ++i) {
    std::string word = argv[i];
    if (i == 0) word = word.substr(word.rfind('/') + 1);
    info.command += (i == 0 ? "" : " ") + word;
  }
  info.revision = revision;
  info.rocksdb = DescribeLibraryWith("rocksdb_open");
  info.leveldb = DescribeLibraryWith("leveldb_open");
  return info;
}

void PrintRunInfo(std::ostream& out, const RunInfo& info) {
  out << "machine    " << info.machine << "\nkernel     " << info.kernel << ", huge pages "
      << info.huge_pages << "\nbuild      " << info.compiler << ", " << info.build
      << "\nrevision   " << info.revision << "\nrocksdb    " << info.rocksdb << "\nleveldb    "
      << info.leveldb << "\nentries    " << info.entries << "\ncommand    " << info.command
      << "\n\n";
}

namespace {
void PrintColumns(std::ostream& out, const std::string& name, const std::string& judged,
                  const std::string& itself, const std::string& bar, const std::string& verdict) {
  char line[400];
  std::snprintf(line, sizeof(line), "%-30s %-28s %-24s %-12s %s\n", name.c_str(), judged.c_str(),
                itself.c_str(), bar.c_str(), verdict.c_str());
  out << line;
}

// As many series a line as fit; there is one for each engine.
void PrintMeasured(std::ostream& out, const Row& row) {
  constexpr size_t kColumns = 110;
  const std::string indent = "    ";
  std::string line = indent;
  for (const Series& series : row.measured) {
    const bool is_last = &series == &row.measured.back();
    const std::string text =
        series.name + " " + SpreadText(series.values, "") + (is_last ? " " + row.unit : ", ");
    if (line.size() + text.size() > kColumns && line.size() > indent.size()) {
      out << line << "\n";
      line = indent;
    }
    line += text;
  }
  out << line << "\n";
}
}  // namespace

void PrintHeader(std::ostream& out) {
  PrintColumns(out, "", "median [quartiles]", "Firn against itself", "bar", "");
}

void PrintRow(std::ostream& out, const Row& row) {
  PrintColumns(out, row.name, SpreadText(row.judged, row.judged_unit),
               row.itself.empty() ? "-" : SpreadText(row.itself, "x"), BarText(row),
               VerdictText(VerdictOf(row)));
  out << "    " << row.judged_what << "; " << row.round_count << " rounds";
  if (row.disturbed_rounds != 0) out << ", " << row.disturbed_rounds << " of them DISTURBED";
  out << "\n";
  if (!row.measured.empty()) PrintMeasured(out, row);
  if (!row.note.empty()) out << "    " << row.note << "\n";
  out.flush();
}

void PrintSummary(std::ostream& out, const std::vector<Row>& rows) {
  const auto count = [&rows](Verdict verdict) {
    return std::count_if(rows.begin(), rows.end(),
                         [verdict](const Row& row) { return VerdictOf(row) == verdict; });
  };
  out << "\n"
      << count(Verdict::kMet) << " met, " << count(Verdict::kMetWithinSpread)
      << " met within the spread of Firn against itself, " << count(Verdict::kMissed)
      << " missed\n";
}

nlohmann::json ToJson(const RunInfo& info, const std::vector<Row>& rows) {
  nlohmann::json json;
  json["run"] = {{"machine", info.machine},   {"kernel", info.kernel},
                 {"compiler", info.compiler}, {"build", info.build},
                 {"command", info.command},   {"huge_pages", info.huge_pages},
                 {"revision", info.revision}, {"rocksdb", info.rocksdb},
                 {"leveldb", info.leveldb},   {"entries", info.entries}};
  json["rows"] = nlohmann::json::array();
  for (const Row& row : rows) {
    const auto quartiles = [](const std::vector<double>& values) {
      const Quartiles found = QuartilesOf(values);
      return nlohmann::json{{"q1", found.q1}, {"median", found.median}, {"q3", found.q3}};
    };
    nlohmann::json measured = nlohmann::json::object();
    for (const Series& series : row.measured) {
      measured[series.name] = quartiles(series.values);
      measured[series.name]["rounds"] = series.values;
    }
    nlohmann::json judged = quartiles(row.judged);
    judged["rounds"] = row.judged;
    nlohmann::json& out = json["rows"].emplace_back();
    out = {{"name", row.name},
           {"what", row.judged_what},
           {"unit", row.unit},
           {"measured", measured},
           {"judged", judged},
           {"itself", quartiles(row.itself)},
           {"spread", SpreadOf(row.itself)},
           {"round_count", row.round_count},
           {"disturbed_rounds", row.disturbed_rounds},
           {"note", row.note},
           {"verdict", VerdictText(VerdictOf(row))}};
    if (row.bar.kind != Bar::Kind::kNone) out["bar"] = BarText(row);
  }
  return json;
}

}  // namespace firn::bench
