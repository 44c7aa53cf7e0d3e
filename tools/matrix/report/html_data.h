// The cells and their results, packed for the script of the HTML report.
#ifndef FIRN_TOOLS_MATRIX_REPORT_HTML_DATA_H_
#define FIRN_TOOLS_MATRIX_REPORT_HTML_DATA_H_

#include <string>

#include "tools/matrix/report/report.h"

namespace firn::matrix {

// A JSON object, which can stand in a <script>:
//   engines     [[name, title], ...]
//   dimensions  [[name of each value, ...], ...]
//   outcomes    what the letters of a record stand for
//   flags       what RerunFlags() says of some cell
//   clauses     parts of scenarios; the first is empty
//   width       letters of a record
//   records     one of each cell, on end: its 8 coordinates, the number of its flags, the outcome
//               with each engine (a digit each); its scenario, as clauses (three digits each, base
//               36)
//   findings    different texts
//   found       for each engine [cells since the one before, finding, ...]
std::string HtmlData(const MatrixReport& report);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_HTML_DATA_H_
