// How the demo's result is shown.
#ifndef FIRN_TOOLS_FROZEN_SCAN_REPORT_H_
#define FIRN_TOOLS_FROZEN_SCAN_REPORT_H_

#include <string>

#include "tools/frozen_scan.h"

namespace firn::tools {

// A line of the list of steps: name, count, time and rate.
std::string StepLine(const Step& step);

// The table, and below it one line a failed check, or one line for all of them.
std::string ReportText(const FrozenScanReport& report, bool in_colour);

// One JSON object on one line.
std::string ReportJson(const FrozenScanReport& report, const PackageIndex& index);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_FROZEN_SCAN_REPORT_H_
