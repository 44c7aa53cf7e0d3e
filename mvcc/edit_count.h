// How a walk tells that what it remembers of the inner nodes still holds.
#ifndef FIRN_MVCC_EDIT_COUNT_H_
#define FIRN_MVCC_EDIT_COUNT_H_

#include <atomic>
#include <cstdint>

#include "mvcc/atomics_policy.h"

namespace firn::internal {

// EditCount: how many edits of inner nodes were committed.
//
// Who got the count, found an inner node after that, and gets the same count in a later epoch guard
// may look at the node once more: it was linked when that guard began. For an edit raises the count
// after it has unlinked what it replaces and before it retires that, so a guard that begins when
// the grace period has, and would not be waited for, gets the raised count.
//
//   Writer: an edit, between its swap and retiring. Reader: anybody in an epoch guard.
//   Order:  release, paired with the acquire in Get(): who gets a count finds no node that was
//           unlinked before it was raised.
template <class Policy>
class BasicEditCount {
 public:
  uint64_t Get() const { return count_.load(std::memory_order_acquire); }
  void Raise() { count_.fetch_add(1, std::memory_order_release); }

 private:
  typename Policy::template Atomic<uint64_t, Field::kEditCount> count_{0};
};

using EditCount = BasicEditCount<StdAtomics>;

}  // namespace firn::internal

#endif  // FIRN_MVCC_EDIT_COUNT_H_
