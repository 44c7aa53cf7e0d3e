// The other engines under the matrix: what they promise holds, and what an engine cannot hold breaks.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/temp_directory.h"
#include "tools/matrix/matrix_run.h"

namespace firn::matrix {
namespace {

std::vector<Cell> EveryNth(size_t n) {
  std::vector<Cell> cells = Cells(Selection::kStandard);
  std::erase_if(cells, [n](const Cell& cell) { return HashOf(cell) % n != 0; });
  return cells;
}

EngineResults RunOn(const EngineEntry& engine, const std::vector<Cell>& cells) {
  const test::TempDirectory directory;
  MatrixOptions options;
  options.directory = directory.path();
  const absl::StatusOr<EngineResults> results = RunMatrix(engine, cells, options);
  EXPECT_TRUE(results.ok()) << results.status();
  return results.ok() ? *results : EngineResults();
}

// Whether something is written that a frozen reader must not see, but could. In a storm that depends
// on time.
bool AsksForAFrozenMoment(const Cell& cell) {
  const bool writes = cell.change != Change::kSameValue;
  // All that such an iterator could show is within its bounds.
  const bool can_see =
      cell.position != Position::kOutsideBounds || cell.reader != Reader::kDbIterator;
  return writes && can_see && !SeesChange(cell) && cell.writer != Writer::kStorm;
}

TEST(EnginesTest, WithoutSnapshotsEveryCellBreaksThatAsksForAFrozenMoment) {
  size_t engines = 0;
  for (const EngineEntry& engine : Engines()) {
    if (engine.name != "map" && engine.name != "tbb") continue;
    ++engines;
    size_t broke = 0;
    for (const CellResult& result : RunOn(engine, Cells(Selection::kStandard)).cells) {
      EXPECT_NE(result.outcome, Outcome::kFailed) << Name(result.cell);
      if (result.outcome == Outcome::kMissing || !AsksForAFrozenMoment(result.cell)) continue;
      EXPECT_EQ(result.outcome, Outcome::kBroke) << engine.name << " holds " << Name(result.cell);
      ++broke;
    }
    EXPECT_GT(broke, 0u) << engine.name;
  }
  EXPECT_GT(engines, 0u);
}

TEST(EnginesTest, WhatAnEngineWithSnapshotsPromisesHolds) {
  for (const EngineEntry& engine : Engines()) {
    if (engine.name != "rocksdb" && engine.name != "lmdb" && engine.name != "leveldb") continue;
    for (const CellResult& result : RunOn(engine, EveryNth(100)).cells) {
      EXPECT_NE(result.outcome, Outcome::kFailed)
          << engine.name << ", " << Name(result.cell) << "\n"
          << result.finding;
    }
  }
}

}  // namespace
}  // namespace firn::matrix
