#include "tests/support/transcript.h"

#include <functional>

namespace firn::test {

std::string Written(CommitTs ts) { return "@" + std::to_string(ts.value); }

std::string Written(ErrorKind kind) { return "!" + std::string(ErrorKindName(kind)); }

std::string Written(std::string_view value) {
  std::string text = Printable(value);
  constexpr size_t kShownWhole = 32;
  if (value.size() > kShownWhole) {
    text += '#' + std::to_string(std::hash<std::string_view>()(value) % 1'000'000);
  }
  return text;
}

std::string Written(const std::optional<std::string>& value) {
  return value ? Written(std::string_view(*value)) : kNothing;
}

std::string Written(const Entry& entry) {
  return Written(std::string_view(entry.key)) + '=' + Written(std::string_view(entry.value)) +
         Written(entry.commit_ts);
}

std::string Written(const std::vector<Entry>& entries) {
  if (entries.empty()) return kNothing;
  std::string text;
  for (const Entry& entry : entries) {
    if (!text.empty()) text += ' ';
    text += Written(entry);
  }
  return text;
}

}  // namespace firn::test
