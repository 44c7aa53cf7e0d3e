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
// How long a group that found no memory is left alone.
constexpr uint64_t kMemoryRetryUs = 10'000;

}  // namespace

AsyncQueue::AsyncQueue(Store& store, Limits limits) : store_(store), limits_(limits) {
  thread_.Start("async queue", [this] { Run(); });
}

AsyncQueue::~AsyncQueue() {
  Close().IgnoreError();
  const MutexLock lock(mutex_);
  while (head_ != nullptr) {
    QueuedCommit* const left = std::exchange(head_, head_->next);
    arena_.Return(left->chunk(), 1);
  }
}

absl::StatusOr<QueuedCommit*> AsyncQueue::Reserve(QueuedCommit::Points points,
                                                  QueuedCommit::Ranges ranges) {
  const size_t bytes = QueuedCommit::BytesOf(points, ranges);
  CommitArena::Piece piece;
  {
    const MutexLock lock(mutex_);
    while (true) {
      if (closed_) return ClosedError();
      if (absl::Status status = store_.status(); !status.ok()) return status;
      if (reserved_bytes_ == 0 || reserved_bytes_ + bytes <= limits_.bytes) break;
      changed_.Wait(mutex_);
    }
    piece = arena_.Take(bytes);
    reserved_bytes_ += bytes;
    ++reservation_count_;
  }
  return QueuedCommit::Create(piece, points, ranges);
}

void AsyncQueue::Unreserve(QueuedCommit* commit) {
  const MutexLock lock(mutex_);
  reserved_bytes_ -= commit->bytes();
  --reservation_count_;
  arena_.Return(commit->chunk(), 1);
  changed_.NotifyAll();
}

void AsyncQueue::Push(QueuedCommit* commit, CommitTs ts) noexcept {
  commit->ts = ts;
  const MutexLock lock(mutex_);
  const bool was_empty = tail_ == nullptr;
  (was_empty ? head_ : tail_->next) = commit;
  tail_ = commit;
  ++count_;
  queued_bytes_ += commit->bytes();
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
         (head_ != nullptr && wanted_ts_ >= head_->ts.value);
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
  Group group{head_, tail_};
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
  FreeFront(group);
  changed_.NotifyAll();
}

absl::Status AsyncQueue::WriteGroup(Group& group) {
  AtSchedulePoint("async:before_store");
  absl::Status status;
  try {
    std::vector<StoreCommit> commits;
    // Push() writes to the last one's link.
    for (QueuedCommit* each = group.first;; each = each->next) {
      if (!commits.empty() &&
          (group.bytes + each->bytes() > kGroupBytes || commits.size() >= kGroupCommits)) {
        break;
      }
      commits.push_back(each->view());
      group.bytes += each->bytes();
      group.last = each;
      if (group.pieces.empty() || group.pieces.back().chunk != each->chunk()) {
        group.pieces.push_back({each->chunk(), 0});
      }
      ++group.pieces.back().count;
      if (each == group.end) break;
    }
    status = store_.Write(commits, Durability::kBuffered);
  } catch (const std::bad_alloc&) {
    status = OutOfMemoryError("persisting commits");
  }
  AtSchedulePoint("async:after_store");
  return status;
}

void AsyncQueue::FreeFront(const Group& group) {
  queued_bytes_ -= group.bytes;
  reserved_bytes_ -= group.bytes;
  head_ = group.last->next;
  if (head_ == nullptr) tail_ = nullptr;
  for (const Group::Pieces& pieces : group.pieces) {
    count_ -= pieces.count;
    arena_.Return(pieces.chunk, pieces.count);
  }
}

}  // namespace firn::internal
