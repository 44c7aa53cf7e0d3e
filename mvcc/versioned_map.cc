#include "mvcc/versioned_map.h"

#include <cstddef>
#include <new>

#include "mvcc/schedule_point.h"

namespace firn::internal {
namespace {

// Retired memory beyond this is freed by the writers themselves: soon enough that new blocks are
// built in memory which the cache still holds.
constexpr size_t kRetiredLimit = size_t{512} << 10;

}  // namespace

void VersionedMap::Abandon() {
  AtSchedulePoint("handles:before_mark");
  // Both pools before the sum: a slot released after its mark takes one away at once.
  const size_t marked = registry_.OrphanClaimed() + map_.hazards().OrphanClaimed();
  AtSchedulePoint("handles:marked");
  if (orphans_.AddMarked(marked)) delete this;
}

HazardSlot* VersionedMap::ClaimHazard() {
  HazardSlot* slot = map_.hazards().Claim();
  AtSchedulePoint("handles:claimed");
  if (!closed_.load(std::memory_order_seq_cst)) return slot;
  ReleaseHazard(slot);
  return nullptr;
}

void VersionedMap::DropKnownSnapshot(SnapshotSlot* slot) noexcept {
  const DroppedHandle dropped = registry_.DropHandle(slot, [&] {
    // Nothing was superseded since the snapshot's moment: it holds nothing back.
    if (slot->ts == oracle_.visible_seq_cst()) return;
    settler_.NoteRelease();
    WorkInline();
  });
  // Not an orphan: this may be gone by now.
  if (!dropped.orphaned) return;
  AtSchedulePoint("handles:before_drop");
  if (orphans_.DropMarked()) delete this;
}

void VersionedMap::TidyAfterFreeze() noexcept {
  if (map_.retired_bytes() > kRetiredLimit) map_.Reclaim();
  if (map_.allocator().WantsMemory()) settler_.NoteGrowth();
}

void VersionedMap::WorkInline() noexcept {
  if (background_ != BackgroundMode::kInline) return;
  try {
    while (settler_.Step()) {
    }
  } catch (const std::bad_alloc&) {
    // The commit or the release is done all the same; the work waits for the next one.
  }
}

void VersionedMap::ReleaseHazard(HazardSlot* slot) noexcept {
  AtSchedulePoint("handles:before_release");
  if (!map_.hazards().Release(slot)) return;
  AtSchedulePoint("handles:before_drop");
  if (orphans_.DropMarked()) delete this;
}

}  // namespace firn::internal
