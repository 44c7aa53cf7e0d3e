// JSON as the commands print it.
#ifndef FIRN_TOOLS_CLI_JSON_LINE_H_
#define FIRN_TOOLS_CLI_JSON_LINE_H_

#include <string>
#include <string_view>

#include "nlohmann/json.hpp"

namespace firn::tools {

using Json = nlohmann::ordered_json;

// Sets object[name] or, if the bytes are not UTF-8 or with `hex`, object[name + "_hex"].
void SetBytes(Json& object, const std::string& name, std::string_view bytes, bool hex);

// The object on a line of its own, in ASCII: nothing in it can move the terminal.
std::string JsonLine(const Json& object);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_JSON_LINE_H_
