// A QueuedCommit is a copy of one commit's operations.
#ifndef FIRN_ENGINE_QUEUED_COMMIT_H_
#define FIRN_ENGINE_QUEUED_COMMIT_H_

#include <cstddef>
#include <span>

#include "engine/commit_arena.h"
#include "engine/normalized_batch.h"
#include "engine/store.h"
#include "firn/types.h"

namespace firn::internal {

// What one commit is to tell the store, all in one piece of memory:
//
//   header | points | ranges | bytes of keys and values
//
// Lifetime: that of its piece; it needs no destructor.
class QueuedCommit {
 public:
  using Points = std::span<const NormalizedBatch::PointOp>;
  using Ranges = std::span<const NormalizedBatch::RangeDeleteSpan>;

  static size_t BytesOf(Points points, Ranges ranges);
  // Requires: the piece is of BytesOf() bytes.
  static QueuedCommit* Create(CommitArena::Piece piece, Points points, Ranges ranges);

  // Of the piece.
  size_t bytes() const { return bytes_; }
  CommitArena::Chunk* chunk() const { return chunk_; }
  StoreCommit view() const { return {ts, {points(), point_count_}, {ranges(), range_count_}}; }

  // Of whoever queues it.
  CommitTs ts;
  QueuedCommit* next = nullptr;

 private:
  QueuedCommit(CommitArena::Piece piece, Points points, Ranges ranges);

  NormalizedBatch::PointOp* points() const;
  NormalizedBatch::RangeDeleteSpan* ranges() const;

  CommitArena::Chunk* const chunk_;
  const size_t bytes_;
  const size_t point_count_;
  const size_t range_count_;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_QUEUED_COMMIT_H_
