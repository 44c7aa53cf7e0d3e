#include "tools/history/soak.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "firn/db.h"
#include "tools/history/checker.h"
#include "tools/history/material.h"
#include "tools/history/random_client.h"

namespace firn::history {
namespace {

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

// So small that every few writes change the structure; which sizes, the seed decides.
Options DbOptions(uint64_t seed, Durability durability) {
  Options options;
  options.durability = durability;
  options.background = BackgroundMode::kThread;
  options.tuning.block_bytes = 128 << seed % 4;
  options.tuning.block_entries = 3 + seed / 4 % 6;
  options.tuning.delta_slots = 2 + seed / 3 % 5;
  options.tuning.inner_fanout = 4 + seed / 5 % 8;
  options.tuning.large_value_bytes = 64;
  options.tuning.settle_idle_us = 200;
  return options;
}

// One run: the Db, its clients, and the checker.
class Soak {
 public:
  explicit Soak(const SoakOptions& options)
      : options_(options), keys_(options.keys), checker_(keys_) {
    report_.options = options;
    for (uint32_t i = 0; i < options.threads; ++i) {
      clients_.push_back(std::make_unique<RandomClient>(i, options.seed * 1009 + i, keys_));
    }
    observer_ = std::make_unique<RandomClient>(static_cast<uint32_t>(options.threads), 0, keys_);
  }

  absl::Status RunPhase() {
    if (absl::Status status = OpenDb(); !status.ok()) return status;
    const auto begin = SteadyClock::now();
    for (const auto& client : clients_) client->Use(db_.get(), &shared_, on_disk());
    observer_->Use(db_.get(), &shared_, on_disk());
    LookAround();
    RenewShared();
    RunClients();
    LookAround();
    report_.run_seconds += SecondsSince(begin);
    CheckPhase();
    return on_disk() || IsDone() ? CloseDb() : absl::OkStatus();
  }

  bool IsDone() const {
    return report_.operations >= options_.operations || report_.anomaly_count != 0;
  }
  const SoakReport& report() const { return report_; }

 private:
  bool on_disk() const { return !options_.directory.empty(); }

  absl::Status OpenDb() {
    if (db_ != nullptr) return absl::OkStatus();
    const bool async = report_.phases % 2 == 1;
    Options options = DbOptions(options_.seed, async ? Durability::kAsync : Durability::kBuffered);
    options.error_if_exists = report_.phases == 0;
    if (report_.phases > 0) ++report_.reopens;
    absl::StatusOr<std::unique_ptr<Db>> db =
        on_disk() ? Db::Open(options, options_.directory) : Db::OpenInMemory(options);
    if (!db.ok()) return db.status();
    db_ = *std::move(db);
    return absl::OkStatus();
  }

  absl::Status CloseDb() {
    for (const auto& client : clients_) client->DropViews();
    shared_.clear();
    const absl::StatusOr<DbStats> stats = db_->Stats();
    if (!stats.ok()) return stats.status();
    report_.freezes += stats->freeze_count;
    report_.splits += stats->split_count;
    report_.merges += stats->merge_count;
    report_.pruned_versions += stats->pruned_version_count;
    if (absl::Status status = db_->Close(); !status.ok()) return status;
    db_.reset();
    return absl::OkStatus();
  }

  // Sees all of the Db while nobody writes: after an opening, that is what was found on disk.
  void LookAround() {
    Recorder& recorder = observer_->recorder();
    const Snapshot now = recorder.TakeSnapshot("soak: everything");
    recorder.RangeCallback(&now, keys_.all(), keys_.size() + 1);
  }

  // Snapshots that all clients read through at once, for a few phases.
  void RenewShared() {
    constexpr size_t kShared = 3;
    if (shared_.size() == kShared) shared_.erase(shared_.begin());
    shared_.push_back(observer_->recorder().TakeSnapshot("soak: shared"));
  }

  void RunClients() {
    const uint64_t left = options_.operations - report_.operations;
    const uint64_t planned = std::min(left, options_.phase_operations);
    const uint64_t each = (planned + options_.threads - 1) / options_.threads;
    std::vector<std::thread> threads;
    for (const auto& client : clients_) {
      threads.emplace_back([&client, each] {
        const uint64_t end = client->recorder().call_count() + each;
        while (client->recorder().call_count() < end) client->MakeCall();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void CheckPhase() {
    const auto begin = SteadyClock::now();
    std::vector<Log> logs = {observer_->recorder().TakeLog()};
    std::vector<CommitTs> held;
    for (const Snapshot& snapshot : shared_) held.push_back(snapshot.ts());
    for (const auto& client : clients_) {
      logs.push_back(client->recorder().TakeLog());
      client->AddHeld(&held);
    }
    for (const Log& log : logs) {
      report_.operations += log.operations.size();
      for (const Operation& operation : log.operations) {
        ++report_.by_verb[static_cast<size_t>(operation.verb)];
      }
    }
    checker_.CheckPhase(logs, std::move(held));
    ++report_.phases;
    report_.commits = checker_.commit_count();
    report_.sightings = checker_.sighting_count();
    report_.anomaly_count = checker_.anomaly_count();
    report_.anomalies = checker_.anomalies();
    report_.check_seconds += SecondsSince(begin);
  }

  const SoakOptions options_;
  const KeySet keys_;
  Checker checker_;
  SoakReport report_;
  std::unique_ptr<Db> db_;
  std::vector<Snapshot> shared_;
  std::vector<std::unique_ptr<RandomClient>> clients_;
  std::unique_ptr<RandomClient> observer_;  // This thread's.
};

}  // namespace

absl::StatusOr<SoakReport> RunSoak(const SoakOptions& options,
                                   absl::FunctionRef<bool(const SoakReport&)> progress) {
  if (options.threads == 0 || options.threads > 1000 || options.operations == 0 ||
      options.phase_operations == 0 || options.keys == 0) {
    return absl::InvalidArgumentError(
        "a soak takes 1 to 1,000 threads, and at least one operation, a phase and overall, and one "
        "key");
  }
  Soak soak(options);
  while (!soak.IsDone()) {
    if (absl::Status status = soak.RunPhase(); !status.ok()) return status;
    if (!progress(soak.report())) return absl::CancelledError("the soak was interrupted");
  }
  return soak.report();
}

}  // namespace firn::history
