#include "engine/commit_arena.h"

#include <new>
#include <utility>

#include "mvcc/check.h"
#include "mvcc/memory_poison.h"

namespace firn::internal {

struct CommitArena::Chunk {
  const size_t size;  // Of what is lent.
  size_t used = 0;
  size_t lent_pieces = 0;
  Chunk* next_spare = nullptr;

  char* begin() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

constexpr size_t AlignUp(size_t bytes) {
  return (bytes + alignof(void*) - 1) & ~(alignof(void*) - 1);
}

}  // namespace

CommitArena::~CommitArena() {
  if (current_ != nullptr) FreeChunk(current_);
  while (spare_ != nullptr) FreeChunk(std::exchange(spare_, spare_->next_spare));
  FIRN_INVARIANT(chunk_count_ == 0);
}

CommitArena::Piece CommitArena::Take(size_t wanted) {
  const size_t bytes = AlignUp(wanted);
  Chunk* chunk = current_;
  if (bytes > kMaxPieceBytes) {
    chunk = NewChunk(bytes);
  } else if (chunk == nullptr || chunk->size - chunk->used < bytes) {
    chunk = current_ = NextChunk();  // The one before goes with its last piece.
  }
  char* data = chunk->begin() + chunk->used;
  chunk->used += bytes;
  ++chunk->lent_pieces;
  AllowAccess(data, bytes);
  return {data, wanted, chunk};
}

void CommitArena::Return(Chunk* chunk, size_t pieces) {
  FIRN_INVARIANT(pieces <= chunk->lent_pieces);
  chunk->lent_pieces -= pieces;
  if (chunk->lent_pieces > 0) return;
  PoisonFreed(chunk->begin(), chunk->used);
  chunk->used = 0;
  if (chunk == current_) return;
  if (chunk->size != kChunkBytes || spare_count_ == kMostSpareChunks) {
    FreeChunk(chunk);
    return;
  }
  chunk->next_spare = std::exchange(spare_, chunk);
  ++spare_count_;
}

CommitArena::Chunk* CommitArena::NextChunk() {
  if (spare_ == nullptr) return NewChunk(kChunkBytes);
  --spare_count_;
  return std::exchange(spare_, spare_->next_spare);
}

CommitArena::Chunk* CommitArena::NewChunk(size_t bytes) {
  auto* chunk = new (::operator new(sizeof(Chunk) + bytes)) Chunk{bytes};
  ForbidAccess(chunk->begin(), bytes);
  ++chunk_count_;
  return chunk;
}

void CommitArena::FreeChunk(Chunk* chunk) {
  AllowAccess(chunk->begin(), chunk->size);
  ::operator delete(chunk);
  --chunk_count_;
}

}  // namespace firn::internal
