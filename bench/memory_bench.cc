// Question: how many bytes does an entry cost beyond its own?
// Varies: value size; random or ascending load; right after the load or settled. Fixed: 1,000,000
// entries with 16-byte keys (fewer of large ones), seed 1. Reports: bytes allocated and reserved per
// entry, beside the logical ones; the time is that of load and settling.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "bench/peers/firn_peer.h"
#include "bench/workload.h"

namespace firn::bench {
namespace {

void BM_BytesPerEntry(benchmark::State& state, bool ascending) {
  const size_t value_bytes = static_cast<size_t>(state.range(0));
  // About as many bytes whatever the size.
  const size_t entry_count =
      std::min(BenchEntryCount(), BenchEntryCount() * 116 / (16 + value_bytes));
  const Workload workload({.entry_count = entry_count, .value_bytes = value_bytes});
  std::vector<uint32_t> order(entry_count);
  std::iota(order.begin(), order.end(), 0);
  if (ascending) order = workload.SortedOrder();

  Options unsettled;
  unsettled.background = BackgroundMode::kManual;
  DbStats loaded, settled;
  for (auto _ : state) {
    FirnPeer peer(unsettled);
    for (const uint32_t i : order) peer.Put(workload.key(i), workload.value(i));
    state.PauseTiming();
    loaded = peer.Stats();
    state.ResumeTiming();
    peer.Settle();
    state.PauseTiming();
    settled = peer.Stats();
    state.ResumeTiming();
  }
  const auto per_entry = [&](uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(entry_count);
  };
  state.counters["entries"] = static_cast<double>(entry_count);
  state.counters["logical"] = per_entry(settled.logical_bytes);
  state.counters["memory_loaded"] = per_entry(loaded.memory_bytes);
  state.counters["reserved_loaded"] = per_entry(loaded.reserved_bytes);
  state.counters["memory_settled"] = per_entry(settled.memory_bytes);
  state.counters["reserved_settled"] = per_entry(settled.reserved_bytes);
}
BENCHMARK_CAPTURE(BM_BytesPerEntry, Random, false)
    ->ArgName("value_bytes")
    ->Arg(8)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(4096)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(BM_BytesPerEntry, Ascending, true)
    ->ArgName("value_bytes")
    ->Arg(8)
    ->Arg(100)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace firn::bench
