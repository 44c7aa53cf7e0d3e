#include "mvcc/thread_ordinal.h"

#include <atomic>
#include <cstddef>

namespace firn::internal {
namespace {

constexpr size_t kWords = 64;
constexpr size_t kBits = 64;

// Bit i of word w: ordinal w * 64 + i is taken.
//   Writer: a thread at its first use and at its exit. Reader: the same.
//   Order:  relaxed. The atomic OR alone decides who has a bit; no data hangs on it.
std::atomic<uint64_t> taken[kWords];

// One past the largest ordinal given out.
//   Writer: AssignThreadOrdinal(). Reader: anybody. Order: relaxed; only a hint.
std::atomic<uint32_t> limit{0};

// Gives the ordinal back when its thread ends.
struct Returner {
  uint32_t ordinal;
  ~Returner() {
    taken[ordinal / kBits].fetch_and(~(uint64_t{1} << (ordinal % kBits)),
                                     std::memory_order_relaxed);
  }
};

void RaiseLimit(uint32_t at_least) {
  uint32_t seen = limit.load(std::memory_order_relaxed);
  while (seen < at_least &&
         !limit.compare_exchange_weak(seen, at_least, std::memory_order_relaxed)) {
  }
}

}  // namespace

uint32_t AssignThreadOrdinal() noexcept {
  for (size_t w = 0; w < kWords; ++w) {
    uint64_t word = taken[w].load(std::memory_order_relaxed);
    while (word != ~uint64_t{0}) {
      const int bit = __builtin_ctzll(~word);
      const uint64_t mask = uint64_t{1} << bit;
      word = taken[w].fetch_or(mask, std::memory_order_relaxed);
      if ((word & mask) != 0) continue;  // Another thread was faster.
      const uint32_t ordinal = static_cast<uint32_t>(w * kBits + static_cast<size_t>(bit));
      RaiseLimit(ordinal + 1);
      thread_ordinal_plus_one = ordinal + 1;
      thread_local Returner returner{ordinal};
      (void)returner;
      return ordinal;
    }
  }
  thread_ordinal_plus_one = 1;  // More than 4,096 threads: share.
  return 0;
}

uint32_t ThreadOrdinalLimit() noexcept { return limit.load(std::memory_order_relaxed); }

}  // namespace firn::internal
