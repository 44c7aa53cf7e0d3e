// matrix: the snapshot-consistency matrix, on this build, this machine, and other engines.
#include "tools/cli/matrix_command.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/cli/escape.h"
#include "tools/cli/output_file.h"
#include "tools/cli/soak.h"
#include "tools/cli/suggestion.h"
#include "tools/human_format.h"
#include "tools/matrix/matrix_run.h"
#include "tools/matrix/report/html_report.h"
#include "tools/matrix/report/json_report.h"
#include "tools/matrix/report/junit_report.h"
#include "tools/matrix/report/markdown_report.h"
#include "tools/matrix/report/text_report.h"
#include "tools/scratch_directory.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

using matrix::Cell;
using matrix::EngineEntry;
using matrix::EngineResults;
using Engines = std::vector<EngineEntry>;
using matrix::MatrixReport;
using matrix::Selection;

constexpr char kAllEngines[] = "all";

struct MatrixFlags {
  std::vector<std::string> engines = {"firn-memory", "firn-disk"};
  std::string filter = "*";
  uint64_t seed = 1;
  size_t repeat = 1;
  bool full = false;
  bool list = false;
  std::string directory;
  std::string html;
  std::string junit;
  std::string markdown;
  SoakFlags soak;
};

// --- What was asked for --------------------------------------------------------------------

std::vector<std::string> NamesOf(const Engines& engines) {
  std::vector<std::string> names;
  for (const EngineEntry& engine : engines) names.push_back(engine.name);
  return names;
}

absl::StatusOr<std::vector<const EngineEntry*>> ChosenEngines(const Engines& engines,
                                                              const MatrixFlags& flags) {
  std::vector<const EngineEntry*> chosen;
  const auto choose = [&chosen](const EngineEntry& engine) {
    if (std::count(chosen.begin(), chosen.end(), &engine) == 0) chosen.push_back(&engine);
  };
  for (const std::string& name : flags.engines) {
    if (name == kAllEngines) {
      std::for_each(engines.begin(), engines.end(), choose);
      continue;
    }
    const auto found = std::find_if(engines.begin(), engines.end(),
                                    [&name](const auto& engine) { return engine.name == name; });
    if (found == engines.end()) {
      const std::string meant = Nearest(name, NamesOf(engines));
      return absl::InvalidArgumentError(
          absl::StrCat("this build knows no engine ", Escaped(name), ", only ",
                       absl::StrJoin(NamesOf(engines), ", "), "; or ", kAllEngines,
                       meant.empty() ? "" : absl::StrCat(". Did you mean ", meant, "?")));
    }
    choose(*found);
  }
  return chosen;
}

size_t CountMatching(Selection selection, const std::string& filter) {
  return matrix::Matching(matrix::Cells(selection), filter).size();
}

