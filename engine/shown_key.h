// A key as an error text shows it.
#ifndef FIRN_ENGINE_SHOWN_KEY_H_
#define FIRN_ENGINE_SHOWN_KEY_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace firn::internal {

// In quotes, escaped so that no byte of it can do anything to a terminal, and cut where it
// stops being helpful: "user:17", "\x00\xff", "a long ke"...
inline std::string ShownKey(std::string_view key) {
  constexpr size_t kShownBytes = 32;
  const absl::string_view head(key.data(), std::min(key.size(), kShownBytes));
  return absl::StrCat("\"", absl::CHexEscape(head), key.size() > kShownBytes ? "\"..." : "\"");
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_SHOWN_KEY_H_
