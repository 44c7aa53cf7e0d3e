// Schedule points: named places in the protocols where a test may delay a thread or
// hand control to another. Release builds compile them away.
#ifndef FIRN_MVCC_SCHEDULE_POINT_H_
#define FIRN_MVCC_SCHEDULE_POINT_H_

#include <atomic>
#include <cstdint>

namespace firn::internal {

// What a test scheduler is told. Thread-safety: called from any thread.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  // The calling thread stands at the point `name`. May block.
  virtual void AtPoint(const char* name) = 0;
  // The calling thread is about to wait for `resource`; then: has stopped waiting.
  virtual void OnBlocked(const void* resource) = 0;
  virtual void OnUnblocked(const void* resource) = 0;
};

#ifdef FIRN_INVARIANTS
// Writer: a test, before it starts threads and after it joined them. Reader: any thread.
// acquire/release: whoever sees the observer sees it constructed.
inline std::atomic<ScheduleObserver*> schedule_observer{nullptr};

inline void AtSchedulePoint(const char* name) {
  if (auto* observer = schedule_observer.load(std::memory_order_acquire)) observer->AtPoint(name);
}
inline void ReportBlocked(const void* resource) {
  if (auto* observer = schedule_observer.load(std::memory_order_acquire)) {
    observer->OnBlocked(resource);
  }
}
inline void ReportUnblocked(const void* resource) {
  if (auto* observer = schedule_observer.load(std::memory_order_acquire)) {
    observer->OnUnblocked(resource);
  }
}

// True once in `one_in` calls on average: invariant builds leave shortcuts at random so
// that the slow path is tested too. Seeded per thread, so that a single-threaded test replays.
inline bool SkipShortcut(uint32_t one_in) {
  thread_local uint64_t state = 0x9E3779B97F4A7C15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % one_in == 0;
}
#else
inline void AtSchedulePoint(const char*) {}
inline void ReportBlocked(const void*) {}
inline void ReportUnblocked(const void*) {}
constexpr bool SkipShortcut(uint32_t) { return false; }
#endif

}  // namespace firn::internal

#endif  // FIRN_MVCC_SCHEDULE_POINT_H_
