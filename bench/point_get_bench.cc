// Question: what does one point get cost?
// Varies: read at a snapshot or at the newest state; value copied out or shown in place; key
// present or absent; 1 and 2 threads. Fixed: 1,000,000 settled entries of 16+100 bytes, keys drawn
// uniformly in an order unrelated to insertion, seed 1. Reports: time per get, gets/s; every value
// found is read whole.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <string_view>

#include "bench/check.h"
#include "bench/checksum.h"
#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

// Calls `get` with one drawn key after the other; threads start far apart.
template <class Get>
void LookUp(benchmark::State& state, Get get) {
  const Workload& workload = BenchWorkload();
  const size_t count = workload.entry_count();
  size_t next =
      count / static_cast<size_t>(state.threads()) * static_cast<size_t>(state.thread_index());
  Checksum seen;
  for (auto _ : state) {
    get(workload.uniform_lookups().key(next), seen);
    if (++next == count) next = 0;
  }
  benchmark::DoNotOptimize(seen.words);
  state.SetItemsProcessed(state.iterations());
  if (seen.count != static_cast<uint64_t>(state.iterations())) Fail("a key was not found");
}

void BM_SnapshotGet(benchmark::State& state) {
  FirnPeer::View view = LoadedDb().OpenView();
  LookUp(state, [&view](std::string_view key, Checksum& seen) {
    view.Get(key, [&seen](std::string_view value) { seen.Add(value); });
  });
}
BENCHMARK(BM_SnapshotGet)->Threads(1)->Threads(2)->UseRealTime();

void BM_SnapshotGetPinned(benchmark::State& state) {
  FirnPeer::View view = LoadedDb().OpenView();
  LookUp(state, [&view](std::string_view key, Checksum& seen) {
    view.GetPinned(key, [&seen](std::string_view value) { seen.Add(value); });
  });
}
BENCHMARK(BM_SnapshotGetPinned)->Threads(1)->Threads(2)->UseRealTime();

void BM_LatestGet(benchmark::State& state) {
  const Db& db = LoadedDb().db();
  std::string value;
  LookUp(state, [&](std::string_view key, Checksum& seen) {
    if (ValueOf(db.Get(key, &value))) seen.Add(value);
  });
}
BENCHMARK(BM_LatestGet)->Threads(1)->Threads(2)->UseRealTime();

void BM_LatestGetAbsent(benchmark::State& state) {
  const Db& db = LoadedDb().db();
  std::string absent, value;
  LookUp(state, [&](std::string_view key, Checksum& seen) {
    absent.assign(key);
    absent.push_back('\0');  // Right behind a key that is there.
    if (!ValueOf(db.Get(absent, &value))) seen.Add({});
  });
}
BENCHMARK(BM_LatestGetAbsent)->Threads(1)->UseRealTime();

}  // namespace
}  // namespace firn::bench
