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

// The same from the last line to the first, for who goes that way. The processor, too, fetches ahead
// where it sees steps in one direction: fetched upwards, a backward scan took a sixth longer.
inline void PrefetchToL2Downwards(std::string_view memory) {
  for (size_t end = (memory.size() + 63) / 64 * 64; end > 0; end -= 64) {
    __builtin_prefetch(memory.data() + end - 64, /*rw=*/0, /*locality=*/2);
  }
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_PREFETCH_H_
