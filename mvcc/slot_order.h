// A SlotOrder puts the slots of a fresh delta in key order.
#ifndef FIRN_MVCC_SLOT_ORDER_H_
#define FIRN_MVCC_SLOT_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mvcc/fresh_delta.h"
#include "mvcc/key_index.h"

namespace firn::internal {

// A SlotOrder takes slots of different keys and says their numbers, in the order of Add(), in the
// order of their keys. Its memory is used again.
//
// A slot's rank is how many of the others are below it: counted among all of them. For the few
// dozen slots of a delta that costs less than a comparison sort, whose branches go wrong every
// other time.
//
// Thread-safety: one thread.
class SlotOrder {
 public:
  // Makes room for `most` slots, whose keys begin with the same `prefix_size` bytes at least; forgets
  // those it had. Throws std::bad_alloc.
  void Reset(size_t most, size_t prefix_size);
  void Add(const FreshSlot& slot) {
    slots_[count_] = &slot;
    heads_[count_] = HeadOf<uint64_t>(slot.key_data + prefix_size_, slot.key_size - prefix_size_);
    ++count_;
  }
  size_t count() const { return count_; }
  const FreshSlot& slot(size_t number) const { return *slots_[number]; }

  // The numbers of the slots, in key order; until Reset().
  std::span<const uint16_t> Sort();
  // Requires: Sort() gave some.
  const FreshSlot& lowest() const { return slot(order_.front()); }

 private:
  bool Less(uint16_t a, uint16_t b) const {
    return heads_[a] != heads_[b] ? heads_[a] < heads_[b] : slots_[a]->key() < slots_[b]->key();
  }
  void SortByRank();

  size_t count_ = 0;
  size_t prefix_size_ = 0;
  std::vector<const FreshSlot*> slots_;
  std::vector<uint64_t> heads_;  // The first bytes of their keys behind the prefix.
  std::vector<uint16_t> order_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SLOT_ORDER_H_
