// Commits that are visible and on their way to the store.
#ifndef FIRN_ENGINE_ASYNC_QUEUE_H_
#define FIRN_ENGINE_ASYNC_QUEUE_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/commit_arena.h"
#include "engine/queued_commit.h"
#include "engine/store.h"
#include "firn/types.h"
#include "mvcc/mutex.h"
#include "mvcc/thread.h"

namespace firn::internal {

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

  // A copy of a commit, to be pushed or unreserved. Waits until the queue has room; a commit larger
  // than the queue goes alone. An error: the store has failed, or Close() was called. Throws
  // std::bad_alloc.
  absl::StatusOr<QueuedCommit*> Reserve(QueuedCommit::Points points, QueuedCommit::Ranges ranges)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Unreserve(QueuedCommit* commit) ABSL_LOCKS_EXCLUDED(mutex_);
  void Push(QueuedCommit* commit, CommitTs ts) noexcept ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns once the store has every commit up to `ts`, which were pushed.
  absl::Status WaitPersisted(CommitTs ts) ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs `work` while the thread leaves the store alone.
  absl::Status RunExclusive(absl::FunctionRef<absl::Status()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t unpersisted_count() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Refuses new commits, persists those that have a place, and ends the thread. If the store
  // has failed: its failure, at once.
  absl::Status Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  bool MustPersistNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Commits from the front of the queue. Thousands of them: so all that looks at
  // each of them does so without the mutex, for which every commit waits.
  struct Group {
    QueuedCommit* first;
    QueuedCommit* end;  // The last that stood in the queue.
    QueuedCommit* last = nullptr;
    size_t bytes = 0;
    // How many of them stand in each chunk, in their order.
    struct Pieces {
      CommitArena::Chunk* chunk;
      size_t count;
    };
    absl::InlinedVector<Pieces, 32> pieces = {};
  };
  // Hands the front of the queue to the store. Gives the mutex up meanwhile.
  void PersistGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // As many as make a group. Requires: busy_, so that they stay.
  absl::Status WriteGroup(Group& group) ABSL_LOCKS_EXCLUDED(mutex_);
  void FreeFront(const Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  const Limits limits_;

  mutable Mutex mutex_;
  CondVar changed_;  // Anything below.
  CommitArena arena_ ABSL_GUARDED_BY(mutex_);
  QueuedCommit* head_ ABSL_GUARDED_BY(mutex_) = nullptr;
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
