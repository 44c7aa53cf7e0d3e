#include "engine/system_clock.h"

#include <time.h>

#include <cstdint>

#include "mvcc/epoch.h"

namespace firn::internal {
namespace {

class RealtimeClock final : public Clock {
 public:
  uint64_t NowNanos() override {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }
};

}  // namespace

Clock* SystemClock() {
  static Immortal<RealtimeClock>
      clock;  // A Db may outlive main. Allocates nothing, so never fails.
  return &clock.value;
}

}  // namespace firn::internal
