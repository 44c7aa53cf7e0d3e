#include "mvcc/slot_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "mvcc/key_index.h"

namespace firn::internal {
namespace {

// Counting is quadratic: more than these are sorted by comparisons.
constexpr size_t kMostRanked = 64;
constexpr uint32_t kWindow = 8;  // Most deltas have fewer.
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
  uint32_t ranked[kMostRanked];
  for (size_t i = 0; i < count_; ++i) {
    ranked[i] = places_[i] << kNumberBits | static_cast<uint32_t>(i);
  }
  const size_t padded = (count_ + kWindow - 1) / kWindow * kWindow;
  std::fill(ranked + count_, ranked + padded, UINT32_MAX);
  for (size_t i = 0; i < count_; ++i) {
    uint32_t rank = 0;
    for (size_t first = 0; first < padded; first += kWindow) {
      rank += CountBelow<kWindow>(ranked + first, ranked[i]);
    }
    order_[rank] = static_cast<uint16_t>(i);
  }
  // Those between the same two keys of the block, mostly none.
  for (size_t i = 1; i < count_; ++i) {
    for (size_t k = i; k > 0 && Less(order_[k], order_[k - 1]); --k) {
      std::swap(order_[k], order_[k - 1]);
    }
  }
}

}  // namespace firn::internal
