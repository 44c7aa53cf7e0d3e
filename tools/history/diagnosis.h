// Names what is wrong with a sighting that cannot be.
#ifndef FIRN_TOOLS_HISTORY_DIAGNOSIS_H_
#define FIRN_TOOLS_HISTORY_DIAGNOSIS_H_

#include "tools/history/anomaly.h"
#include "tools/history/history.h"
#include "tools/history/material.h"
#include "tools/history/version_table.h"

namespace firn::history {

// `culprit` is the claim of `operation` that left no moment at which all its claims hold. The text
// names the key, what was seen of it, and what must have been.
Anomaly Diagnose(const VersionTable& table, const KeySet& keys, const Operation& operation,
                 const Sighting& culprit);

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_DIAGNOSIS_H_
