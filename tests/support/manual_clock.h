// A clock that stands still until a test moves it, in either direction.
#ifndef FIRN_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define FIRN_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "firn/options.h"

namespace firn::test {

class ManualClock : public Clock {
 public:
  explicit ManualClock(uint64_t now_nanos = 0) : now_nanos_(now_nanos) {}

  uint64_t NowNanos() override { return now_nanos_.load(std::memory_order_relaxed); }
  void Set(uint64_t now_nanos) { now_nanos_.store(now_nanos, std::memory_order_relaxed); }
  void Advance(uint64_t nanos) { now_nanos_.fetch_add(nanos, std::memory_order_relaxed); }

 private:
  // Writer: the test. Reader: any thread. relaxed: it orders nothing else.
  std::atomic<uint64_t> now_nanos_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_MANUAL_CLOCK_H_
