// Prints what changed between two builds' runs of firn_bars: scripts/bench --compare.
//
//   firn_compare_bars --base FILE... --now FILE...
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/check.h"
#include "bench/compare.h"

namespace firn::bench {
namespace {

std::vector<nlohmann::json> Load(const std::vector<std::string>& paths) {
  std::vector<nlohmann::json> runs;
  for (const std::string& path : paths) {
    std::ifstream file(path);
    nlohmann::json run = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (run.is_discarded()) Fail("no run of firn_bars in " + path);
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace
}  // namespace firn::bench

int main(int argc, char** argv) {
  CLI::App app("Compares the runs of two builds, the first of one with the first of the other.");
  std::vector<std::string> base, now;
  app.add_option("--base", base, "what firn_bars --json wrote, run by run")->required();
  app.add_option("--now", now, "the same of the other build")->required();
  CLI11_PARSE(app, argc, argv);
  using namespace firn::bench;
  PrintComparison(std::cout, Compare(Load(base), Load(now)));
  return 0;
}
