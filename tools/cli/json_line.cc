#include "tools/cli/json_line.h"

#include "tools/cli/escape.h"

namespace firn::tools {

void SetBytes(Json& object, const std::string& name, std::string_view bytes, bool hex) {
  if (hex || !IsUtf8(bytes)) {
    object[name + "_hex"] = ToHex(bytes);
  } else {
    object[name] = bytes;
  }
}

std::string JsonLine(const Json& object) {
  return object.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

}  // namespace firn::tools
