// Question: what does MultiGet save over single gets?
// Varies: keys a call. Fixed: 1,000,000 settled entries of 16+100 bytes, keys drawn uniformly, one
// snapshot, seed 1. Reports: time per call, keys/s; every value is read whole.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "bench/check.h"
#include "bench/checksum.h"
#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

void BM_MultiGet(benchmark::State& state) {
  const Workload& workload = BenchWorkload();
  const size_t keys_per_call = static_cast<size_t>(state.range(0));
  std::vector<std::string_view> keys;
  for (size_t i = 0; i < workload.entry_count(); ++i)
    keys.push_back(workload.uniform_lookups().key(i));
  const Snapshot snapshot = LoadedDb().db().GetSnapshot({.label = "bench", .owner = {}});
  size_t next = 0;
  Checksum seen;
  for (auto _ : state) {
    if (next + keys_per_call > keys.size()) next = 0;
    const std::vector<std::optional<std::string>> values =
        ValueOf(snapshot.MultiGet(absl::MakeConstSpan(keys).subspan(next, keys_per_call)));
    for (const std::optional<std::string>& value : values) {
      if (value.has_value()) seen.Add(*value);
    }
    next += keys_per_call;
  }
  const uint64_t asked = static_cast<uint64_t>(state.iterations()) * keys_per_call;
  if (seen.count != asked) Fail("a key was not found");
  benchmark::DoNotOptimize(seen.words);
  state.SetItemsProcessed(static_cast<int64_t>(asked));
}
BENCHMARK(BM_MultiGet)->ArgName("keys")->Arg(1)->Arg(4)->Arg(32)->Arg(256);

}  // namespace
}  // namespace firn::bench
