// Makes chosen allocations of the map's own memory fail; see mvcc/allocation_fault.h.
#ifndef FIRN_TESTS_SUPPORT_FAILING_SPANS_H_
#define FIRN_TESTS_SUPPORT_FAILING_SPANS_H_

#include <new>

#include "mvcc/allocation_fault.h"

#ifdef FIRN_INVARIANTS
namespace firn::test {

// While one lives, the map's allocations fail after the first `succeeding` ones.
// Thread-safety: one at a time, and only this thread allocates.
class FailingSpans {
 public:
  explicit FailingSpans(int succeeding) {
    left = succeeding;
    internal::allocation_should_fail.store([] { return left == 0 || left-- == 0; },
                                           std::memory_order_release);
  }
  ~FailingSpans() { internal::allocation_should_fail.store(nullptr, std::memory_order_release); }
  FailingSpans(const FailingSpans&) = delete;
  FailingSpans& operator=(const FailingSpans&) = delete;

 private:
  static inline int left = 0;
};

// Calls `call()` with the first, the second ... allocation failing, until it needs no more than
// it got; after each failure `check()`. Returns how many failures there were.
template <class Call, class Check>
int WithEveryAllocationFailing(const Call& call, const Check& check) {
  for (int succeeding = 0;; ++succeeding) {
    try {
      const FailingSpans failing(succeeding);
      call();
      return succeeding;
    } catch (const std::bad_alloc&) {
    }
    check();
  }
}

}  // namespace firn::test
#endif  // FIRN_INVARIANTS

#endif  // FIRN_TESTS_SUPPORT_FAILING_SPANS_H_
