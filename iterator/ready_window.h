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
    if (plain_block == nullptr) return commit_ts[i];
    return plain_block->commit_ts(plain_first + static_cast<uint32_t>(i - begin));
  }

  ReadyEntry entries[kCapacity];
  size_t begin = 0;
  size_t end = 0;

  // Commit times, which few users ask for: of a window that is a plain stretch of one block they
  // stay in the block, where entry `begin` is key `plain_first`.
  const FrozenBlock* plain_block = nullptr;
  uint32_t plain_first = 0;
  uint64_t commit_ts[kCapacity];
};

}  // namespace firn::internal

#endif  // FIRN_ITERATOR_READY_WINDOW_H_
