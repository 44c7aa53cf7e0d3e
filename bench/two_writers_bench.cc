// Question: do two writers on one Db hinder each other?
// Varies: both threads on one Db, or on a Db each. Fixed: 1,000,000 new keys of 16+100 bytes in random
// order, half for each thread, one put a commit, seed 1. Reports: wall time per put, puts/s, commits
// made.
#include <benchmark/benchmark.h>

#include "bench/loaded_db.h"
#include "bench/two_writers.h"

namespace firn::bench {
namespace {

void BM_TwoWriters(benchmark::State& state, bool share_db) {
  const Workload& workload = BenchWorkload();
  double commits = 0;
  for (auto _ : state) {
    FirnPeer left, right;
    Db& second = share_db ? left.db() : right.db();
    const double ns = NsPerPutOfTwoWriters(workload, left.db(), second);
    state.SetIterationTime(ns * 1e-9 * static_cast<double>(workload.entry_count()));
    commits += static_cast<double>(left.Stats().commit_count + right.Stats().commit_count);
  }
  state.counters["commits"] = benchmark::Counter(commits, benchmark::Counter::kAvgIterations);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(workload.entry_count()));
}
BENCHMARK_CAPTURE(BM_TwoWriters, OneDb, true)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TwoWriters, DbEach, false)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace firn::bench
