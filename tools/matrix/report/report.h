// What the reports tell: the results of some engines on the same cells.
#ifndef FIRN_TOOLS_MATRIX_REPORT_REPORT_H_
#define FIRN_TOOLS_MATRIX_REPORT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/matrix/cell.h"
#include "tools/matrix/matrix_run.h"

namespace firn::matrix {

struct MatrixReport {
  std::vector<EngineResults> engines;  // At least one, all of the same cells.
  uint64_t seed = 1;
  size_t repeat = 1;
  bool full = false;    // Selection::kFull.
  std::string command;  // That made it.
  std::string made_at;  // "2026-11-26 01:20 UTC"
  std::string version;  // Of Firn.
  size_t cores = 0;     // Of the machine.

  bool ok() const;
  size_t cell_count() const { return engines.front().cells.size(); }
};

// Of a result: "held", "failed", "broke", "missing"; and as it is told.
std::string_view OutcomeName(Outcome outcome);
std::string_view OutcomePhrase(Outcome outcome);

// The flags with which a cell runs again as it ran, and the whole command for it. The threads of a
// storm are not in step: it is given more tries.
std::string RerunFlags(const MatrixReport& report, const Cell& cell);
std::string RerunCommand(const MatrixReport& report, const EngineResults& engine, const Cell& cell);

// "23,681 cells: 23,000 held, 0 failed, 0 did not hold and are not promised, 681 missing."
std::string CountsSentence(const EngineResults& engine);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_REPORT_H_
