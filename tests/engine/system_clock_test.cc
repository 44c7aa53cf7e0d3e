#include "engine/system_clock.h"

#include <chrono>
#include <cstdint>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

uint64_t WallNanos() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
}

// Would also fail if the machine's clock were set back in between.
TEST(SystemClockTest, ShowsTheWallClockInNanosecondsSinceTheUnixEpoch) {
  const uint64_t before = WallNanos();
  const uint64_t now = SystemClock()->NowNanos();
  EXPECT_LE(before, now);
  EXPECT_LE(now, WallNanos());
}

TEST(SystemClockTest, IsOneAndTheSame) { EXPECT_EQ(SystemClock(), SystemClock()); }

}  // namespace
}  // namespace firn::internal
