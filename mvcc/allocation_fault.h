// Fault injection for allocations: in invariant builds a test makes chosen allocations
// throw std::bad_alloc. Release builds compile it away.
#ifndef FIRN_MVCC_ALLOCATION_FAULT_H_
#define FIRN_MVCC_ALLOCATION_FAULT_H_

#include <atomic>
#include <new>

namespace firn::internal {

#ifdef FIRN_INVARIANTS
// Consulted once by every SpanAllocator::Allocate and by the Allocate
// calls of a LargeValueHeap, with no lock held.
// Writer: a test. Reader: any thread. acquire/release: whoever sees the function also
// sees the state that the test prepared for it.
inline std::atomic<bool (*)()> allocation_should_fail{nullptr};

inline void MaybeFailAllocation() {
  if (bool (*should_fail)() = allocation_should_fail.load(std::memory_order_acquire)) {
    if (should_fail()) throw std::bad_alloc();
  }
}
#else
inline void MaybeFailAllocation() {}
#endif

}  // namespace firn::internal

#endif  // FIRN_MVCC_ALLOCATION_FAULT_H_
