// Question: what does a put cost?
// Varies: new keys in random order, new keys in ascending order, or overwrites drawn uniformly;
// entries a commit. Fixed: 16+100 bytes, 1,000,000 of them a pass, one thread, seed 1. Reports: time
// per pass, entries/s, and the freezes and splits per 1,000 entries that the puts paid for.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

// Puts `order` of the entries, `batch_entries` a commit.
void PutInOrder(FirnPeer& peer, const std::vector<uint32_t>& order, size_t batch_entries) {
  const Workload& workload = BenchWorkload();
  std::vector<KeyValue> batch;
  for (size_t i = 0; i < order.size(); ++i) {
    if (batch_entries == 1) {
      peer.Put(workload.key(order[i]), workload.value(i));
      continue;
    }
    batch.push_back({workload.key(order[i]), workload.value(i)});
    if (batch.size() == batch_entries || i + 1 == order.size()) {
      peer.PutBatch(batch);
      batch.clear();
    }
  }
}

void ReportWork(benchmark::State& state, const DbStats& before, const DbStats& after) {
  const double passes = static_cast<double>(state.iterations());
  const double thousands = passes * static_cast<double>(BenchWorkload().entry_count()) / 1000;
  state.counters["freezes_per_1000"] =
      static_cast<double>(after.freeze_count - before.freeze_count) / thousands;
  state.counters["splits_per_1000"] =
      static_cast<double>(after.split_count - before.split_count) / thousands;
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(BenchWorkload().entry_count()));
}

void FillEmptyDb(benchmark::State& state, const std::vector<uint32_t>& order) {
  DbStats work;
  for (auto _ : state) {
    state.PauseTiming();
    auto peer = std::make_unique<FirnPeer>();
    state.ResumeTiming();
    PutInOrder(*peer, order, static_cast<size_t>(state.range(0)));
    state.PauseTiming();
    const DbStats stats = peer->Stats();
    work.freeze_count += stats.freeze_count;
    work.split_count += stats.split_count;
    peer.reset();
    state.ResumeTiming();
  }
  ReportWork(state, {}, work);
}

void BM_PutRandom(benchmark::State& state) {
  std::vector<uint32_t> order(BenchWorkload().entry_count());
  std::iota(order.begin(), order.end(), 0);
  FillEmptyDb(state, order);
}
BENCHMARK(BM_PutRandom)->ArgName("batch")->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMillisecond);

void BM_PutAscending(benchmark::State& state) { FillEmptyDb(state, BenchWorkload().SortedOrder()); }
BENCHMARK(BM_PutAscending)->ArgName("batch")->Arg(1)->Arg(100)->Unit(benchmark::kMillisecond);

void BM_Overwrite(benchmark::State& state) {
  FirnPeer peer;
  PutAll(peer, BenchWorkload());
  peer.Settle();
  SplitMix64 random(11);
  std::vector<uint32_t> order(BenchWorkload().entry_count());
  for (uint32_t& entry : order) entry = random.Below(static_cast<uint32_t>(order.size()));
  const DbStats before = peer.Stats();
  for (auto _ : state) PutInOrder(peer, order, static_cast<size_t>(state.range(0)));
  ReportWork(state, before, peer.Stats());
}
BENCHMARK(BM_Overwrite)->ArgName("batch")->Arg(1)->Arg(100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace firn::bench
