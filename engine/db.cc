#include "firn/db.h"

#include <system_error>
#include <utility>

#include "engine/db_impl.h"
#include "engine/inspect.h"
#include "engine/limits.h"
#include "engine/normalized_batch.h"
#include "engine/pinned_read.h"
#include "engine/range_callback.h"
#include "engine/reads.h"
#include "engine/rocksdb_store.h"
#include "iterator/snapshot_iterator.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/status.h"

namespace firn {

using internal::CatchOutOfMemory;
using internal::DbImpl;
using internal::LatestView;
using internal::SnapshotIterator;
using internal::ValueKind;
using internal::VersionView;

namespace {

bool IsValue(const VersionView& version) { return version.kind != ValueKind::kTombstone; }

bool Equals(const VersionView& version, const std::optional<std::string_view>& expected) {
  return IsValue(version) == expected.has_value() && (!expected || version.bytes() == *expected);
}

}  // namespace

Db::Db(std::unique_ptr<DbImpl> impl) : impl_(std::move(impl)) {}

// A child of the process that opened it leaves all as it is: threads that held locks of it are
// not there any more, and the files are the parent's.
Db::~Db() {
  if (impl_ != nullptr && impl_->forked()) (void)impl_.release();
}

absl::StatusOr<std::unique_ptr<Db>> Db::Open(const Options& options, std::string_view path) {
  if (absl::Status status = internal::CheckOpenOptions(options); !status.ok()) return status;
  try {
    auto impl = DbImpl::Open(options, std::string(path));
    if (!impl.ok()) return impl.status();
    return std::unique_ptr<Db>(new Db(*std::move(impl)));
  } catch (const std::bad_alloc&) {
    return internal::OutOfMemoryError("opening a Db");
  } catch (const std::system_error&) {
    return internal::OutOfMemoryError("starting the Db's background threads");
  }
}

absl::Status Db::Destroy(std::string_view path) {
  return CatchOutOfMemory("deleting a Db",
                          [&] { return internal::DestroyRocksdbStore(std::string(path)); });
}

absl::StatusOr<std::unique_ptr<Db>> Db::OpenInMemory(const Options& options) {
  if (absl::Status status = internal::CheckTuning(options.tuning); !status.ok()) return status;
  try {
    return std::unique_ptr<Db>(new Db(std::make_unique<DbImpl>(options)));
  } catch (const std::bad_alloc&) {
    return internal::OutOfMemoryError("opening a Db");
  } catch (const std::system_error&) {
    return internal::OutOfMemoryError("starting the Db's background thread");
  }
}

absl::Status Db::Close() { return impl_->Close(); }

// --- Reads ---------------------------------------------------------------------------

absl::StatusOr<std::optional<std::string>> Db::Get(std::string_view key) const {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return internal::GetCopy(impl_->map(), key, LatestView(impl_->map().oracle()));
}

absl::StatusOr<bool> Db::Get(std::string_view key, std::string* value) const {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return internal::GetInto(impl_->map(), key, LatestView(impl_->map().oracle()), value);
}

absl::StatusOr<std::optional<PinnedValue>> Db::GetPinned(std::string_view key) const {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return internal::PinKey(impl_->map(), key, LatestView(impl_->map().oracle()));
}

absl::StatusOr<std::vector<std::optional<std::string>>> Db::MultiGet(
    absl::Span<const std::string_view> keys) const {
  return GetSnapshot({.label = "multi-get"}).MultiGet(keys);
}

absl::Status Db::MultiGet(absl::Span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>* values) const {
  return GetSnapshot({.label = "multi-get"}).MultiGet(keys, values);
}

absl::StatusOr<bool> Db::Contains(std::string_view key) const {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return internal::ContainsKey(impl_->map(), key, LatestView(impl_->map().oracle()));
}

absl::StatusOr<uint64_t> Db::ApproximateCount(const KeyRange& range) const {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  if (absl::Status status = internal::CheckRange(range); !status.ok()) return status;
  return CatchOutOfMemory("estimating a range", [&]() -> absl::StatusOr<uint64_t> {
    return internal::Estimate(impl_->map(), range).entries;
  });
}

absl::StatusOr<uint64_t> Db::ApproximateBytes(const KeyRange& range) const {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  if (absl::Status status = internal::CheckRange(range); !status.ok()) return status;
  return CatchOutOfMemory("estimating a range", [&]() -> absl::StatusOr<uint64_t> {
    return internal::Estimate(impl_->map(), range).bytes;
  });
}

// --- Writes --------------------------------------------------------------------------

absl::StatusOr<CommitTs> Db::Put(std::string_view key, std::string_view value,
                                 const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, value, options); !status.ok()) return status;
  return impl_->Finish(impl_->commits().Write(key, value, options));
}

absl::StatusOr<CommitTs> Db::Delete(std::string_view key, const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, options); !status.ok()) return status;
  return impl_->Finish(impl_->commits().Write(key, std::nullopt, options));
}

