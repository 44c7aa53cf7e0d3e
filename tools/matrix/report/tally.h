// Counts of outcomes, as all reports show them.
#ifndef FIRN_TOOLS_MATRIX_REPORT_TALLY_H_
#define FIRN_TOOLS_MATRIX_REPORT_TALLY_H_

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/matrix/cell.h"
#include "tools/matrix/matrix_run.h"

namespace firn::matrix {

// Indices into Dimensions().
inline constexpr size_t kChangeDimension = 0;
inline constexpr size_t kPositionDimension = 1;
inline constexpr size_t kMomentDimension = 2;
inline constexpr size_t kLayoutDimension = 4;
inline constexpr size_t kReaderDimension = 5;

inline constexpr std::array<Outcome, 4> kOutcomes = {Outcome::kHeld, Outcome::kFailed,
                                                     Outcome::kBroke, Outcome::kMissing};

struct Tally {
  void Add(Outcome outcome) { ++counts[static_cast<size_t>(outcome)]; }
  Tally& operator+=(const Tally& other);
  size_t operator[](Outcome outcome) const { return counts[static_cast<size_t>(outcome)]; }
  size_t cells() const { return counts[0] + counts[1] + counts[2] + counts[3]; }
  // Without the cells that the engine has no operation for.
  size_t ran() const { return cells() - (*this)[Outcome::kMissing]; }

  friend bool operator==(const Tally&, const Tally&) = default;

  std::array<size_t, kOutcomes.size()> counts = {};
};

// What such cells are to be coloured as: one that failed outweighs all others, then one that broke.
// kMissing if none ran.
Outcome WorstOf(const Tally& tally);
// "2,800"; "2,700 3! 97~" if 3 failed and 97 broke; "-" if none ran; "" if there are none. Of
// kOddOnly, where something did not hold, "3! 97~".
enum class FigureDetail { kAll, kOddOnly };
std::string FigureText(const Tally& tally, FigureDetail detail = FigureDetail::kAll);

Tally TallyOf(const EngineResults& results);
Tally TallyOf(const std::vector<EngineResults>& engines);
// One for each value of a dimension; for each pair of values, row by row.
std::vector<Tally> TalliesBy(const EngineResults& results, size_t dimension);
std::vector<std::vector<Tally>> TalliesBy(const EngineResults& results, size_t row_dimension,
                                          size_t column_dimension);

// The values of a dimension that some cell has.
std::vector<size_t> ValuesIn(const EngineResults& results, size_t dimension);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_TALLY_H_
