#include "mvcc/slot_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace firn::internal {
namespace {

// Counting is quadratic: more than these are sorted by comparisons.
constexpr size_t kMostRanked = 64;
constexpr uint32_t kWindow = 16;
// What is ranked: the first bits in which heads differ, and behind them the slot's number, which
// makes ranks distinct.
constexpr int kNumberBits = std::bit_width(kMostRanked - 1);
constexpr int kHeadBits = 25;
static_assert(kHeadBits + kNumberBits < 32);

}  // namespace

void SlotOrder::Reset(size_t most, size_t prefix_size) {
  count_ = 0;
  prefix_size_ = prefix_size;
  if (order_.size() >= most) return;  // The last one to grow, so all of them have.
  slots_.resize(most);
  heads_.resize(most);
  order_.resize(most);
}

std::span<const uint16_t> SlotOrder::Sort() {
  const std::span order(order_.data(), count_);
  if (count_ <= kMostRanked) {
    SortByRank();
  } else {
    std::iota(order.begin(), order.end(), uint16_t{0});
    std::sort(order.begin(), order.end(), [this](uint16_t a, uint16_t b) { return Less(a, b); });
  }
  return order;
}

void SlotOrder::SortByRank() {
  uint64_t lowest = UINT64_MAX;
  uint64_t highest = 0;
  for (size_t i = 0; i < count_; ++i) {
    lowest = std::min(lowest, heads_[i]);
    highest = std::max(highest, heads_[i]);
  }
  const int shift = std::max(0, 64 - kHeadBits - std::countl_zero(highest - lowest));
  uint32_t ranked[kMostRanked];
  for (size_t i = 0; i < count_; ++i) {
    const auto head = static_cast<uint32_t>((heads_[i] - lowest) >> shift);
    ranked[i] = head << kNumberBits | static_cast<uint32_t>(i);
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
  // What those bits did not tell apart, mostly nothing.
  for (size_t i = 1; i < count_; ++i) {
    for (size_t k = i; k > 0 && Less(order_[k], order_[k - 1]); --k) {
      std::swap(order_[k], order_[k - 1]);
    }
  }
}

}  // namespace firn::internal
