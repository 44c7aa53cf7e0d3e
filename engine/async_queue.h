// Commits that are visible and on their way to the store.
#ifndef FIRN_ENGINE_ASYNC_QUEUE_H_
#define FIRN_ENGINE_ASYNC_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/normalized_batch.h"
#include "engine/store.h"
#include "firn/types.h"
#include "mvcc/mutex.h"
#include "mvcc/thread.h"

namespace firn::internal {

// A copy of one commit's operations, waiting to be persisted.
class QueuedCommit {
 public:
  // Throws std::bad_alloc.
  QueuedCommit(std::span<const NormalizedBatch::PointOp> points,
               std::span<const NormalizedBatch::RangeDeleteSpan> ranges);

  StoreCommit view() const { return {ts_, points_, ranges_}; }
  size_t bytes() const { return bytes_; }

 private:
  friend class AsyncQueue;

  std::string bytes_of_keys_and_values_;
  absl::InlinedVector<NormalizedBatch::PointOp, 1> points_;  // Most commits are one put.
  std::vector<NormalizedBatch::RangeDeleteSpan> ranges_;
  size_t bytes_;
  CommitTs ts_;
  std::unique_ptr<QueuedCommit> next_;
};

// An AsyncQueue persists commits in commit order, on a thread of its own, some milliseconds
// after they became visible. Its way of failing: what stands in the queue when the store fails
// stays there until the store was resumed or the Db is closed, and no room is given any more.
//
//   Reserve()   before the commit latches anything: may wait, may refuse
//   Push()      in the commit's turn to publish: cannot fail; so queue order is stamp order
//   (or Unreserve(), if the commit came to nothing)
//
// Thread-safety: any thread; Push() one at a time.
// Lifetime: the store outlives it.
class AsyncQueue {
 public:
  struct Limits {
    uint64_t interval_us;
    size_t bytes;
  };
  // Throws std::system_error.
  AsyncQueue(Store& store, Limits limits);
  ~AsyncQueue();

  // Waits until the queue has room; a commit larger than the queue goes alone. An error: the
  // store has failed, or Close() was called.
  absl::Status Reserve(const QueuedCommit& commit) ABSL_LOCKS_EXCLUDED(mutex_);
  void Unreserve(const QueuedCommit& commit) ABSL_LOCKS_EXCLUDED(mutex_);
  void Push(std::unique_ptr<QueuedCommit> commit, CommitTs ts) noexcept ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns once the store has every commit up to `ts`, which were pushed.
  absl::Status WaitPersisted(CommitTs ts) ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs `work` while the thread leaves the store alone.
  absl::Status RunExclusive(absl::FunctionRef<absl::Status()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t unpersisted_count() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Refuses new commits, persists those that have a place, and ends the thread. If the store
  // has failed: its failure, at once.
  absl::Status Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // One by one: a chain of unique pointers would recurse.
  static void FreeChain(std::unique_ptr<QueuedCommit> first);

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  bool MustPersistNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Commits from the front of the queue. Thousands of them, spread over memory: so all that looks at
  // each of them does so without the mutex, for which every commit waits.
  struct Group {
    QueuedCommit* first;
    QueuedCommit* end;  // The last that stood in the queue.
    QueuedCommit* last = nullptr;
    size_t count = 0;
    size_t bytes = 0;
  };
  // Hands the front of the queue to the store. Gives the mutex up meanwhile.
  void PersistGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // As many as make a group. Requires: busy_, so that they stay.
  absl::Status WriteGroup(Group& group) ABSL_LOCKS_EXCLUDED(mutex_);
  std::unique_ptr<QueuedCommit> TakeFront(const Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  const Limits limits_;

  mutable Mutex mutex_;
  CondVar changed_;  // Anything below.
  std::unique_ptr<QueuedCommit> head_ ABSL_GUARDED_BY(mutex_);
  QueuedCommit* tail_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t reserved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;     // With those in the queue.
  size_t reservation_count_ ABSL_GUARDED_BY(mutex_) = 0;  // Not pushed yet.
  uint64_t wanted_ts_ ABSL_GUARDED_BY(mutex_) = 0;        // Somebody waits for commits up to here.
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;             // The store is in use, by anybody.
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;

  Thread thread_;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ASYNC_QUEUE_H_