absl::StatusOr<CommitTs> Db::DeleteRange(const KeyRange& range, const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(options); !status.ok()) return status;
  if (absl::Status status = internal::CheckRange(range); !status.ok()) return status;
  return CatchOutOfMemory("deleting a range", [&]() -> absl::StatusOr<CommitTs> {
    internal::NormalizedBatch batch;
    const bool empty = range.lower && range.upper && *range.lower == *range.upper;
    if (!empty) batch.ranges.push_back(range);
    return impl_->Finish(impl_->commits().Write(batch, options));
  });
}

absl::StatusOr<CommitTs> Db::Clear(const WriteOptions& options) {
  return DeleteRange(KeyRange{}, options);
}

absl::StatusOr<CommitTs> Db::Write(const WriteBatch& batch, const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(options); !status.ok()) return status;
  if (batch.empty()) {
    const CommitTs latest = LatestCommitTs();
    if (options.durability == Durability::kSync) {  // A barrier.
      if (absl::Status status = impl_->WaitDurable(latest); !status.ok()) return status;
    }
    return latest;
  }
  if (absl::Status status = internal::CheckBatch(batch); !status.ok()) return status;
  return CatchOutOfMemory("writing a batch", [&]() -> absl::StatusOr<CommitTs> {
    return impl_->Finish(impl_->commits().Write(internal::Normalize(batch), options));
  });
}

// --- Conditional writes --------------------------------------------------------------

absl::StatusOr<LoadOrStoreResult> Db::LoadOrStore(std::string_view key, std::string_view value,
                                                  const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, value, options); !status.ok()) return status;
  return impl_->LoadOrStore(key, value, options);
}

absl::StatusOr<LoadOrStoreResult> Db::LoadOrStore(
    std::string_view key, absl::FunctionRef<absl::StatusOr<std::string>()> factory,
    const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, options); !status.ok()) return status;
  return impl_->LoadOrMake(key, factory, options);
}

absl::StatusOr<ExchangeResult> Db::LoadAndDelete(std::string_view key,
                                                 const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, options); !status.ok()) return status;
  return impl_->Exchange(key, std::nullopt, options);
}

absl::StatusOr<ExchangeResult> Db::Swap(std::string_view key, std::string_view value,
                                        const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, value, options); !status.ok()) return status;
  return impl_->Exchange(key, value, options);
}

absl::StatusOr<std::optional<CommitTs>> Db::CompareAndSwap(std::string_view key,
                                                           std::optional<std::string_view> expected,
                                                           std::string_view value,
                                                           const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, value, options); !status.ok()) return status;
  return impl_->Finish(impl_->commits().WriteIf(
      key, [&](const VersionView& newest) { return Equals(newest, expected); }, value, options));
}

absl::StatusOr<std::optional<CommitTs>> Db::CompareAndDelete(
    std::string_view key, std::optional<std::string_view> expected, const WriteOptions& options) {
  if (absl::Status status = impl_->CheckWrite(key, options); !status.ok()) return status;
  return impl_->Finish(impl_->commits().WriteIf(
      key, [&](const VersionView& newest) { return Equals(newest, expected); }, std::nullopt,
      options));
}

// --- Snapshots and iterators -----------------------------------------------------------

Snapshot Db::GetSnapshot(SnapshotOptions options) const {
  return impl_->OpenSnapshot(std::move(options));
}

Iterator Db::NewIterator(const IteratorOptions& options) const {
  return SnapshotIterator::Open(&impl_->map(), nullptr, options);
}

absl::Status Db::Range(const IteratorOptions& options,
                       absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  return internal::VisitRange(NewIterator(options), visit);
}

CommitTs Db::LatestCommitTs() const { return CommitTs{impl_->map().oracle().visible()}; }

// --- Disk ----------------------------------------------------------------------------

absl::Status Db::Flush() { return impl_->Flush(); }

absl::Status Db::WaitDurable(CommitTs ts) { return impl_->WaitDurable(ts); }

absl::Status Db::Compact(const KeyRange& range) {
  if (absl::Status status = internal::CheckRange(range); !status.ok()) return status;
  return impl_->Compact(range);
}

absl::Status Db::Resume() { return impl_->Resume(); }

// --- Care ----------------------------------------------------------------------------

absl::Status Db::Settle() {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return CatchOutOfMemory("settling", [&]() -> absl::Status {
    impl_->map().settler().SettleAll();
    return absl::OkStatus();
  });
}

absl::StatusOr<bool> Db::StepBackgroundWork() {
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return CatchOutOfMemory("doing background work",
                          [&]() -> absl::StatusOr<bool> { return impl_->map().settler().Step(); });
}

absl::Status Db::VerifyInvariants() const { return impl_->VerifyInvariants(); }

absl::StatusOr<DbStats> Db::Stats() const { return impl_->Stats(); }

absl::StatusOr<std::vector<SnapshotInfo>> Db::LiveSnapshots() const {
  using Infos = std::vector<SnapshotInfo>;
  if (absl::Status status = impl_->CheckOpen(); !status.ok()) return status;
  return CatchOutOfMemory("listing snapshots", [&]() -> absl::StatusOr<Infos> {
    return internal::PriceSnapshots(impl_->map());
  });
}

}  // namespace firn
