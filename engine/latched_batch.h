// A batch becomes writes of the map.
#ifndef FIRN_ENGINE_LATCHED_BATCH_H_
#define FIRN_ENGINE_LATCHED_BATCH_H_

#include <span>

#include "absl/container/inlined_vector.h"
#include "engine/normalized_batch.h"
#include "engine/pending_value.h"
#include "mvcc/commit_writer.h"

namespace firn::internal {

// A LatchedBatch latches the leaves that a batch touches, in key order, and finds out what the
// batch comes to: a range delete becomes one tombstone for each live key, and deleting a key
// that has no value nothing.
//
// Thread-safety: one thread.
// Lifetime: the batch, the map and the writer outlive it, and so do the writes of the writer.
class LatchedBatch {
 public:
  // Copies large values. Throws std::bad_alloc.
  LatchedBatch(OrderedMap& map, std::span<const NormalizedBatch::PointOp> points,
               std::span<const NormalizedBatch::RangeDeleteSpan> ranges);

  // What the batch writes, for CommitWriter::Prepare(). Throws std::bad_alloc.
  std::span<const MapWrite> Latch(CommitWriter& writer);

 private:
  void LatchPoint(CommitWriter& writer);
  void LatchPointsBelow(CommitWriter& writer, std::string_view key);

  OrderedMap& map_;
  const std::span<const NormalizedBatch::PointOp> points_;
  const std::span<const NormalizedBatch::RangeDeleteSpan> ranges_;
  // A single put allocates nothing here.
  absl::InlinedVector<PendingValue, 1> values_;
  absl::InlinedVector<MapWrite, 1> writes_;
  size_t next_ = 0;  // Point to be latched.
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_LATCHED_BATCH_H_
