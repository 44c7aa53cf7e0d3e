// A line of TSV or of JSON is taken or refused, whatever is in it; what is taken can be printed and
// taken again.
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "tools/cli/escape.h"
#include "tools/cli/input_line.h"
#include "tools/cli/json_line.h"

namespace firn::test {
namespace {

using tools::InputEntry;
using tools::ParseJsonLine;
using tools::ParseTsvLine;

void CheckSame(const absl::StatusOr<InputEntry>& again, const InputEntry& entry) {
  FIRN_CHECK(again.ok() && again->key == entry.key && again->value == entry.value);
}

void PrintAndTakeAgain(const InputEntry& entry) {
  using tools::Escaped;
  using tools::ToHex;
  CheckSame(ParseTsvLine(Escaped(entry.key) + "\t" + Escaped(entry.value), false), entry);
  CheckSame(ParseTsvLine(ToHex(entry.key) + "\t" + ToHex(entry.value), true), entry);
  for (const bool hex : {false, true}) {
    tools::Json object;
    tools::SetBytes(object, "key", entry.key, hex);
    tools::SetBytes(object, "value", entry.value, hex);
    const std::string line = tools::JsonLine(object);
    FIRN_CHECK(line.find('\n') == line.size() - 1);
    CheckSame(ParseJsonLine(line), entry);
  }
}

void Check(const absl::StatusOr<InputEntry>& entry) {
  if (entry.ok()) {
    PrintAndTakeAgain(*entry);
  } else {
    FIRN_CHECK(absl::IsInvalidArgument(entry.status()) && !entry.status().message().empty());
  }
}

void CheckEscapes(std::string_view bytes) {
  const std::string text = tools::Escaped(bytes);
  FIRN_CHECK(tools::IsUtf8(text));
  for (const char character : text) FIRN_CHECK(static_cast<unsigned char>(character) >= ' ');
  FIRN_CHECK(tools::Unescaped(text) == bytes);
  FIRN_CHECK(tools::FromHex(tools::ToHex(bytes)) == bytes);
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  // Of its exact size, so that a read past it is seen.
  const std::string line(BytesOf(data, size));
  CheckEscapes(line);
  Check(ParseTsvLine(line, /*hex=*/false));
  Check(ParseTsvLine(line, /*hex=*/true));
  Check(ParseJsonLine(line));
  return 0;
}
