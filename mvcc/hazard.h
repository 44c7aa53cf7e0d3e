// Hazard slots: what keeps the one leaf state that a cursor stands in.
#ifndef FIRN_MVCC_HAZARD_H_
#define FIRN_MVCC_HAZARD_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "mvcc/atomics_policy.h"
#include "mvcc/schedule_point.h"
#include "mvcc/slot_pool.h"

namespace firn::internal {

struct Retired;

template <class Policy>
struct BasicHazardSlot : PooledSlot {
  // What the slot's owner stands in; null: nothing.
  //   Writer: Protect() and Clear(), the owner alone. Reader: Collect(), any reclaimer.
  //   Order:  release, paired with the acquire in Collect(): a scan that no longer finds a
  //           state here comes after everything that the owner read in it. That a scan does find
  //           one that is still needed is the business of epochs, see BasicHazardSet.
  typename Policy::template Atomic<const void*, Field::kHazard> state{nullptr};
};

// A HazardSet holds the hazard slots of one map, one for each cursor and pinned value.
//
// A cursor cannot hold an epoch guard while user code runs, and a shared count on its leaf
// would make readers write to each other's cache lines. So it publishes the state it stands
// in, in a slot of its own, and whoever frees retired states first looks at all slots.
//
// Protocol. Protect() is called inside an epoch guard while the state is reachable; the guard
// may end right after. A retired state is freed only by a scan that starts after the state's
// grace period was seen to end. A plain release store is enough to publish: the guard's exit
// (release) follows it, the reclaimer saw that exit (acquire) when it found the grace period
// ended, so the scan comes after the store and finds it, or what the owner stored later, when it
// was done with the state. No slot is ever copied, since a scan could miss both ends of the
// copy: a move hands over the slot itself, a clone finds its own way in a guard of its own.
//
// Thread-safety: all methods from any thread; Protect() and Clear() by the slot's owner.
// Lifetime and orphan marks: see SlotPool.
template <class Policy, class SlotType, class Object, size_t kSegmentSlots = 64>
class BasicHazardSet {
 public:
  using Pool = SlotPool<Policy, SlotType, Field::kSlotState, kSegmentSlots>;

  // Throws std::bad_alloc.
  SlotType* Claim() { return pool_.Claim(); }
  // True: the slot was counted as an orphan; see SlotPool::Release().
  bool Release(SlotType* slot) {
    Clear(slot);
    return pool_.Release(slot);
  }
  // Requires: an epoch guard in which `object` was reachable.
  void Protect(SlotType* slot, const Object* object) {
    AtSchedulePoint("hazard:before_protect");
    slot->state.store(object, std::memory_order_release);
  }
  void Clear(SlotType* slot) { slot->state.store(nullptr, std::memory_order_release); }

  // What is protected now, sorted. Throws std::bad_alloc.
  std::vector<const void*> Collect() {
    std::vector<const void*> found;
    Collect(&found);
    return found;
  }
  void Collect(std::vector<const void*>* found) {
    found->clear();
    pool_.ForEach([found](SlotType& slot) {
      const void* object = slot.state.load(std::memory_order_acquire);
      if (object != nullptr) found->push_back(object);
    });
    std::sort(found->begin(), found->end());
  }
  static bool Contains(const std::vector<const void*>& collected, const Object* object) {
    return std::binary_search(collected.begin(), collected.end(), static_cast<const void*>(object));
  }

  size_t OrphanClaimed() { return pool_.OrphanClaimed(); }
  size_t claimed_count() const { return pool_.claimed_count(); }

 private:
  Pool pool_;
};

struct HazardSlot : BasicHazardSlot<StdAtomics> {};

// What a slot names is the head of something that can be retired: Protect(slot, &state->retired).
class HazardSet : public BasicHazardSet<StdAtomics, HazardSlot, Retired> {};

}  // namespace firn::internal

#endif  // FIRN_MVCC_HAZARD_H_
