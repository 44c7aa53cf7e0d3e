// The matrix's report for a terminal.
#ifndef FIRN_TOOLS_MATRIX_REPORT_TEXT_REPORT_H_
#define FIRN_TOOLS_MATRIX_REPORT_TEXT_REPORT_H_

#include <cstddef>
#include <limits>
#include <string>

#include "tools/matrix/report/report.h"

namespace firn::matrix {

struct TextOptions {
  bool in_colour = false;
  size_t columns = std::numeric_limits<size_t>::max();  // Tables are made shorter to fit.
};

// A table of changes and moments for each engine, with the cells that failed below it; for several
// engines a table that compares them; a verdict.
std::string TextReport(const MatrixReport& report, const TextOptions& options);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_TEXT_REPORT_H_
