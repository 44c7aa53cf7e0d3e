#include "tools/matrix/cell.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace firn::matrix {
namespace {

constexpr ValueText kChanges[] = {
    {"insert", "inserts a key"},
    {"delete", "deletes a key"},
    {"overwrite", "overwrites a key"},
    {"delete-reinsert", "deletes a key and inserts it again"},
    {"overwrite-twice", "overwrites a key twice"},
    {"same-value", "overwrites a key with the value it has"},
    {"batch", "commits one batch on both sides of the cursor and on a key"},
    {"range-delete", "deletes a range of keys that begins"},
    {"clear", "clears the Db:"},
    {"compare-and-swap", "compares and swaps a key"},
};
constexpr ValueText kPositions[] = {
    {"behind", "behind the cursor"},
    {"at-cursor", "at the cursor"},
    {"next", "next to the cursor"},
    {"further-on", "further on"},
    {"other-leaf", "in another leaf"},
    {"before-first", "before the first key"},
    {"after-last", "after the last key"},
    {"inside-bounds", "just inside the iterator's bounds"},
    {"outside-bounds", "just outside the iterator's bounds"},
    {"everywhere", "every key"},
};
constexpr ValueText kMoments[] = {
    {"before-iterator", "between the snapshot and the first read"},
    {"before-seek", "between making the iterator and its first Seek"},
    {"after-seek", "right after the Seek"},
    {"half-way", "half way"},
    {"at-end", "with the iterator on the last entry of its walk"},
    {"after-end", "after the end, before a second Seek"},
    {"refresh", "before a Refresh and a second Seek"},
};
constexpr ValueText kDirections[] = {
    {"forward", "forward"},
    {"backward", "backward"},
    {"turning", "turning round at the changed key"},
};
constexpr ValueText kLayouts[] = {
    {"fresh", "Versions lie in fresh deltas"},
    {"frozen", "Old and new versions lie in frozen blocks"},
    {"both", "Old versions lie in frozen blocks, new ones in fresh deltas"},
    {"split", "The changed leaf splits right after the change"},
    {"merged", "The changed leaf splits and merges again right after the change"},
    {"pruned", "Versions beside the visible ones are pruned right after the change"},
    {"reopened", "The Db was reopened from disk before the reader came"},
};
constexpr ValueText kReaders[] = {
    {"iterator", "a snapshot's iterator reads"},
    {"db-iterator", "an iterator of the Db reads"},
    {"range-for", "a range-for reads"},
    {"callback", "a callback reads"},
    {"get", "Get reads"},
    {"get-pinned", "GetPinned reads"},
    {"multi-get", "MultiGet reads"},
};
constexpr ValueText kWriters[] = {
    {"same-thread", "the same thread"},
    {"lockstep", "another thread, in step,"},
    {"storm", "a storm of threads, over and over,"},
};
constexpr ValueText kAges[] = {
    {"newest", "no other snapshot is held"},
    {"older-than-three", "three newer snapshots are held"},
    {"older-than-released", "a newer snapshot has been released"},
};

template <class Value>
uint8_t Index(Value value) {
  return static_cast<uint8_t>(value);
}

std::string_view NameIn(const Cell& cell, size_t dimension) {
  return Dimensions()[dimension].values[cell.coordinates()[dimension]].name;
}
std::string_view PhraseIn(const Cell& cell, size_t dimension) {
  return Dimensions()[dimension].values[cell.coordinates()[dimension]].phrase;
}

bool NeedsExistingKey(Change change) {
  return change == Change::kDelete || change == Change::kOverwrite ||
         change == Change::kDeleteThenReinsert || change == Change::kOverwriteTwice ||
         change == Change::kSameValue;
}

bool IsOneOf(auto value, auto... values) { return ((value == values) || ...); }

bool ChangeFitsPosition(const Cell& cell) {
  if ((cell.change == Change::kClear) != (cell.position == Position::kEverywhere)) return false;
  const bool beyond = IsOneOf(cell.position, Position::kBeforeFirst, Position::kAfterLast);
  // Nor is there a range of keys that begins after the last one.
  if (cell.change == Change::kRangeDelete && cell.position == Position::kAfterLast) return false;
  return !(beyond && NeedsExistingKey(cell.change));
}

bool FitsPointRead(const Cell& cell) {
  return cell.direction == Direction::kForward && cell.moment == Moment::kBeforeIterator &&
         IsOneOf(cell.position, Position::kAtCursor, Position::kOtherLeaf, Position::kBeforeFirst,
                 Position::kAfterLast, Position::kEverywhere);
}

// A loop over a whole range: it has no Seek, and stands on its first entry right after it began.
bool FitsLoop(const Cell& cell) {
  if (cell.direction != Direction::kForward) return false;
  if (cell.moment == Moment::kAfterSeek && cell.position == Position::kBehind) return false;
  return IsOneOf(cell.moment, Moment::kBeforeIterator, Moment::kAfterSeek, Moment::kHalfWay,
                 Moment::kAtEnd);
}

bool MomentFitsPosition(const Cell& cell) {
  if (cell.moment == Moment::kAtEnd &&
      IsOneOf(cell.position, Position::kNext, Position::kFurtherOn)) {
    return false;
  }
  // The key that an insert adds is at the cursor only where a Seek to it comes afterwards.
  if (cell.change != Change::kInsert || cell.position != Position::kAtCursor) return true;
  if (IsPointRead(cell.reader)) return true;
  return IsOneOf(cell.reader, Reader::kIterator, Reader::kDbIterator) &&
         !IsOneOf(cell.moment, Moment::kHalfWay, Moment::kAtEnd);
}

}  // namespace

