#include "engine/latched_batch.h"

#include <string_view>
#include <vector>

namespace firn::internal {

LatchedBatch::LatchedBatch(OrderedMap& map, std::span<const NormalizedBatch::PointOp> points,
                           std::span<const NormalizedBatch::RangeDeleteSpan> ranges)
    : map_(map), points_(points), ranges_(ranges) {
  values_.reserve(points.size());
  for (const NormalizedBatch::PointOp& point : points) values_.emplace_back(map, point.value);
  writes_.reserve(points.size());
}

// Keys to be deleted are views into leaf states, which Prepare() may retire; the writer's epoch
// guard keeps them.
std::span<const MapWrite> LatchedBatch::Latch(CommitWriter& writer) {
  std::vector<std::string_view> live;
  for (const NormalizedBatch::RangeDeleteSpan& range : ranges_) {
    const std::string_view lower = range.lower.value_or("");
    LatchPointsBelow(writer, lower);
    writer.LatchRange(lower, range.upper);
    live.clear();
    writer.AppendLiveKeys(lower, range.upper, &live);
    for (const std::string_view key : live) {
      LatchPointsBelow(writer, key);
      // A point inside a range was written after it.
      if (next_ < points_.size() && points_[next_].key == key) continue;
      writes_.push_back({key, VersionView()});
    }
  }
  while (next_ < points_.size()) LatchPoint(writer);
  return writes_;
}

void LatchedBatch::LatchPointsBelow(CommitWriter& writer, std::string_view key) {
  while (next_ < points_.size() && points_[next_].key < key) LatchPoint(writer);
}

void LatchedBatch::LatchPoint(CommitWriter& writer) {
  if (next_ % OrderedMap::kPrefetchGroup == 0 && points_.size() > 1) {
    map_.PrefetchForWrite(points_.subspan(next_),
                          [](const NormalizedBatch::PointOp& each) { return each.key; });
  }
  const NormalizedBatch::PointOp& point = points_[next_];
  writer.LatchKey(point.key);
  if (point.value || IsValue(writer.Newest(point.key))) {
    writes_.push_back({point.key, values_[next_].view()});
  }
  ++next_;
}

}  // namespace firn::internal
