// Question: what does a full scan at a snapshot cost, every byte of key and value read?
// Varies: direction; settled, or the first pass right after a random load (nothing settles in
// the background). Fixed: 1,000,000 entries of 16+100 bytes, one thread, seed 1. Reports: time per
// pass, entries/s, bytes/s, and the leaves with fresh writes that the first pass met.
#include <benchmark/benchmark.h>

#include <string_view>

#include "bench/check.h"
#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

void ReportPasses(benchmark::State& state) {
  const int64_t entries = static_cast<int64_t>(BenchWorkload().entry_count());
  state.SetItemsProcessed(state.iterations() * entries);
  state.SetBytesProcessed(state.iterations() * entries *
                          static_cast<int64_t>(BenchWorkload().entry_bytes()));
}

Checksum Pass(FirnPeer::View& view, bool reverse) {
  return reverse ? ScanBackward(view) : ScanForward(view);
}

void BM_ScanSettled(benchmark::State& state, bool reverse) {
  FirnPeer::View view = LoadedDb().OpenView();
  for (auto _ : state) {
    CheckEqual(Pass(view, reverse), BenchWorkload().entry_checksum(), "scan");
  }
  ReportPasses(state);
}
BENCHMARK_CAPTURE(BM_ScanSettled, Forward, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ScanSettled, Reverse, true)->Unit(benchmark::kMillisecond);

void BM_ScanRightAfterLoad(benchmark::State& state, bool reverse) {
  Options unsettled;
  unsettled.background = BackgroundMode::kManual;
  double fresh_leaves = 0;
  for (auto _ : state) {
    state.PauseTiming();
    {
      FirnPeer peer(unsettled);
      PutAll(peer, BenchWorkload());
      fresh_leaves += static_cast<double>(peer.Stats().fresh_leaf_count);
      FirnPeer::View view = peer.OpenView();
      state.ResumeTiming();
      CheckEqual(Pass(view, reverse), BenchWorkload().entry_checksum(), "scan");
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  ReportPasses(state);
  state.counters["fresh_leaves"] =
      benchmark::Counter(fresh_leaves, benchmark::Counter::kAvgIterations);
}
BENCHMARK_CAPTURE(BM_ScanRightAfterLoad, Forward, false)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);
BENCHMARK_CAPTURE(BM_ScanRightAfterLoad, Reverse, true)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);

}  // namespace
}  // namespace firn::bench
