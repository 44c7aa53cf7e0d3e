// Many callers that want their commits on disk share one fsync.
#ifndef FIRN_ENGINE_SYNC_GATE_H_
#define FIRN_ENGINE_SYNC_GATE_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "engine/store.h"
#include "firn/types.h"
#include "mvcc/mutex.h"

namespace firn::internal {

// A SyncGate lets one caller at a time sync the store. Those who come meanwhile wait for the
// next sync, which one of them does for all.
//
// Thread-safety: any thread.
// Lifetime: the store outlives it.
class SyncGate {
 public:
  explicit SyncGate(Store& store) : store_(store) {}

  // Returns once all commits up to `ts`, which the store has, survive a power cut.
  absl::Status WaitSynced(CommitTs ts) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Store& store_;
  Mutex mutex_;
  CondVar synced_;
  bool syncing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_SYNC_GATE_H_
