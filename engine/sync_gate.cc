#include "engine/sync_gate.h"

#include "mvcc/schedule_point.h"

namespace firn::internal {

absl::Status SyncGate::WaitSynced(CommitTs ts) {
  while (store_.synced_ts() < ts) {
    {
      const MutexLock lock(mutex_);
      if (syncing_) {
        synced_.Wait(mutex_);
        continue;  // That sync may have begun too early for `ts`.
      }
      syncing_ = true;
    }
    AtSchedulePoint("sync:before_store");
    const absl::Status status = store_.Sync().status();
    AtSchedulePoint("sync:after_store");
    const MutexLock lock(mutex_);
    syncing_ = false;
    synced_.NotifyAll();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace firn::internal
