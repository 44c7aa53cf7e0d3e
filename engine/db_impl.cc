#include "engine/db_impl.h"

#include <new>
#include <utility>

#include "engine/limits.h"
#include "engine/reads.h"
#include "engine/system_clock.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/status.h"

namespace firn::internal {

DbImpl::DbImpl(const Options& options)
    : background_(options.background),
      map_(new VersionedMap(options.tuning, options.background, options.listener)),
      commits_(*map_, options.clock != nullptr ? *options.clock : *SystemClock()) {
  try {
    if (background_ == BackgroundMode::kThread) {
      settler_thread_ = std::thread([this] { map_->settler().Run(); });
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

absl::Status DbImpl::CheckWrite(const WriteOptions& options) const {
  if (map_->closed()) return ClosedError();
  if (options.durability.value_or(Durability::kMemory) != Durability::kMemory) {
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

Snapshot DbImpl::OpenSnapshot(SnapshotOptions options) {
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
        Finish(commits_.WriteIf(key, judge, value, options));
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
      if (newest.kind != ValueKind::kTombstone) result.old.emplace(newest.bytes());
      return true;
    };
    const absl::StatusOr<std::optional<CommitTs>> committed =
        Finish(commits_.WriteIf(key, judge, value, options));
    if (!committed.ok()) return committed.status();
    result.commit_ts = **committed;
    return result;
  });
}

absl::Status DbImpl::Close() {
  if (map_->Close()) return absl::OkStatus();
  map_->settler().Stop();
  if (settler_thread_.joinable()) settler_thread_.join();
  return absl::OkStatus();
}

}  // namespace firn::internal
