// Fetches stretches of memory ahead of a look at them.
#ifndef FIRN_MVCC_PREFETCH_H_
#define FIRN_MVCC_PREFETCH_H_

#include <cstddef>
#include <string_view>

namespace firn::internal {

// Fetches the lines of `memory` into the second-level cache. Reads nothing: it may be gone.
//
// For more than a few lines: those that are fetched into the first level are in the way of what
// is looked at meanwhile. A scan that fetched the next leaf into that took half as long again.
inline void PrefetchToL2(std::string_view memory) {
  for (size_t at = 0; at < memory.size(); at += 64) {
    __builtin_prefetch(memory.data() + at, /*rw=*/0, /*locality=*/2);
  }
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_PREFETCH_H_
