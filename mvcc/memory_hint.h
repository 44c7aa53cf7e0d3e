// A MemoryHint says where something likely is and how large it is, in eight bytes.
#ifndef FIRN_MVCC_MEMORY_HINT_H_
#define FIRN_MVCC_MEMORY_HINT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mvcc/prefetch.h"

namespace firn::internal {

// To prefetch, and never followed: what it names may be gone, or somebody else's by now.
//
// The size counts whole cache lines, and beyond 4 MiB not all of them. An address of more than 48
// bits, which no process gets that does not ask for it, would be cut off.
class MemoryHint {
 public:
  // Of nothing.
  constexpr MemoryHint() = default;
  explicit MemoryHint(std::string_view memory)
      : bits_(reinterpret_cast<uintptr_t>(memory.data()) << kLineBits |
              std::min<uint64_t>((memory.size() + kLineBytes - 1) / kLineBytes, kMostLines)) {}

  bool empty() const { return bits_ == 0; }
  const char* data() const { return reinterpret_cast<const char*>(bits_ >> kLineBits); }
  std::string_view memory() const { return {data(), (bits_ & kMostLines) * kLineBytes}; }
  // Whether `following` begins where this ends, or a few lines behind it.
  bool LiesRightBefore(MemoryHint following) const {
    constexpr size_t kMostGap = 1024;
    const uintptr_t end = reinterpret_cast<uintptr_t>(data() + memory().size());
    // A huge number where that comes first, or is nothing.
    const size_t gap = reinterpret_cast<uintptr_t>(following.data()) - end;
    return !empty() && gap < kMostGap;
  }

  friend bool operator==(MemoryHint, MemoryHint) = default;

 private:
  static constexpr int kLineBits = 16;
  static constexpr uint64_t kMostLines = (uint64_t{1} << kLineBits) - 1;

  uint64_t bits_ = 0;  // The address, and the number of lines.
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_MEMORY_HINT_H_
