#include "engine/queued_commit.h"

#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>

namespace firn::internal {
namespace {

using PointOp = NormalizedBatch::PointOp;
using RangeDeleteSpan = NormalizedBatch::RangeDeleteSpan;
static_assert(std::is_trivially_destructible_v<PointOp>);
static_assert(std::is_trivially_destructible_v<RangeDeleteSpan>);

// Calls visit(view) for each key and value.
template <class Points, class Ranges, class Visit>
void ForEachView(Points&& points, Ranges&& ranges, const Visit& visit) {
  for (auto& point : points) {
    visit(point.key);
    if (point.value) visit(*point.value);
  }
  for (auto& range : ranges) {
    if (range.lower) visit(*range.lower);
    if (range.upper) visit(*range.upper);
  }
}

}  // namespace

size_t QueuedCommit::BytesOf(Points points, Ranges ranges) {
  size_t bytes = sizeof(QueuedCommit) + points.size_bytes() + ranges.size_bytes();
  ForEachView(points, ranges, [&](std::string_view view) { bytes += view.size(); });
  return bytes;
}

QueuedCommit* QueuedCommit::Create(CommitArena::Piece piece, Points points, Ranges ranges) {
  return new (piece.data) QueuedCommit(piece, points, ranges);
}

QueuedCommit::QueuedCommit(CommitArena::Piece piece, Points points_to_copy, Ranges ranges_to_copy)
    : chunk_(piece.chunk),
      bytes_(piece.bytes),
      point_count_(points_to_copy.size()),
      range_count_(ranges_to_copy.size()) {
  std::uninitialized_copy(points_to_copy.begin(), points_to_copy.end(), points());
  std::uninitialized_copy(ranges_to_copy.begin(), ranges_to_copy.end(), ranges());
  char* copy = reinterpret_cast<char*>(ranges() + range_count_);
  ForEachView(std::span(points(), point_count_), std::span(ranges(), range_count_),
              [&](std::string_view& view) {
                if (view.empty()) return;
                std::memcpy(copy, view.data(), view.size());
                view = {copy, view.size()};
                copy += view.size();
              });
}

PointOp* QueuedCommit::points() const {
  return reinterpret_cast<PointOp*>(const_cast<QueuedCommit*>(this) + 1);
}

RangeDeleteSpan* QueuedCommit::ranges() const {
  return reinterpret_cast<RangeDeleteSpan*>(points() + point_count_);
}

}  // namespace firn::internal
