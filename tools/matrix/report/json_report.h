// The matrix's report as JSON, one object a line.
#ifndef FIRN_TOOLS_MATRIX_REPORT_JSON_REPORT_H_
#define FIRN_TOOLS_MATRIX_REPORT_JSON_REPORT_H_

#include <functional>
#include <string_view>

#include "tools/matrix/report/report.h"

namespace firn::matrix {

// A line for each cell of each engine, and behind an engine's cells one with its counts.
void JsonReport(const MatrixReport& report, const std::function<void(std::string_view)>& print);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_JSON_REPORT_H_
