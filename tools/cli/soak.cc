#include "tools/cli/soak.h"

#include <optional>

#include "tools/history/soak.h"
#include "tools/history/soak_report.h"
#include "tools/scratch_directory.h"
#include "tools/terminal.h"

namespace firn::tools {

void AddSoakFlags(CLI::App& command, SoakFlags& flags) {
  CLI::Option* soak = command.add_flag(
      "--soak", flags.soak,
      "Instead of cells: random clients do everything at once, and every answer that any of\n"
      "them got is checked");
  for (const char* of_cells : {"--engine", "--filter", "--repeat", "--full", "--list", "--html",
                               "--junit", "--markdown"}) {
    soak->excludes(command.get_option(of_cells));
  }
  command.add_option("--operations", flags.operations, "Of a soak: so many calls")
      ->check(CLI::PositiveNumber)
      ->needs(soak)
      ->capture_default_str();
  command.add_option("--threads", flags.threads, "Of a soak: so many clients")
      ->check(CLI::Range(1, 1'000))
      ->needs(soak)
      ->capture_default_str();
  command
      .add_flag("--on-disk", flags.on_disk,
                "A soak of a Db on disk, which is closed and opened again all the while")
      ->needs(soak);
}

int Soak(const Invocation& invocation, const SoakFlags& flags, uint64_t seed,
         const std::string& directory) {
  CatchInterrupts();
  history::SoakOptions options;
  options.operations = flags.operations;
  options.threads = flags.threads;
  options.seed = seed;
  std::optional<ScratchDirectory> scratch;
  if (flags.on_disk) {
    absl::StatusOr<ScratchDirectory> made = ScratchDirectory::Make("firn-soak", directory);
    if (!made.ok()) return Fail(invocation, made.status());
    scratch.emplace(*std::move(made));
    options.directory = scratch->path() + "/db";
  }
  ProgressLine line;
  line.Begin("soak");
  const absl::StatusOr<history::SoakReport> report =
      history::RunSoak(options, [&](const history::SoakReport& so_far) {
        line.Show(so_far.operations, flags.operations);
        return !Interrupted();
      });
  line.End();
  if (!report.ok()) return Fail(invocation, report.status());
  Print(invocation.json ? JsonLine(SoakJson(*report)) : SoakText(*report, WantsColour(stdout)));
  return FinishOutput(invocation, report->anomaly_count == 0 ? kDone : kBroken);
}

}  // namespace firn::tools
