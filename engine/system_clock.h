// The clock that a Db uses unless it is given another.
#ifndef FIRN_ENGINE_SYSTEM_CLOCK_H_
#define FIRN_ENGINE_SYSTEM_CLOCK_H_

#include "firn/options.h"

namespace firn::internal {

// The operating system's wall clock. Never null; lives as long as the process.
Clock* SystemClock();

}  // namespace firn::internal

#endif  // FIRN_ENGINE_SYSTEM_CLOCK_H_
