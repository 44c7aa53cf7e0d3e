// The matrix's comparison of engines, for docs/.
#ifndef FIRN_TOOLS_MATRIX_REPORT_MARKDOWN_REPORT_H_
#define FIRN_TOOLS_MATRIX_REPORT_MARKDOWN_REPORT_H_

#include <string>

#include "tools/matrix/report/report.h"

namespace firn::matrix {

// The engines side by side: in all, by change, by moment, by reader, by layout; of each that did
// not hold something, the first such cell.
std::string MarkdownReport(const MatrixReport& report);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_MARKDOWN_REPORT_H_
