// Question: what does an iterator cost beside the entries it shows?
// Varies: entries read after the seek; made from a snapshot or from the Db; reused or made anew.
// Fixed: 1,000,000 settled entries of 16+100 bytes, targets drawn uniformly, seed 1. Reports: time per
// iterator created, sought and destroyed; entries/s; every entry is read whole.
#include <benchmark/benchmark.h>

#include <string_view>

#include "bench/check.h"
#include "bench/checksum.h"
#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

// Calls `seek` with one drawn key after the other and then reads on.
template <class With>
void SeekAndRead(benchmark::State& state, With with_iterator) {
  const Workload& workload = BenchWorkload();
  const int64_t entries = state.range(0);
  size_t next = 0;
  Checksum seen;
  for (auto _ : state) {
    with_iterator([&](Iterator& it) {
      it.Seek(workload.uniform_lookups().key(next));
      for (int64_t i = 0; i < entries && it.Valid(); ++i, it.Next()) seen.Add(it.key(), it.value());
    });
    if (++next == workload.entry_count()) next = 0;
  }
  benchmark::DoNotOptimize(seen.words);
  state.SetItemsProcessed(static_cast<int64_t>(seen.count));
}

void BM_SnapshotIterator(benchmark::State& state) {
  const Snapshot snapshot = LoadedDb().db().GetSnapshot();
  SeekAndRead(state, [&](auto use) {
    Iterator it = snapshot.NewIterator();
    use(it);
  });
}
BENCHMARK(BM_SnapshotIterator)->ArgName("entries")->Arg(1)->Arg(10)->Arg(100);

void BM_DbIterator(benchmark::State& state) {
  const Db& db = LoadedDb().db();
  SeekAndRead(state, [&](auto use) {
    Iterator it = db.NewIterator();
    use(it);
  });
}
BENCHMARK(BM_DbIterator)->ArgName("entries")->Arg(1);

void BM_ReusedIterator(benchmark::State& state) {
  const Snapshot snapshot = LoadedDb().db().GetSnapshot();
  Iterator it = snapshot.NewIterator();
  SeekAndRead(state, [&](auto use) { use(it); });
}
BENCHMARK(BM_ReusedIterator)->ArgName("entries")->Arg(1)->Arg(10)->Arg(100);

void BM_CreateAndDestroy(benchmark::State& state) {
  const Snapshot snapshot = LoadedDb().db().GetSnapshot();
  for (auto _ : state) {
    Iterator it = snapshot.NewIterator();
    benchmark::DoNotOptimize(it);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CreateAndDestroy);

}  // namespace
}  // namespace firn::bench
