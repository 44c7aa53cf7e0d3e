#include "mvcc/versioned_map.h"

#include <new>

namespace firn::internal {

void VersionedMap::Abandon() {
  // Both pools before the sum: a slot released after its mark takes one away at once.
  const size_t marked = registry_.OrphanClaimed() + map_.hazards().OrphanClaimed();
  if (orphans_.AddMarked(marked)) delete this;
}

HazardSlot* VersionedMap::ClaimHazard() {
  HazardSlot* slot = map_.hazards().Claim();
  if (!closed_.load(std::memory_order_seq_cst)) return slot;
  ReleaseHazard(slot);
  return nullptr;
}

void VersionedMap::DropSnapshot(SnapshotSlot* slot) noexcept {
  const DroppedHandle dropped = registry_.DropHandle(slot, [&] {
    // Nothing was superseded since the snapshot's moment: it holds nothing back.
    if (slot->ts == oracle_.visible()) return;
    settler_.NoteRelease();
    WorkInline();
  });
  // Not an orphan: this may be gone by now.
  if (dropped.orphaned && orphans_.DropMarked()) delete this;
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
  if (map_.hazards().Release(slot) && orphans_.DropMarked()) delete this;
}

}  // namespace firn::internal
