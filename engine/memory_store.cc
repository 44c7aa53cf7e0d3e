#include "engine/memory_store.h"

#include <algorithm>
#include <utility>

#include "engine/unshared_status.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/check.h"
#include "mvcc/status.h"

namespace firn::internal {

// --- The disk -----------------------------------------------------------------------

std::shared_ptr<MemoryDisk> MemoryDisk::Create() {
  return std::shared_ptr<MemoryDisk>(new MemoryDisk);
}

absl::StatusOr<std::unique_ptr<Store>> MemoryDisk::Open() {
  using Opened = absl::StatusOr<std::unique_ptr<Store>>;
  return CatchOutOfMemory("opening a store", [&]() -> Opened {
    const MutexLock lock(mutex_);
    if (held_) {
      return absl::UnavailableError("another store is open on this disk: close it first");
    }
    if (absl::Status status = Operate(); !status.ok()) return status;
    TakeStrayIn();
    std::unique_ptr<Store> store(new MemoryStore(shared_from_this()));
    held_ = true;
    return store;
  });
}

void MemoryDisk::FailOperation(uint64_t nth, Fault fault) {
  const MutexLock lock(mutex_);
  fault_at_ = operation_count_ + nth;
  fault_ = fault;
}

void MemoryDisk::Heal() {
  const MutexLock lock(mutex_);
  fault_at_ = 0;
}

uint64_t MemoryDisk::operation_count() const {
  const MutexLock lock(mutex_);
  return operation_count_;
}

void MemoryDisk::KillProcess() {
  const MutexLock lock(mutex_);
  ++incarnation_;
  held_ = false;
}

void MemoryDisk::CutPower(size_t kept) {
  const MutexLock lock(mutex_);
  TakeStrayIn();
  log_.resize(std::min(log_.size(), synced_count_ + kept));
  ++incarnation_;
  held_ = false;
}

size_t MemoryDisk::unsynced_group_count() const {
  const MutexLock lock(mutex_);
  return log_.size() - synced_count_;
}

absl::Status MemoryDisk::Operate() {
  ++operation_count_;
  const bool strikes = fault_at_ != 0 && (fault_.persists ? operation_count_ >= fault_at_
                                                          : operation_count_ == fault_at_);
  if (!strikes) return absl::OkStatus();
  const bool full = fault_.code == absl::StatusCode::kResourceExhausted;
  return absl::Status(fault_.code, full ? "the disk is full" : "an I/O error");
}

// Room in the log was made before the write that became the stray.
void MemoryDisk::TakeStrayIn() noexcept {
  if (!stray_.has_value()) return;
  log_.push_back(*std::move(stray_));
  stray_.reset();
}

// --- The store ------------------------------------------------------------------------

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk)
    : disk_(std::move(disk)), incarnation_(disk_->incarnation_) {
  for (const MemoryDisk::Group& group : disk_->log_) Apply(group, Staged(group));
  if (disk_->synced_count_ > 0) {
    synced_ts_ = disk_->log_[disk_->synced_count_ - 1].back().commit_ts;
  }
}

MemoryStore::~MemoryStore() {
  const MutexLock lock(disk_->mutex_);
  if (!closed_.has_value()) LetGo();
}

absl::Status MemoryStore::Write(absl::Span<const StoreCommit> group, Durability durability) {
  FIRN_CHECK(durability == Durability::kBuffered || durability == Durability::kSync);
  return CatchOutOfMemory("writing to the store", [&] {
    const MutexLock lock(disk_->mutex_);
    if (absl::Status status = CheckSound(); !status.ok()) return status;
    FIRN_CHECK(Ascends(group, last_commit_ts_));
    if (!group.empty()) return WriteLocked(group, durability);
    return durability == Durability::kSync ? SyncLocked() : absl::OkStatus();
  });
}

// All allocation comes before the first operation on the disk.
absl::Status MemoryStore::WriteLocked(absl::Span<const StoreCommit> group, Durability durability) {
  MemoryDisk::Group copied = Copied(group);
  std::vector<Entries> staged = Staged(copied);
  std::vector<MemoryDisk::Group>& log = disk_->log_;
  if (log.size() == log.capacity()) log.reserve(2 * log.size() + 1);

  if (absl::Status status = disk_->Operate(); !status.ok()) {
    if (disk_->fault_.lands) disk_->stray_ = std::move(copied);
    return Fail("writing commits", std::move(status));
  }
  if (durability == Durability::kSync) {
    if (absl::Status status = disk_->Operate(); !status.ok()) {
      disk_->stray_ = std::move(copied);
      return Fail("syncing commits", std::move(status));
    }
  }
  log.push_back(std::move(copied));
  Apply(log.back(), std::move(staged));
  if (durability == Durability::kSync) MarkSynced();
  return absl::OkStatus();
}

absl::StatusOr<CommitTs> MemoryStore::Sync() {
  return CatchOutOfMemory("syncing the store", [&]() -> absl::StatusOr<CommitTs> {
    const MutexLock lock(disk_->mutex_);
    if (absl::Status status = CheckSound(); !status.ok()) return status;
    if (absl::Status status = SyncLocked(); !status.ok()) return status;
    return synced_ts_;
  });
}

absl::Status MemoryStore::Flush() { return Sync().status(); }

absl::Status MemoryStore::SyncLocked() {
  if (absl::Status status = disk_->Operate(); !status.ok()) {
    if (disk_->fault_.lands) disk_->synced_count_ = disk_->log_.size();
    return Fail("syncing", std::move(status));
  }
  MarkSynced();
  return absl::OkStatus();
}

