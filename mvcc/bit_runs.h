// Runs of equal bits in a fixed bitmap.
#ifndef FIRN_MVCC_BIT_RUNS_H_
#define FIRN_MVCC_BIT_RUNS_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace firn::internal {

// The first bit at or after `from` with the value `kValue`; the size of the bitmap if none.
template <bool kValue, size_t kWords>
size_t FindBit(const std::array<uint64_t, kWords>& bits, size_t from) {
  size_t word = from / 64;
  if (word >= kWords) return kWords * 64;
  uint64_t hits = (kValue ? bits[word] : ~bits[word]) & (~uint64_t{0} << from % 64);
  while (hits == 0) {
    if (++word == kWords) return kWords * 64;
    hits = kValue ? bits[word] : ~bits[word];
  }
  return word * 64 + static_cast<size_t>(std::countr_zero(hits));
}

// One past the last bit below `end` with the value `kValue`; 0 if none.
template <bool kValue, size_t kWords>
size_t FindBitBefore(const std::array<uint64_t, kWords>& bits, size_t end) {
  if (end == 0) return 0;
  size_t word = (end - 1) / 64;
  uint64_t hits = (kValue ? bits[word] : ~bits[word]) & (~uint64_t{0} >> (63 - (end - 1) % 64));
  while (hits == 0) {
    if (word-- == 0) return 0;
    hits = kValue ? bits[word] : ~bits[word];
  }
  return word * 64 + static_cast<size_t>(std::bit_width(hits));
}

template <size_t kWords>
void AssignBits(std::array<uint64_t, kWords>& bits, size_t from, size_t end, bool value) {
  while (from < end) {
    const size_t count = std::min(end - from, 64 - from % 64);
    const uint64_t mask = (~uint64_t{0} >> (64 - count)) << from % 64;
    if (value) {
      bits[from / 64] |= mask;
    } else {
      bits[from / 64] &= ~mask;
    }
    from += count;
  }
}

// Calls visit(begin, end) for each maximal run of `kValue` within [from, end).
template <bool kValue, size_t kWords, typename Visit>
void ForEachRun(const std::array<uint64_t, kWords>& bits, size_t from, size_t end, Visit visit) {
  for (size_t begin = FindBit<kValue>(bits, from); begin < end;) {
    const size_t run_end = std::min(FindBit<!kValue>(bits, begin), end);
    visit(begin, run_end);
    begin = FindBit<kValue>(bits, run_end);
  }
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_BIT_RUNS_H_
