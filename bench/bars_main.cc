// Measures every bar in one process run and prints what was found.
//
//   firn_bars [--entries N] [--shape K+V] [--rounds N] [--only GROUP]... [--peer NAME]...
//             [--json FILE]
//
// Exits with 0 when everything ran and every checksum was right, whether bars were met or not;
// with --strict it exits with 1 when one was missed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/check.h"
#include "bench/report.h"

namespace firn::bench {

std::string ChecksumNote(const Checksum& checksum) {
  char text[100];
  std::snprintf(text, sizeof(text), "checksum %016llx of %llu entries, equal in all engines",
                static_cast<unsigned long long>(checksum.words),
                static_cast<unsigned long long>(checksum.count));
  return text;
}

namespace {

constexpr std::string_view kJudgedShape = "16+100";

struct Flags {
  size_t entry_count = 1'000'000;
  std::string shape{kJudgedShape};
  size_t round_count = 5;
  uint64_t seed = 1;
  double max_foreign = 0.1;
  std::vector<std::string> only;
  std::vector<std::string> peers;
  std::string json_path;
  std::string revision = "unknown";
  bool strict = false;
};

void AddFlags(CLI::App& app, Flags& flags) {
  std::vector<std::string> groups;
  for (const BarGroup& group : kBarGroups) groups.emplace_back(group.name);
  app.add_option("--entries", flags.entry_count, "entries; the bars mean 1000000")
      ->capture_default_str()
      ->check(CLI::Range(size_t{100}, size_t{100'000'000}));
  app.add_option("--shape", flags.shape, "bytes of keys + of values; others than 16+100: no bars")
      ->capture_default_str()
      ->check(CLI::IsMember({"16+100", "8+8", "32+1000"}));
  app.add_option("--rounds", flags.round_count,
                 "rounds of a bar, three times as many for tight ones; the bars mean 5")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{1000}));
  app.add_option("--only", flags.only, "measure only this group; may be repeated")
      ->check(CLI::IsMember(groups));
  app.add_option("--peer", flags.peers,
                 "measure only peers with this in their name, and LMDB; may be repeated")
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "seed of keys, values and orders")->capture_default_str();
  app.add_option("--max-foreign", flags.max_foreign,
                 "cores that others may use before a round counts as disturbed")
      ->capture_default_str();
  app.add_option("--json", flags.json_path, "also write everything to this file");
  app.add_option("--revision", flags.revision, "what was built; goes into the report");
  app.add_flag("--strict", flags.strict, "exit with 1 if a bar is missed");
}

WorkloadOptions WorkloadOf(const Flags& flags) {
  WorkloadOptions options;
  options.entry_count = flags.entry_count;
  options.seed = flags.seed;
  options.key_bytes = std::stoull(flags.shape);
  options.value_bytes = std::stoull(flags.shape.substr(flags.shape.find('+') + 1));
  return options;
}

// Those asked for, and LMDB, which most bars are about.
std::vector<EngineKind> PeersOf(const Flags& flags) {
  std::vector<EngineKind> peers = PeerKinds();
  if (flags.peers.empty()) return peers;
  std::erase_if(peers, [&flags](const EngineKind& peer) {
    return peer.name != "lmdb" &&
           std::none_of(flags.peers.begin(), flags.peers.end(), [&peer](const std::string& wanted) {
             return peer.name.find(wanted) != std::string::npos;
           });
  });
  return peers;
}

int Run(const Flags& flags, RunInfo info) {
  info.entries = std::to_string(flags.entry_count) + " of " + flags.shape + " bytes";
  PrintRunInfo(std::cout, info);
  const bool is_judged_shape = flags.shape == kJudgedShape;
  if (flags.entry_count != 1'000'000 || flags.round_count < 5 || !is_judged_shape) {
    std::cout << "Not the entries or the number of rounds that the bars mean.\n\n";
  }
  const Workload workload(WorkloadOf(flags));

  std::vector<Row> rows;
  RoundPlan plan;
  plan.round_count = flags.round_count;
  plan.max_disturbance = flags.max_foreign;
  const BarContext context{workload, plan, PeersOf(flags), [&](Row row) {
                             if (!is_judged_shape) row.bar = Bar::None();
                             PrintRow(std::cout, row);
                             rows.push_back(std::move(row));
                           }};
  PrintHeader(std::cout);
  for (const BarGroup& group : kBarGroups) {
    const bool wanted =
        flags.only.empty() || std::count(flags.only.begin(), flags.only.end(), group.name) != 0;
    if (wanted) group.measure(context);
  }
  PrintSummary(std::cout, rows);

  if (!flags.json_path.empty()) {
    std::ofstream file(flags.json_path);
    file << ToJson(info, rows).dump(1) << "\n";
    if (!file.flush()) Fail("cannot write " + flags.json_path);
  }
  const bool missed = std::any_of(
      rows.begin(), rows.end(), [](const Row& row) { return VerdictOf(row) == Verdict::kMissed; });
  return flags.strict && missed ? 1 : 0;
}

}  // namespace
}  // namespace firn::bench

int main(int argc, char** argv) {
  CLI::App app("Measures every bar in one run: Firn, its peers, and Firn against itself.");
  firn::bench::Flags flags;
  firn::bench::AddFlags(app, flags);
  std::vector<std::string> fill_log;
  app.add_option("--fill-log", fill_log)->expected(2)->group("");  // Of the program to itself.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help, too, which is no error.
    constexpr int kWrongUsage = 2;
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (!fill_log.empty()) firn::bench::FillLogAndDie(fill_log[0], std::stoull(fill_log[1]));
  return firn::bench::Run(flags, firn::bench::DescribeRun(argc, argv, flags.revision));
}
