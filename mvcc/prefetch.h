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

// So many bytes behind `address`, which may be null, or near the end of what is there: a pointer may
// not be moved out of its object, a number may.
inline const void* Behind(const void* address, size_t bytes) {
  return reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(address) + bytes);
}

// Fetches one line.
inline void PrefetchLine(const void* address) {
  asm volatile("");
  __builtin_prefetch(address);
}
// So many lines from that one on.
inline void PrefetchLines(const void* address, size_t lines) {
  for (size_t i = 0; i < lines; ++i) {
    PrefetchLine(Behind(address, kLineBytes * i));
  }
}
// The same, to be written to.
inline void PrefetchToWrite(const void* address, size_t lines) {
  for (size_t i = 0; i < lines; ++i) {
    asm volatile("");
    __builtin_prefetch(Behind(address, kLineBytes * i), /*rw=*/1);
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
  for (size_t at = 0; at < memory.size(); at += kLineBytes) {
    PrefetchLineToL2(Behind(memory.data(), at));
  }
}
// The same from the last line to the first, for who goes that way. The processor, too, fetches ahead
// where it sees steps in one direction: fetched upwards, a backward scan took a sixth longer.
inline void PrefetchToL2Downwards(std::string_view memory) {
  size_t end = (memory.size() + kLineBytes - 1) / kLineBytes * kLineBytes;
  for (; end > 0; end -= kLineBytes) PrefetchLineToL2(Behind(memory.data(), end - kLineBytes));
}

inline constexpr uintptr_t kSmallestPage = 4096;

// Fetches one line in each page of `memory`, for a stretch that will be fetched a little later: a
// prefetch waits for its page's address, and holds up the processor meanwhile.
inline void PrefetchPages(std::string_view memory) {
  const auto begin = reinterpret_cast<uintptr_t>(memory.data());
  for (uintptr_t at = begin; at < begin + memory.size(); at = (at | (kSmallestPage - 1)) + 1) {
    PrefetchLine(reinterpret_cast<const void*>(at));
  }
}

// What the processor fetches by itself ahead of reads that go straight on.
enum class OwnFetches {
  kTooFew,       // Fewer than memory can answer at once: all lines are to be asked for.
  kWithinPages,  // Enough, to the end of each page; the next one is taken up when it is read.
  kEnough,
};
// As scans of known processors went (docs/performance.md), and kEnough of others.
OwnFetches ProcessorsOwnFetches();

// Fetches the first lines of each page that begins in `memory`, for a processor to go on from that
// fetches within pages. As many as it needs to be under way by then: with half or twice as many a scan
// was slower.
inline void PrefetchPageStarts(std::string_view memory) {
  constexpr uintptr_t kStart = 8 * kLineBytes;
  uintptr_t at = reinterpret_cast<uintptr_t>(memory.data()) & ~(kLineBytes - 1);
  const uintptr_t end = reinterpret_cast<uintptr_t>(memory.data()) + memory.size();
  while (at < end) {
    if (at % kSmallestPage < kStart) {
      PrefetchLineToL2(reinterpret_cast<const void*>(at));
      at += kLineBytes;
    } else {
      at = (at | (kSmallestPage - 1)) + 1;
    }
  }
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_PREFETCH_H_
