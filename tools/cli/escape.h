// Bytes as text that cannot harm a terminal, and back.
#ifndef FIRN_TOOLS_CLI_ESCAPE_H_
#define FIRN_TOOLS_CLI_ESCAPE_H_

#include <optional>
#include <string>
#include <string_view>

namespace firn::tools {

// `bytes` for people: printable UTF-8 stays; control characters, what is not UTF-8, and what
// would turn or hide the text around it (bidirectional and zero-width characters) become \xHH, byte
// by byte; a backslash is doubled.
std::string Escaped(std::string_view bytes);

// Undoes Escaped(), and takes \t \n \r as well; nothing if a backslash begins nothing known.
std::optional<std::string> Unescaped(std::string_view text);

// Two lower-case digits a byte.
std::string ToHex(std::string_view bytes);
// Nothing if `text` is not an even number of hexadecimal digits.
std::optional<std::string> FromHex(std::string_view text);

// Whether `bytes` can stand in a JSON string as they are.
bool IsUtf8(std::string_view bytes);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_ESCAPE_H_
