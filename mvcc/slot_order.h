// A SlotOrder puts the slots of a fresh delta in key order.
#ifndef FIRN_MVCC_SLOT_ORDER_H_
#define FIRN_MVCC_SLOT_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mvcc/fresh_delta.h"
#include "mvcc/frozen_block.h"

namespace firn::internal {

// A SlotOrder takes slots of different keys, finds where they stand among the keys of their leaf's
// block, and says their numbers, in the order of Add(), in the order of their keys. Its memory is used
// again.
//
// Where a key stands in the block tells most slots apart. The search does not branch on what it
// finds, nor do the searches wait for each other. Then a slot's rank is how many of the others are
// below it: counted among all of them. For the few dozen slots of a delta that costs less than a
// comparison sort, whose branches go wrong every other time.
//
// Thread-safety: one thread.
class SlotOrder {
 public:
  // Makes room for `most` slots beside `block`, which is looked at until the next Reset(); forgets
  // those it had. Throws std::bad_alloc.
  void Reset(size_t most, const FrozenBlock& block);
  void Add(const FreshSlot& slot) {
    const KeyPosition at = block_->Find<HeadsIn::kCache>(slot.key(), /*fetch_lines=*/1);
    slots_[count_] = &slot;
    places_[count_] = 2 * at.index + (at.exact ? 1 : 0);
    ++count_;
  }
  size_t count() const { return count_; }
  const FreshSlot& slot(size_t number) const { return *slots_[number]; }
  // The block's first key that is not less than the slot's, and whether it is the same.
  KeyPosition place(size_t number) const { return {places_[number] / 2, places_[number] % 2 != 0}; }

  // The numbers of the slots, in key order; until Reset().
  std::span<const uint16_t> Sort();
  // Requires: Sort() gave some.
  const FreshSlot& lowest() const { return slot(order_.front()); }

 private:
  bool Less(uint16_t a, uint16_t b) const {
    return places_[a] != places_[b] ? places_[a] < places_[b] : slots_[a]->key() < slots_[b]->key();
  }
  void SortByRank();

  const FrozenBlock* block_ = nullptr;
  size_t count_ = 0;
  std::vector<const FreshSlot*> slots_;
  std::vector<uint32_t> places_;  // Twice the place, and one more if the key is there.
  std::vector<uint16_t> order_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SLOT_ORDER_H_
