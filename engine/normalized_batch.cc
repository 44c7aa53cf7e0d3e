#include "engine/normalized_batch.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <utility>

#include "mvcc/key_index.h"

namespace firn::internal {
namespace {

using PointOp = NormalizedBatch::PointOp;
using RangeDeleteSpan = NormalizedBatch::RangeDeleteSpan;

// A range delete, and how many of the batch's points it follows: it covers exactly those
// whose place among the points is below that.
struct RangeEntry {
  RangeDeleteSpan span;
  size_t points_before;
};

// A point as it is sorted: the head decides nearly always, without a look at the key.
struct PointEntry {
  uint64_t head;  // The eight bytes after all keys' common prefix, zero-padded, as a number.
  size_t place;   // Among the batch's points.
};

struct Operations {
  std::vector<PointOp> points;
  std::vector<RangeEntry> ranges;
};

Operations Gather(const WriteBatch& batch) {
  Operations operations;
  operations.points.reserve(batch.operation_count());
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const WriteBatch::Operation operation = batch.operation(i);
    if (operation.type == WriteBatch::OperationType::kDeleteRange) {
      operations.ranges.push_back({operation.range, operations.points.size()});
      continue;
    }
    PointOp& point = operations.points.emplace_back();
    point.key = operation.key;
    if (operation.type == WriteBatch::OperationType::kPut) point.value = operation.value;
  }
  return operations;
}

bool AscendingAndUnique(const std::vector<PointOp>& points) {
  return std::adjacent_find(points.begin(), points.end(), [](const PointOp& a, const PointOp& b) {
           return a.key >= b.key;
         }) == points.end();
}

size_t SharedPrefixSize(const std::vector<PointOp>& points) {
  std::string_view prefix = points.front().key;
  for (const PointOp& point : points) {
    prefix = prefix.substr(0, CommonPrefixSize(prefix, point.key));
  }
  return prefix.size();
}

// In key order; equal keys in the order of the batch.
std::vector<PointEntry> Sorted(const std::vector<PointOp>& points) {
  const size_t skip = SharedPrefixSize(points);
  std::vector<PointEntry> entries;
  entries.reserve(points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    const std::string_view tail = points[i].key.substr(skip);
    entries.push_back({HeadOf<uint64_t>(tail.data(), tail.size()), i});
  }
  std::sort(entries.begin(), entries.end(), [&](const PointEntry& a, const PointEntry& b) {
    if (a.head != b.head) return a.head < b.head;
    const int order = points[a.place].key.compare(points[b.place].key);
    return order != 0 ? order < 0 : a.place < b.place;
  });
  return entries;
}

// Drops all but the last operation on each key.
void KeepLast(const std::vector<PointOp>& points, std::vector<PointEntry>& entries) {
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool superseded = i + 1 < entries.size() && entries[i].head == entries[i + 1].head &&
                            points[entries[i].place].key == points[entries[i + 1].place].key;
    if (!superseded) entries[kept++] = entries[i];
  }
  entries.resize(kept);
}

bool EndsAtOrBefore(const RangeDeleteSpan& span, std::string_view key) {
  return span.upper.has_value() && *span.upper <= key;
}

bool IsEmpty(const RangeDeleteSpan& span) {
  return span.upper.has_value() && span.lower.value_or(std::string_view()) >= *span.upper;
}

// Drops the points that a later range delete covers. Walks both in key order; of the ranges
// begun so far the latest one decides, so those that have ended are only taken off the heap
// when they get in its way. Requires: `entries` and `ranges` ascend.
void DropCovered(const std::vector<PointOp>& points, const std::vector<RangeEntry>& ranges,
                 std::vector<PointEntry>& entries) {
  const auto earlier = [](const RangeEntry* a, const RangeEntry* b) {
    return a->points_before < b->points_before;
  };
  std::priority_queue<const RangeEntry*, std::vector<const RangeEntry*>, decltype(earlier)> begun(
      earlier);
  auto next = ranges.begin();
  std::erase_if(entries, [&](const PointEntry& entry) {
    const std::string_view key = points[entry.place].key;
    for (; next != ranges.end() && next->span.lower.value_or(std::string_view()) <= key; ++next) {
      begun.push(&*next);
    }
    while (!begun.empty() && EndsAtOrBefore(begun.top()->span, key)) begun.pop();
    return !begun.empty() && begun.top()->points_before > entry.place;
  });
}

// Requires: `ranges` ascend by lower bound and none is empty.
std::vector<RangeDeleteSpan> Merge(const std::vector<RangeEntry>& ranges) {
  std::vector<RangeDeleteSpan> merged;
  for (const RangeEntry& range : ranges) {
    const RangeDeleteSpan& span = range.span;
    const bool separate =
        merged.empty() || (merged.back().upper.has_value() && span.lower.has_value() &&
                           *merged.back().upper < *span.lower);
    if (separate) {
      merged.push_back(span);
    } else if (!span.upper.has_value() || EndsAtOrBefore(merged.back(), *span.upper)) {
      merged.back().upper = span.upper;
    }
  }
  return merged;
}

}  // namespace

NormalizedBatch Normalize(const WriteBatch& batch) {
  auto [points, ranges] = Gather(batch);
  std::erase_if(ranges, [](const RangeEntry& range) { return IsEmpty(range.span); });
  // std::nullopt sorts below every bound, as an absent lower bound should.
  std::sort(ranges.begin(), ranges.end(),
            [](const RangeEntry& a, const RangeEntry& b) { return a.span.lower < b.span.lower; });

  NormalizedBatch normalized;
  normalized.ranges = Merge(ranges);
  if (ranges.empty() && AscendingAndUnique(points)) {
    normalized.points = std::move(points);
    return normalized;
  }
  if (points.empty()) return normalized;
  std::vector<PointEntry> entries = Sorted(points);
  KeepLast(points, entries);
  if (!ranges.empty()) DropCovered(points, ranges, entries);
  normalized.points.reserve(entries.size());
  for (const PointEntry& entry : entries) normalized.points.push_back(points[entry.place]);
  return normalized;
}

}  // namespace firn::internal
