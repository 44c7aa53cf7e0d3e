// Whether the matrix has teeth: every fault that is planted must be found.
#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/matrix/faulty_engine.h"
#include "tools/matrix/engines/engines.h"
#include "tools/matrix/matrix_run.h"

namespace firn::matrix {
namespace {

// One cell in 32, the same on each run, and all of those with Clear, of which there are few.
std::vector<Cell> SomeCells() {
  std::vector<Cell> cells = Cells(Selection::kStandard);
  std::erase_if(cells, [](const Cell& cell) {
    const bool chosen = cell.change == Change::kClear || HashOf(cell) % 32 == 0;
    return cell.layout == Layout::kReopened || !chosen;
  });
  return cells;
}

std::vector<CellResult> CaughtBy(Fault fault) {
  absl::StatusOr<EngineResults> results =
      RunMatrix(WithFault(FirnMemory(), fault), SomeCells(), {});
  EXPECT_TRUE(results.ok()) << results.status();
  if (!results.ok()) return {};
  std::erase_if(results->cells,
                [](const CellResult& result) { return result.outcome == Outcome::kHeld; });
  return results->cells;
}

class PlantedFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(PlantedFaultTest, IsCaught) {
  const std::vector<CellResult> caught = CaughtBy(GetParam());
  EXPECT_FALSE(caught.empty());
  std::printf("%s: caught by %zu of %zu cells\n", std::string(NameOf(GetParam())).c_str(),
              caught.size(), SomeCells().size());
  for (size_t i = 0; i < caught.size() && i < 3; ++i) {
    std::printf("  %s\n    %s\n", Name(caught[i].cell).c_str(), caught[i].finding.c_str());
  }
}

std::vector<Fault> AllFaults() {
  std::vector<Fault> faults;
  for (int i = 1; i < static_cast<int>(Fault::kCount); ++i) faults.push_back(static_cast<Fault>(i));
  return faults;
}
std::string TestNameOf(const testing::TestParamInfo<Fault>& info) {
  std::string name;
  bool word_begins = true;
  for (const char c : NameOf(info.param)) {
    const bool is_letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (is_letter) name.push_back(word_begins ? static_cast<char>(std::toupper(c)) : c);
    word_begins = !is_letter;
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(Faults, PlantedFaultTest, testing::ValuesIn(AllFaults()), TestNameOf);

TEST(FaultyEngineTest, WithoutAFaultNothingIsCaught) {
  for (const CellResult& result : CaughtBy(Fault::kNone)) {
    ADD_FAILURE() << Name(result.cell) << "\n" << result.finding;
  }
}

}  // namespace
}  // namespace firn::matrix
