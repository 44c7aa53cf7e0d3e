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
  const uint64_t now = MonotonicCoarseMillis();
  const uint64_t wall_now = WallNanos();
  std::vector<LiveSnapshot> found;
  const auto add = [&](uint64_t ts, uint64_t word, const SnapshotRecord& record) {
    const SnapshotBrief brief = SnapshotBrief::Of(word);
    LiveSnapshot snapshot;
    snapshot.ts = ts;
    snapshot.label = brief.of_iterator ? "iterator" : record.label;
    snapshot.owner =
        record.owner.empty() ? "thread " + std::to_string(brief.thread_number) : record.owner;
    // Opened after `now` was read: just now.
    snapshot.age_nanos = (now - std::min(now, brief.opened_at_millis)) * 1'000'000;
    snapshot.opened_at_nanos = wall_now - snapshot.age_nanos;
    found.push_back(std::move(snapshot));
  };
  pins_.ForEachSlot([&](SnapshotSlot& slot) {
    const auto [ts, brief] = pins_.BriefOf(slot);
    if (brief == SnapshotBrief::kNone) return;
    if (!SnapshotBrief::Of(brief).has_record) return add(ts, brief, SnapshotRecord());
    if (!pins_.TryAddHandle(&slot)) return;
    AtSchedulePoint("registry:listing_record");
    const HandleOfLister handle{this, &slot, closed_any};
    // Maybe of another snapshot than the one just looked at; relaxed: the handle orders it.
    add(slot.ts, slot.brief.load(std::memory_order_relaxed), slot.record);
  });
  std::sort(found.begin(), found.end(),
            [](const LiveSnapshot& a, const LiveSnapshot& b) { return a.ts < b.ts; });
  return found;
}

}  // namespace firn::internal
