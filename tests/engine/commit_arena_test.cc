#include "engine/commit_arena.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

TEST(CommitArenaTest, PiecesLieOneBehindTheOther) {
  CommitArena arena;
  const CommitArena::Piece first = arena.Take(100), second = arena.Take(8);
  EXPECT_EQ(first.chunk, second.chunk);
  EXPECT_EQ(static_cast<char*>(second.data) - static_cast<char*>(first.data), 104);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first.data) % alignof(void*), 0u);
  arena.Return(first.chunk, 2);
  EXPECT_EQ(arena.Take(1).data, first.data) << "a chunk begins anew once all is back";
  arena.Return(first.chunk, 1);
}

TEST(CommitArenaTest, AChunkIsUsedAgain) {
  CommitArena arena;
  std::set<CommitArena::Chunk*> seen;
  std::deque<CommitArena::Piece> lent;
  for (int i = 0; i < 10'000; ++i) {
    lent.push_back(arena.Take(1'000));
    seen.insert(lent.back().chunk);
    if (lent.size() <= 200) continue;
    arena.Return(lent.front().chunk, 1);
    lent.pop_front();
  }
  EXPECT_LE(seen.size(), 5u);
  EXPECT_EQ(arena.chunk_count(), seen.size());
  for (const CommitArena::Piece& piece : lent) arena.Return(piece.chunk, 1);
}

TEST(CommitArenaTest, KeepsAFewSpareChunks) {
  CommitArena arena;
  std::vector<CommitArena::Piece> lent;
  constexpr size_t kPieces = 4 * 3 * CommitArena::kMostSpareChunks;
  for (size_t i = 0; i < kPieces; ++i) lent.push_back(arena.Take(CommitArena::kMaxPieceBytes));
  EXPECT_EQ(arena.chunk_count(), kPieces / 4);
  for (const CommitArena::Piece& piece : lent) arena.Return(piece.chunk, 1);
  EXPECT_EQ(arena.chunk_count(), CommitArena::kMostSpareChunks + 1);
}

TEST(CommitArenaTest, ALargePieceHasMemoryOfItsOwn) {
  CommitArena arena;
  const CommitArena::Piece small = arena.Take(100);
  const CommitArena::Piece large = arena.Take(CommitArena::kMaxPieceBytes + 1);
  const CommitArena::Piece huge = arena.Take(10 * CommitArena::kChunkBytes);
  std::memset(huge.data, 1, 10 * CommitArena::kChunkBytes);
  EXPECT_EQ(arena.chunk_count(), 3u);
  EXPECT_EQ(arena.Take(8).chunk, small.chunk);
  arena.Return(large.chunk, 1);
  arena.Return(huge.chunk, 1);
  EXPECT_EQ(arena.chunk_count(), 1u);
  arena.Return(small.chunk, 2);
}

// AddressSanitizer and the invariants see what the comparison does not.
TEST(CommitArenaTest, NoPieceOverlapsAnother) {
  test::Random random(7);
  CommitArena arena;
  struct Lent {
    CommitArena::Piece piece;
    size_t bytes;
    unsigned char mark;
  };
  std::vector<Lent> lent;
  for (int i = 0; i < 20'000; ++i) {
    const size_t bytes = 1 + random.Below(random.Below(50) == 0 ? 40'000 : 500);
    lent.push_back({arena.Take(bytes), bytes, static_cast<unsigned char>(i)});
    std::memset(lent.back().piece.data, lent.back().mark, bytes);
    if (lent.size() < 300) continue;
    // Mostly the oldest, as a queue does.
    const size_t at = random.Below(10) == 0 ? random.Below(lent.size()) : 0;
    const Lent gone = lent[at];
    const auto* data = static_cast<const unsigned char*>(gone.piece.data);
    for (size_t k = 0; k < gone.bytes; ++k) ASSERT_EQ(data[k], gone.mark) << i;
    arena.Return(gone.piece.chunk, 1);
    lent.erase(lent.begin() + static_cast<ptrdiff_t>(at));
  }
  for (const Lent& each : lent) arena.Return(each.piece.chunk, 1);
}

}  // namespace
}  // namespace firn::internal
