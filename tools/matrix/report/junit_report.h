// The matrix's report for programs that collect test results.
#ifndef FIRN_TOOLS_MATRIX_REPORT_JUNIT_REPORT_H_
#define FIRN_TOOLS_MATRIX_REPORT_JUNIT_REPORT_H_

#include <string>

#include "tools/matrix/report/report.h"

namespace firn::matrix {

// JUnit XML: a suite for each engine, a case for each cell. What is missing, or did not hold where
// the engine promises nothing, is skipped, with the reason.
std::string JunitReport(const MatrixReport& report);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_JUNIT_REPORT_H_
