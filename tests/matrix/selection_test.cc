// Whether the cells are what they say they are.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/matrix/cell.h"
#include "tools/matrix/cell_plan.h"
#include "tools/matrix/reference.h"

namespace firn::matrix {
namespace {

using ::testing::Contains;

TEST(SelectionTest, HasThousandsOfCellsOfEveryFeatureButOne) {
  const std::vector<Cell> cells = Cells(Selection::kStandard);
  for (const auto& [change, count] : CountByChange(cells)) {
    std::printf("%6zu %s\n", count, std::string(change).c_str());
    // Clear has no position.
    EXPECT_GE(count, change == "clear" ? 300u : 2000u) << change;
  }
  std::printf("%6zu cells, of %zu\n", cells.size(), Cells(Selection::kFull).size());
}

TEST(SelectionTest, NamesAreUnique) {
  std::set<std::string> names;
  for (const Cell& cell : Cells(Selection::kFull)) {
    EXPECT_TRUE(names.insert(Name(cell)).second) << Name(cell);
  }
}

TEST(SelectionTest, PatternsChoose) {
  const std::vector<Cell> cells = Cells(Selection::kStandard);
  const std::vector<Cell> some = Matching(cells, "clear/*:*/storm/*");
  EXPECT_LT(some.size(), cells.size());
  for (const Cell& cell : some) {
    EXPECT_TRUE(cell.change == Change::kClear || cell.writer == Writer::kStorm) << Name(cell);
  }
  EXPECT_THAT(Matching(cells, Name(cells.back())), testing::ElementsAre(cells.back()));
}

using Triple = std::tuple<size_t, size_t, size_t, uint8_t, uint8_t, uint8_t>;

std::set<Triple> TriplesIn(const std::vector<Cell>& cells) {
  std::set<Triple> triples;
  for (const Cell& cell : cells) {
    const auto at = cell.coordinates();
    for (size_t a = 0; a < kDimensions; ++a) {
      for (size_t b = a + 1; b < kDimensions; ++b) {
        for (size_t c = b + 1; c < kDimensions; ++c) triples.emplace(a, b, c, at[a], at[b], at[c]);
      }
    }
  }
  return triples;
}

TEST(SelectionTest, EveryThreeValuesThatGoTogetherMeet) {
  EXPECT_TRUE(TriplesIn(Cells(Selection::kStandard)) == TriplesIn(Cells(Selection::kFull)));
}

// A cell's line of keys, in the direction of its walk.
class PlannedLine {
 public:
  explicit PlannedLine(const Cell& cell) : cell_(cell), plan_(cell, "", 1) {
    Apply(plan_.load(), &before_);
    Apply(plan_.load_again(), &before_);
    for (const auto& [key, value] : Within(before_, plan_.bounds())) walk_.push_back(key);
    if (backward()) std::reverse(walk_.begin(), walk_.end());
  }

  const CellPlan& plan() const { return plan_; }
  const State& before() const { return before_; }
  State after() const {
    State state = before_;
    for (const Commit& commit : plan_.change()) Apply(commit, &state);
    return state;
  }

  // Where the reader stands, or will have sought to, when the change comes.
  std::string Cursor() const {
    const bool loops = cell_.reader == Reader::kRangeFor || cell_.reader == Reader::kCallback;
    if (cell_.moment == Moment::kAtEnd) return walk_.back();
    if (cell_.moment == Moment::kHalfWay) return plan_.half_way();
    if (loops && cell_.moment == Moment::kAfterSeek) return walk_.front();
    return plan_.seek_target();
  }
  bool ChangedKeyIsAheadOf(const std::string& key) const { return Ahead(plan_.changed_key(), key); }
  // Of the keys of the walk.
  size_t CountBetweenCursorAndChangedKey() const {
    const std::string cursor = Cursor();
    const std::string& changed = plan_.changed_key();
    return static_cast<size_t>(std::count_if(walk_.begin(), walk_.end(), [&](const auto& key) {
      return (Ahead(key, cursor) && Ahead(changed, key)) ||
             (Ahead(key, changed) && Ahead(cursor, key));
    }));
  }
  bool ChangedKeyIsWithinBounds() const {
    const Bounds& bounds = plan_.bounds();
    return (!bounds.lower || plan_.changed_key() >= *bounds.lower) &&
           (!bounds.upper || plan_.changed_key() < *bounds.upper);
  }

 private:
  bool backward() const { return cell_.direction == Direction::kBackward; }
  bool Ahead(const std::string& a, const std::string& b) const {
    return backward() ? a < b : a > b;
  }

  const Cell cell_;
  const CellPlan plan_;
  State before_;
  std::vector<std::string> walk_;
};

bool IsWhereItSays(const Cell& cell) {
  const PlannedLine line(cell);
  const std::string& changed = line.plan().changed_key();
  const bool ahead = line.ChangedKeyIsAheadOf(line.Cursor());
  const size_t between = line.CountBetweenCursorAndChangedKey();
  switch (cell.position) {
    case Position::kBehind:
      return !ahead && changed != line.Cursor();
    case Position::kAtCursor:
    case Position::kEverywhere:
      return changed == line.Cursor();
    case Position::kNext:
      return ahead && between == 0;
    case Position::kFurtherOn:
      return ahead && between > 0;
    case Position::kOtherLeaf:  // Firn's hold four entries in these runs.
      return between >= 4;
    case Position::kBeforeFirst:
      return changed < line.before().begin()->first;
    case Position::kAfterLast:
      return changed > line.before().rbegin()->first;
    case Position::kInsideBounds:
      return line.plan().bounds().lower && line.ChangedKeyIsWithinBounds();
    case Position::kOutsideBounds:
      return !line.ChangedKeyIsWithinBounds();
  }
  return false;
}

TEST(CellPlanTest, TheChangedKeyIsWhereThePositionSays) {
  for (const Cell& cell : Cells(Selection::kStandard)) {
    EXPECT_TRUE(IsWhereItSays(cell)) << Name(cell);
  }
}

TEST(CellPlanTest, TheChangeChangesWhatIsReadUnlessTheValueIsTheSame) {
  for (const Cell& cell : Cells(Selection::kStandard)) {
    const PlannedLine line(cell);
    EXPECT_EQ(line.before() == line.after(), cell.change == Change::kSameValue) << Name(cell);
  }
}

TEST(CellPlanTest, ABatchWritesOnBothSidesOfTheCursor) {
  for (const Cell& cell : Matching(Cells(Selection::kStandard), "batch/*/half-way/*")) {
    const PlannedLine line(cell);
    bool below = false, above = false;
    for (const Operation& each : line.plan().change().front().batch) {
      below |= each.key < line.Cursor();
      above |= each.key > line.Cursor();
    }
    EXPECT_TRUE(below && above) << Name(cell);
  }
}

TEST(CellPlanTest, APointReadAsksForTheChangedKey) {
  for (const Cell& cell : Matching(Cells(Selection::kStandard), "*/multi-get/*:*/get/*")) {
    const PlannedLine line(cell);
    EXPECT_THAT(line.plan().asked_keys(), Contains(line.plan().changed_key())) << Name(cell);
  }
}

}  // namespace
}  // namespace firn::matrix
