// Fetches memory ahead of a look at it.
#ifndef FIRN_MVCC_PREFETCH_H_
#define FIRN_MVCC_PREFETCH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mvcc/atomics_policy.h"

namespace firn::internal {

inline constexpr size_t kLineBytes = StdAtomics::kCacheLineBytes;

// All of these read nothing: what was at the address may be gone.
//
// To GCC 12 a function that does nothing but prefetch has no effect, and it deletes the calls to
// it: the slots of fresh deltas were fetched by nobody for that reason. An empty asm is an effect.

// Fetches one line.
inline void PrefetchLine(const void* address) {
  asm volatile("");
  __builtin_prefetch(address);
}
// So many lines from that one on.
inline void PrefetchLines(const void* address, size_t lines) {
  for (size_t i = 0; i < lines; ++i) {
    PrefetchLine(static_cast<const char*>(address) + kLineBytes * i);
  }
}
// The same, to be written to.
inline void PrefetchToWrite(const void* address, size_t lines) {
  for (size_t i = 0; i < lines; ++i) {
    asm volatile("");
    __builtin_prefetch(static_cast<const char*>(address) + kLineBytes * i, /*rw=*/1);
  }
}

inline void PrefetchLineToL2(const void* address) {
  asm volatile("");
  __builtin_prefetch(address, /*rw=*/0, /*locality=*/2);
}
// Fetches the lines of `memory` into the second-level cache.
//
// For more than a few lines: those that are fetched into the first level are in the way of what
// is looked at meanwhile. A scan that fetched the next leaf into that took half as long again.
inline void PrefetchToL2(std::string_view memory) {
  for (size_t at = 0; at < memory.size(); at += kLineBytes) PrefetchLineToL2(memory.data() + at);
}
// The same from the last line to the first, for who goes that way. The processor, too, fetches ahead
// where it sees steps in one direction: fetched upwards, a backward scan took a sixth longer.
inline void PrefetchToL2Downwards(std::string_view memory) {
  size_t end = (memory.size() + kLineBytes - 1) / kLineBytes * kLineBytes;
  for (; end > 0; end -= kLineBytes) PrefetchLineToL2(memory.data() + end - kLineBytes);
}

// Fetches one line in each page of `memory`, for a stretch that will be fetched a little later: a
// prefetch waits for its page's address, and holds up the processor meanwhile.
inline void PrefetchPages(std::string_view memory) {
  constexpr uintptr_t kSmallestPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(memory.data());
  for (uintptr_t at = begin; at < begin + memory.size(); at = (at | (kSmallestPage - 1)) + 1) {
    PrefetchLine(reinterpret_cast<const void*>(at));
  }
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_PREFETCH_H_
