#include "tools/cli/input_line.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tools/cli/escape.h"

namespace firn::tools {
namespace {

absl::StatusOr<std::string> Member(const nlohmann::json& object, const std::string& name) {
  if (const auto plain = object.find(name); plain != object.end()) {
    if (!plain->is_string()) {
      return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a string"));
    }
    return plain->get<std::string>();
  }
  const auto hex = object.find(name + "_hex");
  if (hex == object.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is neither \"", name, "\" nor \"", name, "_hex\""));
  }
  std::optional<std::string> bytes;
  if (hex->is_string()) bytes = FromHex(hex->get<std::string>());
  if (bytes) return *std::move(bytes);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "_hex\" is not a string of hexadecimal digits, two for each byte"));
}

}  // namespace

absl::StatusOr<InputEntry> ParseTsvLine(std::string_view line, bool hex) {
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos) {
    return absl::InvalidArgumentError("there is no tab between key and value");
  }
  if (line.find('\t', tab + 1) != std::string_view::npos) {
    return absl::InvalidArgumentError("there is a second tab; write one within a value as \\t");
  }
  const auto decode = hex ? FromHex : Unescaped;
  std::optional<std::string> key = decode(line.substr(0, tab));
  std::optional<std::string> value = decode(line.substr(tab + 1));
  if (!key || !value) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", key ? "value" : "key",
                     hex ? " is not in hexadecimal digits"
                         : " has a backslash that begins none of \\\\ \\t \\n \\r \\xHH"));
  }
  return InputEntry{*std::move(key), *std::move(value)};
}

absl::StatusOr<InputEntry> ParseJsonLine(std::string_view line) {
  const nlohmann::json object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("it is not a JSON object");
  absl::StatusOr<std::string> key = Member(object, "key");
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> value = Member(object, "value");
  if (!value.ok()) return value.status();
  return InputEntry{*std::move(key), *std::move(value)};
}

}  // namespace firn::tools
