// Question: what does it cost to take a snapshot and let it go?
// Varies: 1 and 2 threads; snapshots already held; with or without a label. Fixed: 1,000,000 settled
// entries, nobody writes. Reports: time per open and close, and the snapshots live at the end.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/check.h"
#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

void OpenAndClose(benchmark::State& state, const SnapshotOptions& options) {
  const Db& db = LoadedDb().db();
  for (auto _ : state) {
    Snapshot snapshot = db.GetSnapshot(options);
    benchmark::DoNotOptimize(snapshot);
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_OpenAndClose(benchmark::State& state) { OpenAndClose(state, {}); }
BENCHMARK(BM_OpenAndClose)->Threads(1)->Threads(2)->UseRealTime();

void BM_OpenAndCloseLabelled(benchmark::State& state) {
  OpenAndClose(state, {.label = "a label too long for a string in place", .owner = "bench"});
}
BENCHMARK(BM_OpenAndCloseLabelled)->UseRealTime();

void BM_OpenAndCloseBesideOthers(benchmark::State& state) {
  std::vector<Snapshot> held;
  for (int64_t i = 0; i < state.range(0); ++i) held.push_back(LoadedDb().db().GetSnapshot());
  OpenAndClose(state, {});
  state.counters["live"] = static_cast<double>(LoadedDb().Stats().live_snapshot_count);
}
BENCHMARK(BM_OpenAndCloseBesideOthers)->ArgName("held")->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace firn::bench
