// How a soak's result is shown.
#ifndef FIRN_TOOLS_HISTORY_SOAK_REPORT_H_
#define FIRN_TOOLS_HISTORY_SOAK_REPORT_H_

#include <string>

#include "nlohmann/json_fwd.hpp"
#include "tools/history/soak.h"

namespace firn::history {

// A table, and below it one line an anomaly, or one line that says there are none.
std::string SoakText(const SoakReport& report, bool in_colour);

nlohmann::ordered_json SoakJson(const SoakReport& report);

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_SOAK_REPORT_H_
