#include "engine/async_queue.h"

#include <algorithm>
#include <new>
#include <utility>

#include "mvcc/schedule_point.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

// One write to the store takes about as much.
constexpr size_t kGroupBytes = size_t{1} << 20;
constexpr size_t kGroupCommits = 4096;
// What a commit takes beside its keys and values.
constexpr size_t kCommitOverhead = sizeof(QueuedCommit) + 64;
// How long a group that found no memory is left alone.
constexpr uint64_t kMemoryRetryUs = 10'000;

}  // namespace

QueuedCommit::QueuedCommit(std::span<const NormalizedBatch::PointOp> points,
                           std::span<const NormalizedBatch::RangeDeleteSpan> ranges)
    : points_(points.begin(), points.end()), ranges_(ranges.begin(), ranges.end()) {
  const auto each_view = [&](const auto& visit) {
    for (NormalizedBatch::PointOp& point : points_) {
      visit(point.key);
      if (point.value) visit(*point.value);
    }
    for (NormalizedBatch::RangeDeleteSpan& range : ranges_) {
      if (range.lower) visit(*range.lower);
      if (range.upper) visit(*range.upper);
    }
  };
  size_t size = 0;
  each_view([&](const std::string_view& view) { size += view.size(); });
  bytes_of_keys_and_values_.reserve(size);
  each_view([&](std::string_view& view) {
    const size_t at = bytes_of_keys_and_values_.size();
    bytes_of_keys_and_values_.append(view);
    view = {bytes_of_keys_and_values_.data() + at, view.size()};
  });
  bytes_ = kCommitOverhead + size + points_.size() * sizeof(NormalizedBatch::PointOp) +
           ranges_.size() * sizeof(NormalizedBatch::RangeDeleteSpan);
}

void AsyncQueue::FreeChain(std::unique_ptr<QueuedCommit> first) {
  while (first != nullptr) first = std::move(first->next_);
}

AsyncQueue::AsyncQueue(Store& store, Limits limits) : store_(store), limits_(limits) {
  thread_.Start("async queue", [this] { Run(); });
}

AsyncQueue::~AsyncQueue() {
  Close().IgnoreError();
  const MutexLock lock(mutex_);
  FreeChain(std::move(head_));
}

absl::Status AsyncQueue::Reserve(const QueuedCommit& commit) {
  const MutexLock lock(mutex_);
  while (true) {
    if (closed_) return ClosedError();
    if (absl::Status status = store_.status(); !status.ok()) return status;
    if (reserved_bytes_ == 0 || reserved_bytes_ + commit.bytes() <= limits_.bytes) break;
    changed_.Wait(mutex_);
  }
  reserved_bytes_ += commit.bytes();
  ++reservation_count_;
  return absl::OkStatus();
}

void AsyncQueue::Unreserve(const QueuedCommit& commit) {
  const MutexLock lock(mutex_);
  reserved_bytes_ -= commit.bytes();
  --reservation_count_;
  changed_.NotifyAll();
}

void AsyncQueue::Push(std::unique_ptr<QueuedCommit> commit, CommitTs ts) noexcept {
  commit->ts_ = ts;
  const MutexLock lock(mutex_);
  QueuedCommit* const added = commit.get();
  const bool was_empty = tail_ == nullptr;
  (was_empty ? head_ : tail_->next_) = std::move(commit);
  tail_ = added;
  ++count_;
  queued_bytes_ += added->bytes();
  --reservation_count_;
  if (was_empty || MustPersistNow()) changed_.NotifyAll();
}

absl::Status AsyncQueue::WaitPersisted(CommitTs ts) {
  const MutexLock lock(mutex_);
  while (store_.last_commit_ts() < ts) {
    if (absl::Status status = store_.status(); !status.ok()) return status;
    if (stop_) return ClosedError();
    if (wanted_ts_ < ts.value) {  // Only then: those who wait would else wake each other for ever.
      wanted_ts_ = ts.value;
      changed_.NotifyAll();
    }
    changed_.Wait(mutex_);
  }
  return absl::OkStatus();
}

absl::Status AsyncQueue::RunExclusive(absl::FunctionRef<absl::Status()> work) {
  {
    const MutexLock lock(mutex_);
    while (busy_) changed_.Wait(mutex_);
    if (stop_) return ClosedError();
    busy_ = true;
  }
  absl::Status status = work();
  const MutexLock lock(mutex_);
  busy_ = false;
  changed_.NotifyAll();
  return status;
}

size_t AsyncQueue::unpersisted_count() const {
  const MutexLock lock(mutex_);
  return count_;
}

absl::Status AsyncQueue::Close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
    // The store may fail meanwhile: whoever finds out notifies.
    while ((reservation_count_ > 0 || count_ > 0) && store_.status().ok() && !stop_) {
      changed_.Wait(mutex_);
    }
    while (reservation_count_ > 0) changed_.Wait(mutex_);  // They are about to push.
    stop_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.Join();
  return store_.status();
}

bool AsyncQueue::MustPersistNow() const {
  return closed_ || queued_bytes_ >= std::min(kGroupBytes, limits_.bytes / 2) ||
         (head_ != nullptr && wanted_ts_ >= head_->ts_.value);
}

void AsyncQueue::Run() {
  const MutexLock lock(mutex_);
  while (!stop_) {
    if (head_ == nullptr || busy_ || !store_.status().ok()) {
      changed_.Wait(mutex_);
      continue;
    }
    // Waits a little for company, unless there is a hurry.
    bool waited = false;
    while (!MustPersistNow() && !stop_ && !waited) {
      waited = !changed_.WaitFor(mutex_, limits_.interval_us);
    }
    while (head_ != nullptr && !busy_ && !stop_ && store_.status().ok()) PersistGroup();
  }
}

void AsyncQueue::PersistGroup() {
  Group group{head_.get(), tail_};
  busy_ = true;
  mutex_.Unlock();
  const absl::Status status = WriteGroup(group);
  mutex_.Lock();
  busy_ = false;
  if (!status.ok()) {
    if (store_.status().ok()) changed_.WaitFor(mutex_, kMemoryRetryUs);
    changed_.NotifyAll();
    return;
  }
  std::unique_ptr<QueuedCommit> written = TakeFront(group);
  changed_.NotifyAll();
  mutex_.Unlock();
  FreeChain(std::move(written));
  mutex_.Lock();
}

absl::Status AsyncQueue::WriteGroup(Group& group) {
  AtSchedulePoint("async:before_store");
  absl::Status status;
  try {
    std::vector<StoreCommit> commits;
    // Push() writes to the last one's link.
    for (QueuedCommit* each = group.first;; each = each->next_.get()) {
      if (!commits.empty() &&
          (group.bytes + each->bytes() > kGroupBytes || commits.size() >= kGroupCommits)) {
        break;
      }
      commits.push_back(each->view());
      group.bytes += each->bytes();
      group.last = each;
      if (each == group.end) break;
    }
    group.count = commits.size();
    status = store_.Write(commits, Durability::kBuffered);
  } catch (const std::bad_alloc&) {
    status = OutOfMemoryError("persisting commits");
  }
  AtSchedulePoint("async:after_store");
  return status;
}

std::unique_ptr<QueuedCommit> AsyncQueue::TakeFront(const Group& group) {
  queued_bytes_ -= group.bytes;
  reserved_bytes_ -= group.bytes;
  count_ -= group.count;
  std::unique_ptr<QueuedCommit> taken = std::move(head_);
  head_ = std::move(group.last->next_);
  if (head_ == nullptr) tail_ = nullptr;
  return taken;
}

}  // namespace firn::internal
