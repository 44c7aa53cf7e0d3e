// Memory for commits that wait in a queue.
#ifndef FIRN_ENGINE_COMMIT_ARENA_H_
#define FIRN_ENGINE_COMMIT_ARENA_H_

#include <cstddef>

namespace firn::internal {

// A CommitArena lends pieces of chunks, one behind the other. Commits are taken by those who write
// and given back, in about the same order, by the thread that persists them. malloc() had to look
// for a place for each among what that thread had freed long ago: two waits for memory a put.
//
// A chunk is used again once all its pieces are back. A few are kept for that; a piece too large for
// a chunk has memory of its own, which goes back to the system at once.
//
// Thread-safety: one thread at a time.
// Lifetime: all pieces are returned before it is destroyed.
class CommitArena {
 public:
  struct Chunk;
  struct Piece {
    void* data;  // Aligned for pointers.
    size_t bytes;
    Chunk* chunk;  // To be returned to.
  };

  static constexpr size_t kChunkBytes = size_t{64} << 10;
  static constexpr size_t kMaxPieceBytes = kChunkBytes / 4;
  static constexpr size_t kMostSpareChunks = 32;

  CommitArena() = default;
  ~CommitArena();
  CommitArena(const CommitArena&) = delete;
  CommitArena& operator=(const CommitArena&) = delete;

  // Throws std::bad_alloc.
  Piece Take(size_t bytes);
  // So many pieces of the chunk.
  void Return(Chunk* chunk, size_t pieces);

  size_t chunk_count() const { return chunk_count_; }

 private:
  Chunk* NewChunk(size_t bytes);
  void FreeChunk(Chunk* chunk);
  // The next chunk to take pieces from.
  Chunk* NextChunk();

  Chunk* current_ = nullptr;
  Chunk* spare_ = nullptr;  // A list.
  size_t spare_count_ = 0;
  size_t chunk_count_ = 0;  // All of them, those of large pieces, too.
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_COMMIT_ARENA_H_
