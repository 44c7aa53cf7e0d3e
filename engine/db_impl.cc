#include "engine/db_impl.h"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/durable_first.h"
#include "engine/inspect.h"
#include "engine/limits.h"
#include "engine/load.h"
#include "engine/reads.h"
#include "engine/rocksdb_store.h"
#include "engine/system_clock.h"
#include "engine/unshared_status.h"
#include "engine/visible_first.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/status.h"

namespace firn::internal {

namespace {

constexpr size_t kMostLoadThreads = 8;

class RocksdbOpener final : public StoreOpener {
 public:
  absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options) override {
    return OpenRocksdbStore(options);
  }
};

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const Options& options, std::string path) {
  StoreOptions store_options{.path = std::move(path),
                             .create_if_missing = options.create_if_missing,
                             .error_if_exists = options.error_if_exists,
                             .read_only = options.read_only};
  if (options.listener != nullptr) {
    store_options.on_failure = [listener = options.listener](const absl::Status& status) {
      listener->OnStoreFailed(status);
    };
  }
  RocksdbOpener rocksdb;
  StoreOpener& opener = options.store_opener != nullptr ? *options.store_opener : rocksdb;
  return opener.Open(store_options);
}

size_t LoadThreads(const Options& options) {
  if (options.load_threads != 0) return options.load_threads;
  return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostLoadThreads);
}

std::unique_ptr<CommitPipeline> MakePipeline(const Options& options, VersionedMap& map,
                                             Store* store) {
  Clock& clock = options.clock != nullptr ? *options.clock : *SystemClock();
  if (store == nullptr || options.read_only) return std::make_unique<VisibleFirst>(map, clock);
  if (options.durability == Durability::kAsync) {
    return std::make_unique<VisibleFirst>(
        map, clock, *store,
        AsyncQueue::Limits{options.async_interval_us, options.async_queue_bytes});
  }
  return std::make_unique<DurableFirst>(map, *store, clock, options.durability);
}

}  // namespace

DbImpl::DbImpl(const Options& options) : DbImpl(options, nullptr) {}

absl::StatusOr<std::unique_ptr<DbImpl>> DbImpl::Open(const Options& options, std::string path) {
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(options, std::move(path));
  if (!store.ok()) return store.status();
  std::unique_ptr<DbImpl> db(new DbImpl(options, *std::move(store)));
  absl::Status loaded = LoadStore(*db->store_, LoadThreads(options), options.listener, *db->map_);
  if (loaded.ok()) loaded = db->store_->OnLoaded();
  if (!loaded.ok()) return loaded;
  return db;
}

DbImpl::DbImpl(const Options& options, std::unique_ptr<Store> store)
    : options_(options),
      store_(std::move(store)),
      map_(new VersionedMap(options.tuning, options.background, options.listener)) {
  try {
    commits_ = MakePipeline(options, *map_, store_.get());
    if (options.background == BackgroundMode::kThread) {
      settler_thread_.Start("settler", [this] { map_->settler().Run(); });
    }
  } catch (...) {
    map_->Abandon();
    throw;
  }
}

DbImpl::~DbImpl() {
  Close().IgnoreError();
  map_->Abandon();
}

absl::Status DbImpl::ForkedError() {
  return MakeError(ErrorKind::kForked,
                   "this Db was opened before fork() and belongs to the parent process; open "
                   "another one in the child");
}

absl::Status DbImpl::CheckWrite(const WriteOptions& options) const {
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  if (options_.read_only && store_ != nullptr) {
    return MakeError(ErrorKind::kReadOnly,
                     "this Db was opened with Options::read_only; open it without to write");
  }
  if (store_ == nullptr &&
      options.durability.value_or(Durability::kMemory) != Durability::kMemory) {
    return MakeError(ErrorKind::kNoStore,
                     "WriteOptions::durability asks for more than memory, but this Db was opened "
                     "in memory and has no store; leave it unset");
  }
  return absl::OkStatus();
}

absl::Status DbImpl::CheckWrite(std::string_view key, const WriteOptions& options) const {
  if (absl::Status status = CheckWrite(options); !status.ok()) return status;
  return CheckKey(key);
}

absl::Status DbImpl::CheckWrite(std::string_view key, std::string_view value,
                                const WriteOptions& options) const {
  if (absl::Status status = CheckWrite(key, options); !status.ok()) return status;
  return CheckValue(value);
}

Snapshot DbImpl::OpenSnapshot(SnapshotOptions&& options) {
  if (absl::Status status = CheckOpen(); !status.ok()) return Snapshot(std::move(status));
  try {
    SnapshotSlot* slot = map_->PinSnapshot(std::move(options.label), std::move(options.owner));
    return Snapshot(map_, slot, CommitTs{slot->ts});
  } catch (const std::bad_alloc&) {
    return Snapshot(OutOfMemoryError("opening a snapshot"));
  }
}

