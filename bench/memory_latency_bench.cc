// Question: what does a cache miss cost on this machine, alone and beside others?
// Varies: bytes that are walked over; how many walks are under way at once, each of whose steps
// waits for the one before. Fixed: one thread, lines of 64 bytes in one random cycle for each walk,
// in huge pages where the system gives them, seed 1. Reports: time per line visited. The cost model
// in docs/performance.md rests on it.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/workload.h"

namespace firn::bench {
namespace {

struct alignas(64) Line {
  const Line* next;
};

constexpr size_t kHugePageBytes = size_t{2} << 20;

// Lines that lead to one another in a random order, and back to the first.
class Cycle {
 public:
  Cycle(size_t bytes, uint64_t seed) : bytes_(bytes) {
    lines_ = static_cast<Line*>(::operator new (bytes_, std::align_val_t{kHugePageBytes}));
    madvise(lines_, bytes_, MADV_HUGEPAGE);
    std::vector<uint32_t> order(bytes_ / sizeof(Line));
    std::iota(order.begin(), order.end(), 0u);
    SplitMix64 random{seed};
    for (size_t i = order.size() - 1; i > 0; --i)
      std::swap(order[i], order[random.Below(static_cast<uint32_t>(i + 1))]);
    for (size_t i = 0; i < order.size(); ++i) {
      new (&lines_[order[i]]) Line{&lines_[order[(i + 1) % order.size()]]};
    }
  }
  ~Cycle() { ::operator delete (lines_, std::align_val_t{kHugePageBytes}); }
  Cycle(const Cycle&) = delete;
  Cycle& operator=(const Cycle&) = delete;

  const Line* first() const { return lines_; }

 private:
  const size_t bytes_;
  Line* lines_;
};

void BM_LineVisited(benchmark::State& state) {
  constexpr size_t kSteps = 1024;
  const size_t bytes = static_cast<size_t>(state.range(0)) << 10;
  const size_t walks = static_cast<size_t>(state.range(1));
  std::vector<std::unique_ptr<Cycle>> cycles;
  std::vector<const Line*> at;
  for (size_t walk = 0; walk < walks; ++walk) {
    cycles.push_back(std::make_unique<Cycle>(bytes / walks, walk + 1));
    at.push_back(cycles.back()->first());
  }
  for (auto _ : state) {
    for (size_t step = 0; step < kSteps; ++step) {
      for (const Line*& line : at) line = line->next;
    }
    benchmark::DoNotOptimize(at.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSteps * walks));
}
BENCHMARK(BM_LineVisited)
    ->ArgNames({"KiB", "walks"})
    ->ArgsProduct({{16, 512, 8 << 10, IsSmokeRun() ? 16 << 10 : 256 << 10}, {1, 4, 16}});

}  // namespace
}  // namespace firn::bench
