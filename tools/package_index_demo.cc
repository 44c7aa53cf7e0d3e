// Firn's main job on real input: this machine's package index, read through a frozen
// snapshot while another thread changes thousands of packages; then a writer that is killed.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "firn/version.h"
#include "tools/frozen_scan.h"
#include "tools/frozen_scan_report.h"
#include "tools/human_format.h"
#include "tools/killed_writer.h"
#include "tools/package_index.h"
#include "tools/scratch_directory.h"
#include "tools/stopwatch.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

constexpr char kProgram[] = "firn_package_index_demo";

// Exit codes of all of Firn's programs.
constexpr int kDone = 0;
constexpr int kWrongUsage = 2;
constexpr int kBroken = 3;  // I/O trouble, or a check that failed.

// A machine whose package lists were never fetched knows only what is installed.
constexpr size_t kEnoughPackages = 5'000;
constexpr size_t kGeneratedPackages = 60'000;

// Runs this program as the writer that is to be killed.
constexpr char kWriterFlag[] = "--write-until-killed";

struct Flags {
  std::string input;
  std::string directory;
  std::string writer_directory;
  std::optional<size_t> generate;
  bool json = false;
  FrozenScanOptions scan;
};

// Prints steps as they end, and how far the current one is.
class StepPrinter : public StepListener {
 public:
  explicit StepPrinter(bool quiet) : quiet_(quiet) {}

  void OnBegin(std::string_view name) override { progress_.Begin(std::string(name)); }
  void OnProgress(uint64_t done, uint64_t total) override { progress_.Show(done, total); }
  void OnEnd(const Step& step) override {
    progress_.End();
    if (!quiet_) Say(StepLine(step));
  }
  void Say(const std::string& line) {
    std::fprintf(quiet_ ? stderr : stdout, "%s\n", line.c_str());
    std::fflush(stdout);
  }

 private:
  const bool quiet_;  // Standard output is for JSON.
  ProgressLine progress_;
};

absl::StatusOr<PackageIndex> ReadIndex(const Flags& flags, StepPrinter& printer) {
  const auto progress = [&](size_t package_count) { printer.OnProgress(package_count, 0); };
  if (!flags.input.empty()) return ReadPackageIndexFile(flags.input, progress);
  if (flags.generate.has_value()) return GeneratePackageIndex(*flags.generate);
  absl::StatusOr<PackageIndex> index = ReadAptPackageIndex(progress);
  if (index.ok() && index->packages.size() >= kEnoughPackages) return index;
  const std::string reason = index.ok() ? absl::StrCat("`", index->source, "` knows only ",
                                                       CountText(index->packages.size(), "package"))
                                        : std::string(index.status().message());
  printer.Say("No package index on this machine (" + reason + "): generating one.");
  return GeneratePackageIndex(kGeneratedPackages);
}

absl::StatusOr<FrozenScanReport> ReadAndScan(const Flags& flags, PackageIndex& index) {
  StepPrinter printer(flags.json);
  Step reading{"read the package index", 0, "package", 0};
  printer.OnBegin(reading.name);
  const Stopwatch stopwatch;
  absl::StatusOr<PackageIndex> read = ReadIndex(flags, printer);
  if (!read.ok()) return read.status();
  index = *std::move(read);
  reading.seconds = stopwatch.seconds();
  reading.count = index.stanza_count;
  printer.OnEnd(reading);

  absl::StatusOr<FrozenScanReport> report = RunFrozenScan(index, flags.scan, printer);
  if (report.ok()) report->steps.insert(report->steps.begin(), std::move(reading));
  return report;
}

absl::Status RunDemo(const Flags& flags, const char* program, bool& passed) {
  Flags placed = flags;
  placed.scan.directory = flags.directory;
  std::optional<ScratchDirectory> scratch;
  if (flags.directory.empty()) {
    absl::StatusOr<ScratchDirectory> made = ScratchDirectory::Make("firn-demo");
    if (!made.ok()) return made.status();
    scratch.emplace(*std::move(made));
    placed.scan.directory = scratch->path() + "/db";
  }
  PackageIndex index;
  absl::StatusOr<FrozenScanReport> report = ReadAndScan(placed, index);
  if (!report.ok()) return report.status();
  absl::StatusOr<KilledWriterReport> killed = KillWriter(
      {program, kWriterFlag, placed.scan.directory}, placed.scan.directory, report->live);
  if (!killed.ok()) return killed.status();
  AddKilledWriter(*std::move(killed), *report);
  passed = report->Passed();
  const std::string text = flags.json ? ReportJson(*report, index) + "\n"
                                      : "\n" + ReportText(*report, WantsColour(stdout));
  if (std::fputs(text.c_str(), stdout) == EOF || std::fflush(stdout) != 0) {
    return absl::UnavailableError("cannot write to standard output");
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app(
      "Loads this machine's package index (apt-cache dumpavail) into Firn, holds a frozen\n"
      "snapshot while a second thread changes thousands of packages, and checks that the\n"
      "snapshot showed none of it. Then it kills a writer in mid-load and checks that every\n"
      "acknowledged commit is there.");
  app.set_version_flag("--version", FIRN_VERSION_STRING);
  app.add_option("--input", flags.input, "Read this saved index instead; - is standard input")
      ->type_name("FILE");
  app.add_option("--generate", flags.generate, "Make up so many packages instead")
      ->type_name("COUNT")
      ->check(CLI::Range(32, 10'000'000))
      ->excludes("--input");
  app.add_option("--batch-size", flags.scan.batch_size, "Operations in one write batch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--seed", flags.scan.seed, "Shuffles the order of loads and changes")
      ->capture_default_str();
  app.add_option("--directory", flags.directory,
                 "Keep the Db in this directory; default: a temporary one that is deleted")
      ->type_name("DIR");
  app.add_option(kWriterFlag, flags.writer_directory)->group("");  // Not shown.
  app.add_flag("--json", flags.json, "Print one JSON object instead of a table");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s\nTry `%s --help`.\n", kProgram, error.what(), argv[0]);
    return kWrongUsage;
  }

  bool passed = false;
  const absl::Status status = flags.writer_directory.empty()
                                  ? RunDemo(flags, "/proc/self/exe", passed)
                                  : RunWriter(flags.writer_directory);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", kProgram, std::string(status.message()).c_str());
    return kBroken;
  }
  return passed ? kDone : kBroken;
}

}  // namespace
}  // namespace firn::tools

int main(int argc, char** argv) { return firn::tools::Main(argc, argv); }
