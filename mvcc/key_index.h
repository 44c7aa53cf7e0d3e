// Search in a sorted run of keys through their heads: the four bytes that follow the
// run's common prefix, big-endian. Heads stand together, so that a search touches a
// few cache lines of them and usually one key. Used by frozen blocks and inner nodes.
#ifndef FIRN_MVCC_KEY_INDEX_H_
#define FIRN_MVCC_KEY_INDEX_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/base/attributes.h"

namespace firn::internal {

inline size_t CommonPrefixSize(std::string_view a, std::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + limit, b.begin()).first -
                             a.begin());
}

// The first `sizeof(Head)` bytes of `bytes` as a big-endian number, padded with zeros:
// a < b implies HeadOf(a) <= HeadOf(b).
template <class Head>
inline Head HeadOf(const char* bytes, size_t size) {
  static_assert(std::endian::native == std::endian::little);
  Head head = 0;
  if (size >= sizeof(Head)) {
    std::memcpy(&head, bytes, sizeof(Head));
  } else if (size != 0) {
    std::memcpy(&head, bytes, size);
  }
  if constexpr (sizeof(Head) == 8) {
    return __builtin_bswap64(head);
  } else {
    return __builtin_bswap32(head);
  }
}

// Counts the heads below `head` in a window of constant size: all of its loads at once, and no
// branch that depends on them.
template <uint32_t kWindow>
inline uint32_t CountBelow(const uint32_t* heads, uint32_t head) {
  uint32_t below = 0;
  for (uint32_t i = 0; i < kWindow; ++i) below += heads[i] < head ? 1 : 0;
  return below;
}

// As LowerBoundOfHead(). Requires: count >= kWindow.
template <uint32_t kWindow>
inline uint32_t LowerBoundByWindow(const uint32_t* heads, uint32_t count, uint32_t head) {
  const uint32_t* base = heads;
  while (count > kWindow) {
    const uint32_t step = std::min(count / 2, count - kWindow);
    // A product: a condition would become a branch, which goes wrong every other time.
    base += step * static_cast<uint32_t>(base[step - 1] < head);
    count -= step;
  }
  return static_cast<uint32_t>(base - heads) + CountBelow<kWindow>(base, head);
}

// Where a search finds its heads. From memory as many as possible are asked for at once; in the
// cache what counts is how many are looked at.
enum class HeadsIn { kMemory, kCache };

// The first position whose head is >= `head`: halves the run, without a branch, down to a window,
// and counts there.
template <HeadsIn kWhere = HeadsIn::kMemory>
inline uint32_t LowerBoundOfHead(const uint32_t* heads, uint32_t count, uint32_t head) {
  if constexpr (kWhere == HeadsIn::kCache) {
    if (count >= 8) return LowerBoundByWindow<8>(heads, count, head);
  }
  if (count >= 64) return LowerBoundByWindow<64>(heads, count, head);
  if (count >= 16) return LowerBoundByWindow<16>(heads, count, head);
  uint32_t below = 0;
  for (uint32_t i = 0; i < count; ++i) below += heads[i] < head ? 1 : 0;
  return below;
}

struct KeyPosition {
  uint32_t index;  // Of the first key >= the target.
  bool exact;      // That key equals the target.
};

// a <=> b for keys whose difference mostly shows in the first eight bytes.
inline int CompareKeys(std::string_view a, std::string_view b) {
  if (a.size() >= 8 && b.size() >= 8) {
    const uint64_t a_head = HeadOf<uint64_t>(a.data(), 8);
    const uint64_t b_head = HeadOf<uint64_t>(b.data(), 8);
    if (a_head != b_head) return a_head < b_head ? -1 : 1;
    if (a.size() == b.size() && a.size() <= 16) {
      // The last eight bytes: those among them that were compared already are the same.
      const uint64_t a_tail = HeadOf<uint64_t>(a.data() + a.size() - 8, 8);
      const uint64_t b_tail = HeadOf<uint64_t>(b.data() + b.size() - 8, 8);
      return a_tail == b_tail ? 0 : a_tail < b_tail ? -1 : 1;
    }
    a.remove_prefix(8);
    b.remove_prefix(8);
  }
  return a.compare(b);
}

// What the keys of a run have in common. `head` stands beside the run's heads, so that a search
// seldom looks at the bytes, which stand elsewhere.
struct CommonPrefix {
  static uint32_t HeadFor(std::string_view prefix) {
    return HeadOf<uint32_t>(prefix.data(), prefix.size());
  }
  std::string_view bytes() const { return {data, size}; }

  const char* data;
  uint32_t size;
  uint32_t head;  // HeadFor(bytes()).
};

// < 0 if `target` is less than every key with the prefix, > 0 if greater, 0 if it has the prefix.
inline int ComparePrefix(std::string_view target, const CommonPrefix& prefix) {
  if (prefix.size == 0) return 0;
  const uint32_t head_size = std::min<uint32_t>(prefix.size, sizeof(prefix.head));
  const uint32_t head = HeadOf<uint32_t>(target.data(), target.size()) &
                        (~uint32_t{0} << (8 * (sizeof(prefix.head) - head_size)));
  if (head != prefix.head) return head < prefix.head ? -1 : 1;
  if (target.size() < head_size) return -1;  // Padded with zeros it is the same: it comes before.
  if (prefix.size <= sizeof(prefix.head)) return 0;
  return CompareKeys(target.substr(0, prefix.size), prefix.bytes());
}

// The sorted unique keys of a run, as a search sees them: they all begin with `prefix`, `heads` are
// their heads, and `key_at(i)` gives key i.
template <class KeyAt>
struct KeyRun {
  const uint32_t* heads;
  uint32_t count;
  CommonPrefix prefix;
  KeyAt key_at;

  // Inlined, so that a descent is not one call in another.
  template <HeadsIn kWhere = HeadsIn::kMemory>
  ABSL_ATTRIBUTE_ALWAYS_INLINE KeyPosition Find(std::string_view target) const {
    const int prefix_order = ComparePrefix(target, prefix);
    if (prefix_order != 0) return {prefix_order < 0 ? 0 : count, false};
    const uint32_t head = HeadOfTarget(target);
    return FindFrom(LowerBoundOfHead<kWhere>(heads, count, head), head, target);
  }

 private:
  uint32_t HeadOfTarget(std::string_view target) const {
    return HeadOf<uint32_t>(target.data() + prefix.size, target.size() - prefix.size);
  }
  // `low`: the first key whose head is not less.
  KeyPosition FindFrom(uint32_t low, uint32_t head, std::string_view target) const {
    if (low == count || heads[low] != head) return {low, false};
    int order = CompareKeys(key_at(low), target);
    if (order >= 0) return {low, order == 0};
    // Several keys share this head: search among them by full key.
    uint32_t high =
        head == UINT32_MAX ? count : low + LowerBoundOfHead(heads + low, count - low, head + 1);
    ++low;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      order = CompareKeys(key_at(middle), target);
      if (order == 0) return {middle, true};
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return {low, false};
  }
};
template <class KeyAt>
KeyRun(const uint32_t*, uint32_t, CommonPrefix, KeyAt) -> KeyRun<KeyAt>;

}  // namespace firn::internal

#endif  // FIRN_MVCC_KEY_INDEX_H_