std::array<uint8_t, kDimensions> Cell::coordinates() const {
  return {Index(change), Index(position), Index(moment), Index(direction),
          Index(layout), Index(reader),   Index(writer), Index(age)};
}

const std::array<DimensionText, kDimensions>& Dimensions() {
  static constexpr std::array<DimensionText, kDimensions> dimensions = {{
      {"change", kChanges},
      {"position", kPositions},
      {"moment", kMoments},
      {"direction", kDirections},
      {"layout", kLayouts},
      {"reader", kReaders},
      {"writer", kWriters},
      {"age", kAges},
  }};
  return dimensions;
}

std::string Name(const Cell& cell) {
  std::string name(NameIn(cell, 0));
  for (size_t i = 1; i < kDimensions; ++i)
    absl::StrAppend(&name, "/", std::string(NameIn(cell, i)));
  return name;
}

std::string Scenario(const Cell& cell) {
  const auto phrase = [&cell](size_t dimension) { return std::string(PhraseIn(cell, dimension)); };
  const bool without_snapshot =
      cell.reader == Reader::kDbIterator && cell.moment == Moment::kBeforeIterator;
  return absl::StrCat(phrase(4), "; ", phrase(5), IsPointRead(cell.reader) ? "" : " ",
                      IsPointRead(cell.reader) ? "" : phrase(3), "; ",
                      without_snapshot ? "before the iterator is made" : phrase(2), ", ", phrase(6),
                      " ", phrase(0), " ", phrase(1), "; ", phrase(7), ". ",
                      SeesChange(cell) ? "The change is seen." : "The change is not seen.");
}

bool IsPointRead(Reader reader) {
  return IsOneOf(reader, Reader::kGet, Reader::kGetPinned, Reader::kMultiGet);
}

bool SeesChange(const Cell& cell) {
  return cell.reader == Reader::kDbIterator &&
         IsOneOf(cell.moment, Moment::kBeforeIterator, Moment::kBeforeSeek, Moment::kRefresh);
}

bool MakesSense(const Cell& cell) {
  if (!ChangeFitsPosition(cell) || !MomentFitsPosition(cell)) return false;
  if (IsPointRead(cell.reader)) {
    if (!FitsPointRead(cell)) return false;
  } else if (IsOneOf(cell.reader, Reader::kRangeFor, Reader::kCallback)) {
    if (!FitsLoop(cell)) return false;
  }
  if (cell.moment == Moment::kRefresh && cell.reader != Reader::kDbIterator) return false;
  // A moment that comes after the change is not older than what is taken around it, and in a storm
  // nobody knows it.
  return !SeesChange(cell) || (cell.writer != Writer::kStorm && cell.age == Age::kNewest);
}

std::vector<std::pair<std::string_view, size_t>> CountByChange(absl::Span<const Cell> cells) {
  std::vector<std::pair<std::string_view, size_t>> counts;
  for (const ValueText& change : kChanges) counts.emplace_back(change.name, 0);
  for (const Cell& cell : cells) ++counts[Index(cell.change)].second;
  return counts;
}

uint64_t HashOf(const Cell& cell) {
  uint64_t hash = 0;
  for (const uint8_t value : cell.coordinates()) {
    // SplitMix64's step.
    hash += value + 0x9e3779b97f4a7c15;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    hash ^= hash >> 31;
  }
  return hash;
}

std::vector<Cell> Cells(Selection selection) {
  std::vector<Cell> cells, same_core;
  std::array<uint8_t, kDimensions> at = {};
  const auto count = [](size_t dimension) { return Dimensions()[dimension].values.size(); };
  constexpr size_t kWriterDimension = 6;
  const auto flush = [&] {
    if (same_core.empty()) return;
    if (selection == Selection::kFull) {
      cells.insert(cells.end(), same_core.begin(), same_core.end());
    } else {
      // Point reads are few: each in three cells that have every writer and every age between them.
      const size_t picks = IsPointRead(same_core.front().reader) ? 3 : 1;
      const uint64_t first = HashOf(same_core.front());
      for (size_t i = 0; i < picks; ++i) {
        cells.push_back(same_core[(first + 4 * i) % same_core.size()]);
      }
    }
    same_core.clear();
  };
  while (true) {
    const Cell cell{static_cast<Change>(at[0]), static_cast<Position>(at[1]),
                    static_cast<Moment>(at[2]), static_cast<Direction>(at[3]),
                    static_cast<Layout>(at[4]), static_cast<Reader>(at[5]),
                    static_cast<Writer>(at[6]), static_cast<Age>(at[7])};
    if (MakesSense(cell)) same_core.push_back(cell);
    // Counts up, the last dimension fastest.
    size_t dimension = kDimensions;
    while (dimension > 0 && ++at[dimension - 1] == count(dimension - 1)) at[--dimension] = 0;
    if (dimension <= kWriterDimension) flush();
    if (dimension == 0) return cells;
  }
}

std::vector<Cell> Matching(std::vector<Cell> cells, std::string_view patterns) {
  const std::vector<std::string> alternatives = absl::StrSplit(std::string(patterns), ':');
  std::erase_if(cells, [&](const Cell& cell) {
    const std::string name = Name(cell);
    return std::none_of(alternatives.begin(), alternatives.end(), [&](const std::string& pattern) {
      return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    });
  });
  return cells;
}

}  // namespace firn::matrix
