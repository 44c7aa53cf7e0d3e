// The matrix's report for a browser.
#ifndef FIRN_TOOLS_MATRIX_REPORT_HTML_REPORT_H_
#define FIRN_TOOLS_MATRIX_REPORT_HTML_REPORT_H_

#include <string>

#include "tools/matrix/report/report.h"

namespace firn::matrix {

// One page that needs nothing else. Tables and the cells that failed are plain HTML. The other
// cells, which are many, are data that a script shows where they are opened or searched for.
std::string HtmlReport(const MatrixReport& report);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_HTML_REPORT_H_
