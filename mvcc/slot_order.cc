#include "mvcc/slot_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace firn::internal {
namespace {

// Counting is quadratic: more than these are sorted by comparisons.
constexpr size_t kMostRanked = 64;
constexpr size_t kWindow = 8;  // Most deltas have fewer.
// What is ranked: the place, and behind it the slot's number, which makes ranks distinct.
constexpr int kNumberBits = std::bit_width(kMostRanked - 1);
constexpr uint32_t kMostRankedKeys = (uint32_t{1} << (31 - kNumberBits)) - 1;

}  // namespace

void SlotOrder::Reset(size_t most, const FrozenBlock& block) {
  block_ = &block;
  count_ = 0;
  if (order_.size() >= most) return;  // The last one to grow, so all of them have.
  slots_.resize(most);
  places_.resize(most);
  order_.resize(most);
}

std::span<const uint16_t> SlotOrder::Sort() {
  const std::span order(order_.data(), count_);
  // In a block with few keys many slots have one place.
  const bool has_many_places = block_->count() >= count_ && block_->count() <= kMostRankedKeys;
  if (count_ <= kMostRanked && has_many_places) {
    SortByRank();
  } else {
    std::iota(order.begin(), order.end(), uint16_t{0});
    std::sort(order.begin(), order.end(), [this](uint16_t a, uint16_t b) { return Less(a, b); });
  }
  return order;
}

void SlotOrder::SortByRank() {
  // Signed, since that is what the processor compares several of at once.
  int32_t ranked[kMostRanked];
  for (size_t i = 0; i < count_; ++i) {
    ranked[i] = static_cast<int32_t>(places_[i] << kNumberBits | i);
  }
  const size_t padded = (count_ + kWindow - 1) / kWindow * kWindow;
  std::fill(ranked + count_, ranked + padded, 0);
  for (size_t first = 0; first < padded; first += kWindow) {
    // Of the slots in this window, beside one other after the other: nothing to add up at the end.
    int32_t ranks[kWindow] = {};
    for (size_t other = 0; other < count_; ++other) {
      for (size_t i = 0; i < kWindow; ++i) ranks[i] += ranked[other] < ranked[first + i] ? 1 : 0;
    }
    const size_t end = std::min(count_ - first, kWindow);
    for (size_t i = 0; i < end; ++i) order_[ranks[i]] = static_cast<uint16_t>(first + i);
  }
  // Those between the same two keys of the block, mostly none.
  for (size_t i = 1; i < count_; ++i) {
    for (size_t k = i; k > 0 && Less(order_[k], order_[k - 1]); --k) {
      std::swap(order_[k], order_[k - 1]);
    }
  }
}

}  // namespace firn::internal
