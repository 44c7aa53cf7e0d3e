// Text inside HTML and XML.
#ifndef FIRN_TOOLS_MATRIX_REPORT_MARKUP_H_
#define FIRN_TOOLS_MATRIX_REPORT_MARKUP_H_

#include <string>
#include <string_view>

namespace firn::matrix {

// For an element's content or a quoted attribute. What neither HTML nor XML may hold (control
// characters, what is not UTF-8) becomes \xHH.
std::string Markup(std::string_view text);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_MARKUP_H_
