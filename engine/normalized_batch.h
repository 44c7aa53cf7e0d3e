// What the commit pipeline applies: a WriteBatch in key order, each key at most once.
#ifndef FIRN_ENGINE_NORMALIZED_BATCH_H_
#define FIRN_ENGINE_NORMALIZED_BATCH_H_

#include <optional>
#include <string_view>
#include <vector>

#include "firn/types.h"
#include "firn/write_batch.h"

namespace firn::internal {

// The effect of one batch, independent of the order in which it was written down:
// delete every key in `ranges` that no point names, and apply each point as it is.
// Deleting the ranges first and then applying the points comes to the same.
//
// Lifetime: the views refer to the bytes of the batch it was made from.
struct NormalizedBatch {
  struct PointOp {
    std::string_view key;
    std::optional<std::string_view> value;  // Absent: delete the key.
  };
  using RangeDeleteSpan = KeyRange;

  // Ascending and unique: the last operation on each key, unless a later range delete
  // covered it. A point inside a range is one that was written after it.
  std::vector<PointOp> points;
  // Ascending, not empty, neither overlapping nor touching.
  std::vector<RangeDeleteSpan> ranges;
};

// Takes O(n log n) time and a fixed number of allocations, which may throw.
// Requires: CheckBatch(batch) is OK. (A crossed range would count as empty.)
NormalizedBatch Normalize(const WriteBatch& batch);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_NORMALIZED_BATCH_H_