absl::StatusOr<LoadOrStoreResult> DbImpl::LoadOrStore(std::string_view key, std::string_view value,
                                                      const WriteOptions& options) {
  using Result = absl::StatusOr<LoadOrStoreResult>;
  return CatchOutOfMemory("storing a value if there is none", [&]() -> Result {
    // The answer is made beforehand: once committed, nothing may fail.
    LoadOrStoreResult result{std::string(value), false, {}};
    const auto judge = [&](const VersionView& newest) {
      if (newest.kind == ValueKind::kTombstone) return true;
      result = {std::string(newest.bytes()), true, CommitTs{newest.commit_ts}};
      return false;
    };
    const absl::StatusOr<std::optional<CommitTs>> committed =
        Finish(commits_->WriteIf(key, judge, value, options));
    if (!committed.ok()) return committed.status();
    if (*committed) result.commit_ts = **committed;
    return result;
  });
}

absl::StatusOr<LoadOrStoreResult> DbImpl::LoadOrMake(
    std::string_view key, absl::FunctionRef<absl::StatusOr<std::string>()> factory,
    const WriteOptions& options) {
  using Loaded = std::optional<LoadOrStoreResult>;
  const auto load = [&]() -> absl::StatusOr<Loaded> {
    Loaded loaded;
    ReadKey(*map_, key, LatestView(map_->oracle()), [&](const VersionView& version) {
      loaded = LoadOrStoreResult{std::string(version.bytes()), true, CommitTs{version.commit_ts}};
    });
    return loaded;
  };
  const auto store = [&](std::string value) -> absl::StatusOr<LoadOrStoreResult> {
    if (absl::Status status = CheckWrite(key, value, options); !status.ok()) return status;
    return LoadOrStore(key, value, options);
  };
  return CatchOutOfMemory("storing a made value",
                          [&] { return factories_.Run(key, load, factory, store); });
}

absl::StatusOr<ExchangeResult> DbImpl::Exchange(std::string_view key,
                                                std::optional<std::string_view> value,
                                                const WriteOptions& options) {
  using Result = absl::StatusOr<ExchangeResult>;
  return CatchOutOfMemory("exchanging a value", [&]() -> Result {
    ExchangeResult result;
    const auto judge = [&](const VersionView& newest) {
      result.old.reset();
      if (newest.kind != ValueKind::kTombstone) result.old.emplace(newest.bytes());
      return true;
    };
    const absl::StatusOr<std::optional<CommitTs>> committed =
        Finish(commits_->WriteIf(key, judge, value, options));
    if (!committed.ok()) return committed.status();
    result.commit_ts = **committed;
    return result;
  });
}

// --- Disk ----------------------------------------------------------------------------

absl::Status DbImpl::CheckOnDisk() const {
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  if (store_ != nullptr) return absl::OkStatus();
  return MakeError(ErrorKind::kNotOnDisk,
                   "this Db was opened in memory and has no store; open it with Db::Open()");
}

absl::Status DbImpl::Flush() {
  if (absl::Status status = CheckOnDisk(); !status.ok()) return status;
  if (absl::Status status = CheckWrite(WriteOptions{}); !status.ok()) return status;
  return commits_->RunExclusive([this] { return store_->Flush(); });
}

absl::Status DbImpl::WaitDurable(CommitTs ts) {
  if (absl::Status status = CheckOnDisk(); !status.ok()) return status;
  if (ts > CommitTs{map_->oracle().visible()}) {
    return MakeError(ErrorKind::kBadOption,
                     "WaitDurable() was given a timestamp above LatestCommitTs()");
  }
  if (options_.read_only) return absl::OkStatus();  // Nothing but what is on disk is visible.
  return commits_->WaitDurable(ts);
}

absl::Status DbImpl::Compact(const KeyRange& range) {
  if (absl::Status status = CheckOnDisk(); !status.ok()) return status;
  if (absl::Status status = CheckWrite(WriteOptions{}); !status.ok()) return status;
  return store_->Compact(range);
}

absl::Status DbImpl::Resume() {
  if (store_ == nullptr || options_.read_only) return CheckOpen();
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  return commits_->Resume();
}

absl::Status DbImpl::VerifyInvariants() {
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  return CatchOutOfMemory("verifying the Db", [&]() -> absl::Status {
    if (absl::Status status = VerifyStructure(*map_); !status.ok()) return status;
    return store_ == nullptr ? absl::OkStatus() : store_->VerifyFiles();
  });
}

absl::StatusOr<DbStats> DbImpl::Stats() {
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  return CatchOutOfMemory("gathering statistics", [&]() -> absl::StatusOr<DbStats> {
    DbStats stats = GatherStats(*map_);
    if (store_ == nullptr) return stats;
    stats.synced_ts = store_->synced_ts();
    stats.persisted_ts = store_->last_commit_ts();
    stats.unpersisted_commit_count = commits_->unpersisted_count();
    stats.disk_bytes = store_->disk_bytes();
    return stats;
  });
}

absl::Status DbImpl::Close() {
  if (forked()) return ForkedError();
  const MutexLock lock(close_mutex_);
  if (closed_) return *closed_;
  map_->Close();
  const absl::Status stored = store_ == nullptr ? absl::OkStatus() : CloseStore();
  map_->settler().Stop();
  if (settler_thread_.joinable()) settler_thread_.Join();
  closed_ = UnsharedStatus(stored);
  return stored;
}

absl::Status DbImpl::CloseStore() {
  absl::Status status = commits_->Close();
  const size_t lost = commits_->unpersisted_count();
  const absl::Status closed = store_->Close();
  if (status.ok()) status = closed;
  if (status.ok() || lost == 0) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), "; ", lost,
                                                  " commits were visible and are not persisted"));
}

}  // namespace firn::internal
