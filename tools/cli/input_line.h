// One line of input becomes an entry.
#ifndef FIRN_TOOLS_CLI_INPUT_LINE_H_
#define FIRN_TOOLS_CLI_INPUT_LINE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace firn::tools {

struct InputEntry {
  std::string key;
  std::string value;
};

// "key<TAB>value", both escaped as `firn scan` prints them; with `hex` in hexadecimal digits.
// kInvalidArgument says what is wrong, without naming the line.
absl::StatusOr<InputEntry> ParseTsvLine(std::string_view line, bool hex);

// {"key": "...", "value": "..."}; key_hex and value_hex stand for bytes that are not UTF-8. Other
// members are not looked at. Errors as above.
absl::StatusOr<InputEntry> ParseJsonLine(std::string_view line);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_INPUT_LINE_H_
