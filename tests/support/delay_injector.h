// Delays at schedule points: they open the windows between two steps of a protocol wide
// enough for another thread to step in.
#ifndef FIRN_TESTS_SUPPORT_DELAY_INJECTOR_H_
#define FIRN_TESTS_SUPPORT_DELAY_INJECTOR_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "mvcc/schedule_point.h"
#include "tests/support/random.h"

namespace firn::test {

// While one lives, threads yield or sleep at random at the schedule points they pass.
// Builds without invariants have no schedule points: there it does nothing.
// Lifetime: made before the threads that it delays, and outlives them.
class DelayInjector : public internal::ScheduleObserver {
 public:
  explicit DelayInjector(uint64_t seed) : seed_(seed) {
#ifdef FIRN_INVARIANTS
    internal::schedule_observer.store(this, std::memory_order_release);
#endif
  }
  ~DelayInjector() override {
#ifdef FIRN_INVARIANTS
    internal::schedule_observer.store(nullptr, std::memory_order_release);
#endif
  }
  DelayInjector(const DelayInjector&) = delete;
  DelayInjector& operator=(const DelayInjector&) = delete;

  void AtPoint(const char* /*name*/) override {
    points_passed_.fetch_add(1, std::memory_order_relaxed);
    Random& random = ThreadRandom();
    const uint64_t roll = random.Below(1024);
    if (roll < 4) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.Between(1, 200)));
    } else if (roll < 64) {
      std::this_thread::yield();
    }
  }
  void OnBlocked(const void* /*resource*/) override {}
  void OnUnblocked(const void* /*resource*/) override {}

  uint64_t points_passed() const { return points_passed_.load(std::memory_order_relaxed); }

 private:
  Random& ThreadRandom() {
    thread_local Random random(seed_ + next_thread_.fetch_add(1, std::memory_order_relaxed));
    return random;
  }

  const uint64_t seed_;
  // Both are mere counters: relaxed, so that counting orders nothing that it watches.
  std::atomic<uint64_t> next_thread_{0};
  std::atomic<uint64_t> points_passed_{0};
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_DELAY_INJECTOR_H_