absl::StatusOr<std::vector<Cell>> ChosenCells(const MatrixFlags& flags) {
  const Selection selection = flags.full ? Selection::kFull : Selection::kStandard;
  std::vector<Cell> cells = matrix::Matching(matrix::Cells(selection), flags.filter);
  if (!cells.empty()) return cells;
  std::string hint = absl::StrCat("a name is such as ", Name(matrix::Cells(selection).front()),
                                  ", and `firn matrix --list` prints every one");
  const std::string anywhere = absl::StrCat("*", flags.filter, "*");
  const size_t found = flags.filter.empty() ? 0 : CountMatching(selection, anywhere);
  if (found > 0) {
    hint = absl::StrCat("a pattern stands for a whole name; '", Escaped(anywhere), "' matches ",
                        CountText(found, "cell"));
  } else if (const size_t more = CountMatching(Selection::kFull, flags.filter); more > 0) {
    hint = absl::StrCat("with --full it matches ", CountText(more, "cell"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no cell matches '", Escaped(flags.filter), "': ", hint));
}

// The command line again, less what does not change the results.
std::string CommandOf(const MatrixFlags& flags) {
  std::string command = "firn matrix";
  for (const std::string& engine : flags.engines) absl::StrAppend(&command, " --engine ", engine);
  if (flags.filter != MatrixFlags().filter)
    absl::StrAppend(&command, " --filter '", flags.filter, "'");
  absl::StrAppend(&command, " --seed ", flags.seed);
  if (flags.repeat > 1) absl::StrAppend(&command, " --repeat ", flags.repeat);
  return flags.full ? command + " --full" : command;
}

// --- Reports in files -----------------------------------------------------------------------

// Files are made before the run and get their content after it: a run of minutes does not end with
// a name that cannot be written.
class ReportFiles {
 public:
  using Maker = std::string (*)(const MatrixReport&);

  absl::Status Open(const std::string& name, Maker make) {
    if (name.empty()) return absl::OkStatus();
    files_.push_back({std::make_unique<OutputFile>(name, 0644), make});
    if (files_.back().output->is_file()) return files_.back().output->Open();
    return absl::InvalidArgumentError("a report wants the name of a file, not -");
  }
  absl::Status Write(const MatrixReport& report) {
    for (const File& file : files_) {
      absl::Status status = file.output->Write(file.make(report));
      if (status.ok()) status = file.output->Finish();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  struct File {
    std::unique_ptr<OutputFile> output;
    Maker make;
  };
  std::vector<File> files_;
};

// --- The run ----------------------------------------------------------------------------

absl::StatusOr<EngineResults> RunEngine(const EngineEntry& engine, const std::vector<Cell>& cells,
                                        const MatrixFlags& flags, const std::string& directory) {
  ProgressLine line;
  line.Begin(engine.name);
  matrix::MatrixOptions options;
  options.seed = flags.seed;
  options.repeat = flags.repeat;
  options.directory = directory;
  options.progress = [&line](size_t done, size_t total) {
    line.Show(done, total);
    return !Interrupted();
  };
  absl::StatusOr<EngineResults> results = matrix::RunMatrix(engine, cells, options);
  if (results.ok() || !absl::IsCancelled(results.status())) return results;
  return absl::CancelledError(
      absl::StrCat("interrupted while ", engine.title, " ran; no report was written"));
}

void PrintReport(const Invocation& invocation, const MatrixReport& report) {
  if (invocation.json) {
    JsonReport(report, [](std::string_view line) { Print(line); });
  } else {
    Print(TextReport(report, {.in_colour = WantsColour(stdout), .columns = ColumnsOf(stdout)}));
  }
}

int RunCells(const Invocation& invocation, const Engines& engines, const MatrixFlags& flags) {
  const auto chosen = ChosenEngines(engines, flags);
  if (!chosen.ok()) return Fail(invocation, chosen.status());
  const auto cells = ChosenCells(flags);
  if (!cells.ok()) return Fail(invocation, cells.status());
  CatchInterrupts();
  ReportFiles files;
  absl::Status status = files.Open(flags.html, matrix::HtmlReport);
  if (status.ok()) status = files.Open(flags.junit, matrix::JunitReport);
  if (status.ok()) status = files.Open(flags.markdown, matrix::MarkdownReport);
  if (!status.ok()) return Fail(invocation, status);
  const auto scratch = ScratchDirectory::Make("firn-matrix", flags.directory);
  if (!scratch.ok()) return Fail(invocation, scratch.status());

  MatrixReport report;
  report.seed = flags.seed;
  report.repeat = flags.repeat;
  report.full = flags.full;
  report.command = CommandOf(flags);
  report.version = FIRN_VERSION_STRING;
  report.cores = std::thread::hardware_concurrency();
  report.made_at = absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::Now(), absl::UTCTimeZone());
  for (const EngineEntry* engine : *chosen) {
    absl::StatusOr<EngineResults> results = RunEngine(*engine, *cells, flags, scratch->path());
    if (!results.ok()) {
      if (!report.engines.empty()) PrintReport(invocation, report);
      return FinishOutput(invocation, Fail(invocation, results.status()));
    }
    report.engines.push_back(*std::move(results));
  }
  PrintReport(invocation, report);
  if (status = files.Write(report); !status.ok()) return Fail(invocation, status);
  return FinishOutput(invocation, report.ok() ? kDone : kBroken);
}

int List(const Invocation& invocation, const MatrixFlags& flags) {
  const auto cells = ChosenCells(flags);
  if (!cells.ok()) return Fail(invocation, cells.status());
  for (const Cell& cell : *cells) {
    if (OutputClosed()) break;
    Print(invocation.json ? JsonLine(Json{{"cell", Name(cell)}, {"scenario", Scenario(cell)}})
                          : absl::StrCat(Name(cell), "\t", Scenario(cell), "\n"));
  }
  return FinishOutput(invocation, kDone);
}

int Matrix(const Invocation& invocation, const Engines& engines, const MatrixFlags& flags) {
  if (flags.soak.soak) return Soak(invocation, flags.soak, flags.seed, flags.directory);
  if (flags.list) return List(invocation, flags);
  return RunCells(invocation, engines, flags);
}

void AddFlags(CLI::App& command, const Engines& engines, MatrixFlags& flags) {
  command
      .add_option("--engine", flags.engines,
                  absl::StrCat("An engine to run it on, or ", kAllEngines,
                               "; may be given again.\nThis build has ",
                               absl::StrJoin(NamesOf(engines), ", ")))
      ->type_name("NAME")
      ->take_all()
      ->allow_extra_args(false)
      ->capture_default_str();
  command
      .add_option("--filter", flags.filter,
                  "Only cells whose whole name matches one of these shell patterns, which\n"
                  "stand between colons: 'delete/*:*/storm/*'")
      ->type_name("PATTERNS")
      ->capture_default_str();
  command.add_option("--seed", flags.seed, "Varies values, and what a storm of writers does")
      ->check(CLI::NonNegativeNumber)  // Else -1 would be a very large one.
      ->capture_default_str();
  command.add_option("--repeat", flags.repeat, "Runs each cell so often, with seeds that follow")
      ->type_name("COUNT")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_flag("--full", flags.full,
                   "Every combination. Without it a cell of each change, position, moment,\n"
                   "direction, layout and reader, with one writer and one age in turn");
  command.add_flag("--list", flags.list, "Print the cells and their scenarios, and run none");
  command.add_option("--html", flags.html, "Write a report whose cells open to their scenarios")
      ->type_name("FILE");
  command.add_option("--junit", flags.junit, "Write JUnit XML")->type_name("FILE");
  command.add_option("--markdown", flags.markdown, "Write the comparison of the engines")
      ->type_name("FILE");
  command
      .add_option("--directory", flags.directory,
                  "Where databases on disk go while it runs; default: the system's directory\n"
                  "for temporary files")
      ->check(CLI::ExistingDirectory);
  AddSoakFlags(command, flags.soak);
}

}  // namespace

void AddMatrixCommand(CLI::App& app, Invocation& invocation, const Engines& engines) {
  const auto flags = std::make_shared<MatrixFlags>();
  CLI::App* command = AddCommandWithoutDb(
      app, invocation, "matrix",
      "Check what a frozen iterator shows while somebody writes, cell by cell: every change, at\n"
      "every position and moment, in each layout, by each reader. The contract that it checks is\n"
      "docs/snapshot-contract.md. Ends with 3 if a cell fails that its engine promises.",
      "firn matrix --engine all --filter 'delete/*' --html report.html",
      [&invocation, &engines, flags] { return Matrix(invocation, engines, *flags); });
  AddFlags(*command, engines, *flags);
}

}  // namespace firn::tools
