// The entries that an iterator has ready.
#ifndef FIRN_ITERATOR_READY_WINDOW_H_
#define FIRN_ITERATOR_READY_WINDOW_H_

#include <cstddef>
#include <cstdint>

#include "firn/iterator.h"
#include "mvcc/frozen_block.h"

namespace firn::internal {

// A ReadyWindow holds a few neighbouring entries of one leaf in key order: [begin, end) of its
// arrays. A forward fill starts at the front, a backward fill at the back. A large value stands
// in a window alone.
struct ReadyWindow {
  // Few, since fills set the pace at which the next leaf is fetched: see LeafCursor::Expect().
  static constexpr size_t kCapacity = 16;

  uint64_t CommitTsOf(size_t i) const {
    if (is_stretch) return block->commit_ts(first + static_cast<uint32_t>(i - begin));
    const uint64_t time = times[i];
    return (time & kInBlock) == 0 ? time : block->commit_ts(static_cast<uint32_t>(time));
  }

  ReadyEntry entries[kCapacity];
  size_t begin = 0;
  size_t end = 0;

  // Commit times, which few users ask for. Those of entries that stand in the main run of `block`
  // as they are stay there: all of them if the window is one stretch of the run, whose first is
  // key `first`; else those whose time says kInBlock and the place.
  static constexpr uint64_t kInBlock = uint64_t{1} << 63;
  const FrozenBlock* block = nullptr;
  bool is_stretch = false;
  uint32_t first = 0;
  uint64_t times[kCapacity];
};

}  // namespace firn::internal

#endif  // FIRN_ITERATOR_READY_WINDOW_H_
