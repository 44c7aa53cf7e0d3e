// Checks of invariants: a broken one is a bug of ours and stops the program.
#ifndef FIRN_MVCC_CHECK_H_
#define FIRN_MVCC_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace firn::internal {

[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace firn::internal

// Always on: for conditions that are cheap to test.
#define FIRN_CHECK(condition) \
  ((condition) ? (void)0 : ::firn::internal::CheckFailed(__FILE__, __LINE__, #condition))

// On in invariant builds (dev and the sanitizers): for what costs too much elsewhere.
#ifdef FIRN_INVARIANTS
#define FIRN_INVARIANT(condition) FIRN_CHECK(condition)
#else
#define FIRN_INVARIANT(condition) ((void)0)
#endif

#endif  // FIRN_MVCC_CHECK_H_
