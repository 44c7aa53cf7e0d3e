// Question: what does a map cost that threads share: Firn, or a plain map under a reader-writer lock?
// Varies: std::map, absl::flat_hash_map, or Firn in memory; read-only, half gets and half puts, or 10%
// gets; uniform keys or one hot key; 1 and 2 threads. Fixed: 1,000,000 entries of 16+100 bytes, seed 1.
// Reports: operations/s of all threads together; what was read is checked at every pass, the content at
// the end. (The time is a thread's for its share of as many operations as there are entries, divided by
// the threads.)
#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/check.h"
#include "bench/loaded_db.h"
#include "bench/sync_map.h"

namespace firn::bench {
namespace {

struct Setup {
  size_t kind;  // Of SyncMapKinds().
  Mix mix;
  KeyChoice keys;
};

std::mutex mutex;  // Threads of a benchmark come for the same thing.

// Only the last one asked for is kept: benchmarks of one map follow each other.
SyncMap& LoadedMap(size_t kind) {
  static std::optional<size_t> loaded;
  static std::unique_ptr<SyncMap> map;
  const std::lock_guard lock(mutex);
  if (loaded != kind) {
    map.reset();
    map = SyncMapKinds()[kind].load(BenchWorkload());
    loaded = kind;
  }
  return *map;
}

const MixedOperations& Operations(Mix mix, KeyChoice keys) {
  static std::optional<std::pair<unsigned, KeyChoice>> drawn;
  static std::unique_ptr<MixedOperations> operations;
  const std::lock_guard lock(mutex);
  if (const auto wanted = std::pair(mix.read_percent, keys); drawn != wanted) {
    operations = std::make_unique<MixedOperations>(BenchWorkload(), mix, keys);
    drawn = wanted;
  }
  return *operations;
}

// Each thread has its share of the operations.
void BM_SyncMap(benchmark::State& state, const Setup& setup) {
  const MixedOperations& operations = Operations(setup.mix, setup.keys);
  SyncMap& map = LoadedMap(setup.kind);
  const size_t threads = static_cast<size_t>(state.threads());
  const size_t thread = static_cast<size_t>(state.thread_index());
  const size_t first = operations.size() * thread / threads;
  const size_t last = operations.size() * (thread + 1) / threads;
  const Checksum expected = operations.ReadBy(first, last);
  for (auto _ : state) CheckEqual(map.Run(operations, first, last), expected, "a map");
  if (thread == 0) {  // All of them have left the loop.
    CheckEqual(map.Content(BenchWorkload()), BenchWorkload().entry_checksum(), "a map");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(last - first));
}

[[maybe_unused]] const bool registered = [] {
  const std::vector<SyncMapKind> kinds = SyncMapKinds();
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    for (const Mix mix : kMixes) {
      for (const KeyChoice keys : {KeyChoice::kUniform, KeyChoice::kOneHot}) {
        const std::string name = "BM_SyncMap/" + kinds[kind].name + "/" + std::string(mix.name) +
                                 (keys == KeyChoice::kOneHot ? "/one_hot_key" : "/uniform");
        benchmark::RegisterBenchmark(name.c_str(), BM_SyncMap, Setup{kind, mix, keys})
            ->Threads(1)
            ->Threads(2)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace firn::bench
