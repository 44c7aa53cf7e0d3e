#include "mvcc/snapshot_registry.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "mvcc/check.h"

namespace firn::internal {
namespace {

uint64_t WallNanos() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

int32_t SnapshotRegistry::AskThreadNumber() {
  os_thread_number = static_cast<int32_t>(syscall(SYS_gettid));
  return os_thread_number;
}

std::vector<LiveSnapshot> SnapshotRegistry::List(bool* closed_any) {
  // Gives up the lister's own handle, also when copying a label throws.
  struct HandleOfLister {
    SnapshotRegistry* registry;
    SnapshotSlot* slot;
    bool* closed_any;
    ~HandleOfLister() {
      const DroppedHandle dropped = registry->DropHandle(slot);
      FIRN_CHECK(!dropped.orphaned);
      if (dropped.last) *closed_any = true;
    }
  };

  *closed_any = false;
  const uint64_t now = MonotonicCoarseNanos();
  const uint64_t wall_now = WallNanos();
  std::vector<LiveSnapshot> found;
  pins_.ForEachSlot([&](SnapshotSlot& slot) {
    if (!pins_.TryAddHandle(&slot)) return;
    AtSchedulePoint("registry:listing");
    HandleOfLister handle{this, &slot, closed_any};
    const SnapshotRecord& record = slot.record;
    LiveSnapshot snapshot;
    snapshot.ts = slot.ts;
    snapshot.label = record.label;
    snapshot.owner =
        record.owner.empty() ? "thread " + std::to_string(record.thread_number) : record.owner;
    // Opened after `now` was read: just now.
    snapshot.age_nanos = now - std::min(now, record.opened_at_nanos);
    snapshot.opened_at_nanos = wall_now - snapshot.age_nanos;
    found.push_back(std::move(snapshot));
  });
  std::sort(found.begin(), found.end(),
            [](const LiveSnapshot& a, const LiveSnapshot& b) { return a.ts < b.ts; });
  return found;
}

}  // namespace firn::internal
