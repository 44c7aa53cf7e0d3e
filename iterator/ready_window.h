// The entries that an iterator has ready.
#ifndef FIRN_ITERATOR_READY_WINDOW_H_
#define FIRN_ITERATOR_READY_WINDOW_H_

#include <cstddef>
#include <cstdint>

#include "firn/iterator.h"

namespace firn::internal {

// A ReadyWindow holds a few neighbouring entries of one leaf in key order: [begin, end) of its
// arrays. A forward fill starts at the front, a backward fill at the back. A large value stands
// in a window alone.
struct ReadyWindow {
  static constexpr size_t kCapacity = 64;

  bool empty() const { return begin == end; }
  void Clear() { begin = end = 0; }

  ReadyEntry entries[kCapacity];
  uint64_t commit_ts[kCapacity];
  size_t begin = 0;
  size_t end = 0;
};

}  // namespace firn::internal

#endif  // FIRN_ITERATOR_READY_WINDOW_H_
