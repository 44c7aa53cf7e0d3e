#include "engine/load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "engine/unshared_status.h"
#include "mvcc/bulk_load.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/mutex.h"

namespace firn::internal {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How often progress is told, at most.
constexpr auto kReportInterval = std::chrono::milliseconds(100);
// Entries that a thread loads before it adds them up.
constexpr uint64_t kCountedTogether = 1024;

// Adds up what several threads have loaded, and tells the listener.
class Progress {
 public:
  Progress(Listener* listener, uint64_t expected_bytes) : listener_(listener) {
    sum_.expected_bytes = expected_bytes;
  }

  void Add(uint64_t entries, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (listener_ == nullptr) return;
    const MutexLock lock(mutex_);  // One thread at a time tells.
    sum_.entries += entries;
    sum_.bytes += bytes;
    const SteadyClock::time_point now = SteadyClock::now();
    if (now < next_report_) return;
    next_report_ = now + kReportInterval;
    listener_->OnLoadProgress(sum_);
  }
  void Finish() ABSL_LOCKS_EXCLUDED(mutex_) {
    if (listener_ == nullptr) return;
    const MutexLock lock(mutex_);
    listener_->OnLoadProgress(sum_);
  }

 private:
  Listener* const listener_;
  Mutex mutex_;
  LoadProgress sum_ ABSL_GUARDED_BY(mutex_);
  SteadyClock::time_point next_report_ ABSL_GUARDED_BY(mutex_) =
      SteadyClock::now() + kReportInterval;
};

absl::Status LoadRun(const Store& store, const KeyRange& range, Progress& progress, BulkRun& run) {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  absl::Status status = store.Load(range, [&](const StoreEntry& entry) {
    run.Add(entry.key, entry.value, entry.commit_ts.value);
    bytes += entry.key.size() + entry.value.size();
    if (++entries == kCountedTogether) {
      progress.Add(std::exchange(entries, 0), std::exchange(bytes, 0));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  run.Finish();
  progress.Add(entries, bytes);
  return absl::OkStatus();
}

}  // namespace

absl::Status LoadStore(const Store& store, size_t threads, Listener* listener,
                       VersionedMap& versioned) {
  absl::StatusOr<std::vector<std::string>> cuts = store.SplitKeys(std::max<size_t>(1, threads));
  if (!cuts.ok()) return cuts.status();
  const size_t parts = cuts->size() + 1;
  std::vector<KeyRange> ranges(parts);
  std::vector<BulkRun> runs;
  runs.reserve(parts);
  for (size_t i = 0; i < parts; ++i) {
    if (i > 0) ranges[i].lower = (*cuts)[i - 1];
    if (i + 1 < parts) ranges[i].upper = (*cuts)[i];
    runs.emplace_back(versioned.map(), i > 0 ? (*cuts)[i - 1] : std::string(),
                      i + 1 < parts ? std::optional<std::string>((*cuts)[i]) : std::nullopt);
  }

  Progress progress(listener, store.disk_bytes());
  std::vector<absl::Status> statuses(parts);
  const auto load = [&](size_t i) {
    statuses[i] = CatchOutOfMemory("loading the store",
                                   [&] { return LoadRun(store, ranges[i], progress, runs[i]); });
  };
  std::vector<std::thread> helpers;
  helpers.reserve(parts);
  std::atomic<size_t> next{1};
  const auto load_others = [&] {
    // relaxed: each index goes to one thread; the join orders the rest.
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < parts;) load(i);
  };
  try {
    while (helpers.size() + 1 < parts) helpers.emplace_back(load_others);
  } catch (const std::system_error&) {
    // Those that did start, and this thread, share the work.
  }
  load(0);
  load_others();
  for (std::thread& helper : helpers) helper.join();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return UnsharedStatus(status);
  }
  BulkLink(versioned.map(), runs);
  versioned.oracle().Reset(store.last_commit_ts().value);
  progress.Finish();
  return absl::OkStatus();
}

}  // namespace firn::internal
