// The cells of the snapshot-consistency matrix: what is asked of an engine.
#ifndef FIRN_TOOLS_MATRIX_CELL_H_
#define FIRN_TOOLS_MATRIX_CELL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace firn::matrix {

// What somebody writes while somebody else reads.
enum class Change : uint8_t {
  kInsert,
  kDelete,
  kOverwrite,
  kDeleteThenReinsert,
  kOverwriteTwice,
  kSameValue,
  kBatch,
  kRangeDelete,
  kClear,
  kCompareAndSwap,
};

// Where the changed key stands, seen from the cursor in its direction.
enum class Position : uint8_t {
  kBehind,
  kAtCursor,
  kNext,
  kFurtherOn,
  kOtherLeaf,
  kBeforeFirst,
  kAfterLast,
  kInsideBounds,
  kOutsideBounds,
  kEverywhere,
};

// When it is written.
enum class Moment : uint8_t {
  kBeforeIterator,
  kBeforeSeek,
  kAfterSeek,
  kHalfWay,
  kAtEnd,
  kAfterEnd,
  kRefresh,
};

enum class Direction : uint8_t { kForward, kBackward, kTurning };

// Where the versions live.
enum class Layout : uint8_t { kFresh, kFrozen, kBoth, kSplit, kMerged, kPruned, kReopened };

enum class Reader : uint8_t {
  kIterator,
  kDbIterator,
  kRangeFor,
  kCallback,
  kGet,
  kGetPinned,
  kMultiGet,
};

enum class Writer : uint8_t { kSameThread, kLockstep, kStorm };

// How old the snapshot is that is read.
enum class Age : uint8_t { kNewest, kOlderThanThree, kOlderThanReleased };

inline constexpr size_t kDimensions = 8;

// One question. Ordered as its name is written.
struct Cell {
  Change change;
  Position position;
  Moment moment;
  Direction direction;
  Layout layout;
  Reader reader;
  Writer writer;
  Age age;

  // The index of its value in each dimension.
  std::array<uint8_t, kDimensions> coordinates() const;

  friend bool operator==(const Cell&, const Cell&) = default;
};

// One value of a dimension, as it is named and as it is told.
struct ValueText {
  std::string_view name;    // "delete-reinsert"
  std::string_view phrase;  // A part of Scenario().
};
struct DimensionText {
  std::string_view name;
  absl::Span<const ValueText> values;
};
// In the order of Cell's fields.
const std::array<DimensionText, kDimensions>& Dimensions();

// "delete/next/after-seek/forward/frozen/iterator/lockstep/newest".
std::string Name(const Cell& cell);
// One sentence that says what happens and what must be seen.
std::string Scenario(const Cell& cell);

// Whether the parts go together: there is no `Get` half way, and nothing to overwrite after the
// last key.
bool MakesSense(const Cell& cell);
// Whether the reader is to see the change: only an iterator made straight from the Db does, where
// it had not anchored yet.
bool SeesChange(const Cell& cell);
bool IsPointRead(Reader reader);

enum class Selection {
  // Every combination of change, position, moment, direction, layout and reader, each with one
  // writer and one age in turn (point reads: three): every three values that go together meet in
  // some cell.
  kStandard,
  kFull,  // Every combination.
};
std::vector<Cell> Cells(Selection selection);
// Those whose names match one of the shell patterns, which are separated by ':'.
std::vector<Cell> Matching(std::vector<Cell> cells, std::string_view patterns);

// How many cells there are of each change, in the order of Change.
std::vector<std::pair<std::string_view, size_t>> CountByChange(absl::Span<const Cell> cells);

// A number that tells cells apart, the same everywhere.
uint64_t HashOf(const Cell& cell);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_CELL_H_
