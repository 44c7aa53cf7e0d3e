// Question: what do overwrites under an old snapshot do to those who never use it, and to one who
// reads at it?
// Varies: overwrites since the old snapshot was taken; snapshots held: none, one, or the newest
// hundred of those taken meanwhile. Fixed: 1,000 neighbouring hot keys among 1,000,000 entries of
// 16+100 bytes, one thread, seed 1. Reports: time of a scan of the hot keys, live or at the oldest of
// a hundred snapshots, and per overwrite; versions kept per hot key.
#include <benchmark/benchmark.h>

#include "bench/check.h"
#include "bench/hot_keys.h"
#include "bench/loaded_db.h"

namespace firn::bench {
namespace {

// An own Db: it does not stay as it was loaded.
struct HotDb {
  HotDb() : hot(BenchWorkload(), IsSmokeRun() ? 100 : 1000) {
    PutAll(peer, BenchWorkload());
    peer.Settle();
  }
  FirnPeer peer;
  HotKeys hot;
  SplitMix64 random{7};
};

void BM_LiveScanUnderOldSnapshot(benchmark::State& state) {
  HotDb db;
  FirnPeer::View old = db.peer.OpenView("old");
  const Checksum old_content = db.hot.Content();
  for (int64_t i = 0; i < state.range(0); ++i) db.hot.OverwriteOne(db.peer, db.random);
  const Checksum content = db.hot.Content();
  for (auto _ : state) {
    FirnPeer::View live = db.peer.OpenView("live");
    CheckEqual(db.hot.Scan(live), content, "live scan");
  }
  CheckEqual(db.hot.Scan(old), old_content, "old snapshot");
  state.counters["versions_per_key"] = db.hot.VersionsPerKey(db.peer.Stats());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(db.hot.count()));
}
BENCHMARK(BM_LiveScanUnderOldSnapshot)
    ->ArgName("overwrites")
    ->Arg(0)
    ->Arg(1'000)
    ->Arg(IsSmokeRun() ? 2'000 : 2'000'000)
    ->Unit(benchmark::kMicrosecond);

// At the oldest of so many, which was there before all overwrites; settled.
void BM_ScanAtOldestSnapshot(benchmark::State& state) {
  constexpr size_t kBetween = 20'000;
  HotDb db;
  const Checksum content = db.hot.Content();
  std::vector<FirnPeer::View> held;
  for (int64_t i = 0; i < state.range(0); ++i) {
    held.push_back(db.peer.OpenView("held"));
    for (size_t j = 0; j < kBetween; ++j) db.hot.OverwriteOne(db.peer, db.random);
  }
  db.peer.Settle();
  for (auto _ : state) CheckEqual(db.hot.Scan(held.front()), content, "oldest snapshot");
  state.counters["versions_per_key"] = db.hot.VersionsPerKey(db.peer.Stats());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(db.hot.count()));
}
BENCHMARK(BM_ScanAtOldestSnapshot)
    ->ArgName("snapshots")
    ->Arg(1)
    ->Arg(IsSmokeRun() ? 2 : 100)
    ->Unit(benchmark::kMicrosecond);

void BM_OverwriteUnderOldSnapshot(benchmark::State& state, bool hold) {
  HotDb db;
  std::optional<FirnPeer::View> old;
  if (hold) old = db.peer.OpenView("old");
  for (auto _ : state) db.hot.OverwriteOne(db.peer, db.random);
  state.counters["versions_per_key"] = db.hot.VersionsPerKey(db.peer.Stats());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(BM_OverwriteUnderOldSnapshot, None, false);
BENCHMARK_CAPTURE(BM_OverwriteUnderOldSnapshot, One, true);

// A snapshot after each 20,000 overwrites, the newest hundred of them held.
void BM_OverwriteUnderSnapshotsTakenMeanwhile(benchmark::State& state) {
  constexpr size_t kHeld = 100;
  constexpr size_t kBetween = 20'000;
  HotDb db;
  std::vector<FirnPeer::View> held;
  size_t overwrites = 0;
  const auto overwrite = [&] {
    db.hot.OverwriteOne(db.peer, db.random);
    if (++overwrites % kBetween != 0) return;
    FirnPeer::View view = db.peer.OpenView("meanwhile");
    if (held.size() < kHeld) {
      held.push_back(std::move(view));
    } else {
      held[overwrites / kBetween % kHeld] = std::move(view);
    }
  };
  while (held.size() < (IsSmokeRun() ? 1 : kHeld)) overwrite();
  for (auto _ : state) overwrite();
  state.counters["versions_per_key"] = db.hot.VersionsPerKey(db.peer.Stats());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_OverwriteUnderSnapshotsTakenMeanwhile);

}  // namespace
}  // namespace firn::bench