void MemoryStore::MarkSynced() noexcept {
  disk_->synced_count_ = disk_->log_.size();
  synced_ts_ = last_commit_ts_;
}

absl::Status MemoryStore::Load(const KeyRange& range,
                               absl::FunctionRef<absl::Status(const StoreEntry&)> visit) const {
  const MutexLock lock(disk_->mutex_);
  if (closed_.has_value()) return ClosedError();
  auto entry = range.lower ? entries_.lower_bound(*range.lower) : entries_.begin();
  for (; entry != entries_.end() && (!range.upper || entry->first < *range.upper); ++entry) {
    const auto& [key, value] = *entry;
    if (absl::Status status = visit({key, value.bytes, value.commit_ts}); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MemoryStore::SplitKeys(size_t parts) const {
  using Keys = absl::StatusOr<std::vector<std::string>>;
  return CatchOutOfMemory("choosing split keys", [&]() -> Keys {
    const MutexLock lock(disk_->mutex_);
    if (closed_.has_value()) return ClosedError();
    std::vector<std::string> keys;
    size_t part = 1;
    size_t place = 0;
    for (const auto& [key, value] : entries_) {
      if (part < parts && place > 0 && place >= part * entries_.size() / parts) {
        keys.push_back(key);
        ++part;
      }
      ++place;
    }
    return keys;
  });
}

CommitTs MemoryStore::last_commit_ts() const {
  const MutexLock lock(disk_->mutex_);
  return last_commit_ts_;
}

CommitTs MemoryStore::synced_ts() const {
  const MutexLock lock(disk_->mutex_);
  return synced_ts_;
}

absl::Status MemoryStore::status() const {
  const MutexLock lock(disk_->mutex_);
  return CheckSound();
}

absl::Status MemoryStore::Resume() {
  return CatchOutOfMemory("resuming the store", [&] {
    const MutexLock lock(disk_->mutex_);
    const bool may_resume = !closed_.has_value() && !WasKilled() &&
                            failure_.code() == absl::StatusCode::kResourceExhausted;
    if (!may_resume) {
      const absl::Status status = CheckSound();
      return status.ok() ? SyncLocked() : status;
    }
    if (absl::Status status = disk_->Operate(); !status.ok()) return StoreFailedError(status);
    disk_->stray_.reset();
    failure_ = absl::OkStatus();
    MarkSynced();
    return absl::OkStatus();
  });
}

absl::Status MemoryStore::Close() {
  return CatchOutOfMemory("closing the store", [&] {
    const MutexLock lock(disk_->mutex_);
    if (!closed_.has_value()) {
      absl::Status answer = CheckSound();
      if (answer.ok()) answer = SyncLocked();
      closed_ = std::move(answer);
      LetGo();
    }
    return UnsharedStatus(*closed_);
  });
}

void MemoryStore::LetGo() {
  if (!WasKilled()) disk_->held_ = false;
}

bool MemoryStore::WasKilled() const { return incarnation_ != disk_->incarnation_; }

absl::Status MemoryStore::CheckSound() const {
  if (closed_.has_value()) return ClosedError();
  if (WasKilled()) return StoreFailedError(absl::UnavailableError("its process was killed"));
  return failure_.ok() ? absl::OkStatus() : StoreFailedError(failure_);
}

absl::Status MemoryStore::Fail(std::string_view doing, absl::Status cause) noexcept {
  failure_ = std::move(cause);
  return OutcomeUnknownError(doing, failure_);
}

MemoryDisk::Group MemoryStore::Copied(absl::Span<const StoreCommit> group) {
  const auto owned = [](const std::optional<std::string_view>& view) {
    return view ? std::optional<std::string>(*view) : std::nullopt;
  };
  MemoryDisk::Group copied;
  copied.reserve(group.size());
  for (const StoreCommit& commit : group) {
    MemoryDisk::Commit& copy = copied.emplace_back();
    copy.commit_ts = commit.commit_ts;
    for (const NormalizedBatch::PointOp& point : commit.points) {
      copy.points.push_back({std::string(point.key), owned(point.value)});
    }
    for (const NormalizedBatch::RangeDeleteSpan& range : commit.ranges) {
      copy.ranges.push_back({owned(range.lower), owned(range.upper)});
    }
  }
  return copied;
}

std::vector<MemoryStore::Entries> MemoryStore::Staged(const MemoryDisk::Group& group) {
  std::vector<Entries> staged;
  staged.reserve(group.size());
  for (const MemoryDisk::Commit& commit : group) {
    Entries& puts = staged.emplace_back();
    for (const MemoryDisk::PointOp& point : commit.points) {
      if (point.value) puts.insert_or_assign(point.key, Value{*point.value, commit.commit_ts});
    }
  }
  return staged;
}

void MemoryStore::Apply(const MemoryDisk::Group& group, std::vector<Entries> staged) noexcept {
  for (size_t i = 0; i < group.size(); ++i) {
    for (const MemoryDisk::RangeDelete& range : group[i].ranges) {
      const auto begin = range.lower ? entries_.lower_bound(*range.lower) : entries_.begin();
      const auto end = range.upper ? entries_.lower_bound(*range.upper) : entries_.end();
      entries_.erase(begin, end);
    }
    for (const MemoryDisk::PointOp& point : group[i].points) {
      const auto entry = entries_.find(point.key);
      if (entry != entries_.end()) entries_.erase(entry);
    }
    entries_.merge(staged[i]);
    last_commit_ts_ = group[i].commit_ts;
  }
}

}  // namespace firn::internal
