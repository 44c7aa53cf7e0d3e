#include "tools/history/anomaly.h"

#include <array>

namespace firn::history {

const char* AnomalyName(AnomalyKind kind) {
  static constexpr std::array<const char*, kAnomalyKinds> kNames = {
      "call failed",         "garbled value",
      "unknown key",         "scan out of order",
      "scan out of bounds",  "duplicate timestamp",
      "commit in the past",  "returned unseen",
      "view in the past",    "view in the future",
      "time went back",      "acknowledged commit unseen",
      "out of order",        "stale read",
      "future read",         "lost write",
      "missed entry",        "deleted value seen",
      "phantom entry",       "range delete missed a key",
      "unknown version",     "wrong commit timestamp",
      "torn batch",          "no common moment",
      "two winners",         "wrong condition",
      "unjustified refusal",
  };
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace firn::history
