// Schedule points: named places in the protocols where a test may delay a thread or
// hand control to another, and what it is told of waiting. Release builds compile them away.
#ifndef FIRN_MVCC_SCHEDULE_POINT_H_
#define FIRN_MVCC_SCHEDULE_POINT_H_

#include <atomic>
#include <cstdint>
#include <optional>

namespace firn::internal {

// What a test scheduler is told.
//
// It may also *steer* threads: decide alone when each of them runs. A steered thread never waits
// in the kernel, which tells nobody whom it wakes and when: where another thread would, it calls
// Await(), and tries again once it is let go.
//
// Thread-safety: called from any thread.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  // The calling thread stands at the point `name`. May block.
  virtual void AtPoint(const char* name) = 0;
  // The calling thread, which is not steered, is about to wait for `resource`; then: has stopped
  // waiting.
  virtual void OnBlocked(const void* resource) = 0;
  virtual void OnUnblocked(const void* resource) = 0;
  // Whoever waits for `resource` may try again: a lock is free, a condition was notified. Only
  // the address says something; the resource may be gone. May block.
  virtual void OnReleased(const void* /*resource*/) {}

  // Whether the calling thread is steered.
  virtual bool Steers() const { return false; }
  // Gives up `held`, a lock that the caller has just unlocked (or null), and in the same step
  // begins to wait for `resource`. Returns true once that was released, false if `timeout_us`
  // passed first. Requires: Steers().
  virtual bool Await(const void* /*resource*/, const void* /*held*/,
                     std::optional<uint64_t> /*timeout_us*/) {
    return true;
  }

  // The calling thread is about to start `thread`; then `thread` itself begins, and is done; then
  // the calling thread is about to join it. Only addresses, as above. May block.
  virtual void OnThreadStarting(const void* /*thread*/, const char* /*name*/) {}
  virtual void OnThreadBegan(const void* /*thread*/) {}
  virtual void OnThreadDone(const void* /*thread*/) {}
  virtual void OnThreadJoining(const void* /*thread*/) {}
};

#ifdef FIRN_INVARIANTS
// Writer: a test, before it starts threads and after it joined them. Reader: any thread.
// acquire/release: whoever sees the observer sees it constructed.
inline std::atomic<ScheduleObserver*> schedule_observer{nullptr};

inline ScheduleObserver* CurrentScheduleObserver() {
  return schedule_observer.load(std::memory_order_acquire);
}
// The observer, if it steers the calling thread.
inline ScheduleObserver* SteeringObserver() {
  ScheduleObserver* observer = CurrentScheduleObserver();
  return observer != nullptr && observer->Steers() ? observer : nullptr;
}

// What SkipShortcut() draws from.
inline thread_local constinit uint64_t shortcut_state = 0x9E3779B97F4A7C15u;

// From here on the calling thread leaves shortcuts as `seed`, which is not 0, says.
inline void SeedShortcuts(uint64_t seed) { shortcut_state = seed; }

// True once in `one_in` calls on average: invariant builds leave shortcuts at random so
// that the slow path is tested too. Seeded per thread, so that a single-threaded test replays.
inline bool SkipShortcut(uint32_t one_in) {
  shortcut_state ^= shortcut_state << 13;
  shortcut_state ^= shortcut_state >> 7;
  shortcut_state ^= shortcut_state << 17;
  return shortcut_state % one_in == 0;
}
#else
constexpr ScheduleObserver* CurrentScheduleObserver() { return nullptr; }
constexpr ScheduleObserver* SteeringObserver() { return nullptr; }
inline void SeedShortcuts(uint64_t) {}
constexpr bool SkipShortcut(uint32_t) { return false; }
#endif

// The constant null of a release build leaves nothing of these.
inline void AtSchedulePoint(const char* name) {
  if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->AtPoint(name);
}
inline void ReportBlocked(const void* resource) {
  if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->OnBlocked(resource);
}
inline void ReportUnblocked(const void* resource) {
  if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->OnUnblocked(resource);
}
inline void ReportReleased(const void* resource) {
  if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->OnReleased(resource);
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_SCHEDULE_POINT_H_
