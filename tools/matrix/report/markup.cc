#include "tools/matrix/report/markup.h"

#include "absl/strings/str_replace.h"
#include "tools/cli/escape.h"

namespace firn::matrix {

std::string Markup(std::string_view text) {
  return absl::StrReplaceAll(
      tools::Escaped(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

}  // namespace firn::matrix
