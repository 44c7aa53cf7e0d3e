#include "tools/history/history.h"

#include <array>

namespace firn::history {

const char* VerbName(Verb verb) {
  static constexpr std::array<const char*, kVerbs> kNames = {
      "Get",
      "GetPinned",
      "MultiGet",
      "Contains",
      "Range (range-for)",
      "Range (callback)",
      "Iterator walk",
      "GetSnapshot",
      "Put",
      "Delete",
      "Write",
      "Write (empty)",
      "DeleteRange",
      "Clear",
      "Care",
      "LoadOrStore",
      "LoadOrStore (lazy)",
      "LoadAndDelete",
      "Swap",
      "CompareAndSwap",
      "CompareAndDelete",
  };
  return kNames[static_cast<size_t>(verb)];
}

bool IsConditional(Verb verb) { return verb >= Verb::kLoadOrStore; }

}  // namespace firn::history
