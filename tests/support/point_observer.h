// Runs a piece of a test at the schedule points that the code under test passes.
#ifndef FIRN_TESTS_SUPPORT_POINT_OBSERVER_H_
#define FIRN_TESTS_SUPPORT_POINT_OBSERVER_H_

#include <functional>
#include <string_view>
#include <utility>

#include "mvcc/schedule_point.h"

#ifdef FIRN_INVARIANTS
namespace firn::test {

// While one lives, calls `at_point(name)` at each schedule point, but not from within itself.
// Thread-safety: one at a time; the call comes on the thread that passes the point.
class PointObserver : public internal::ScheduleObserver {
 public:
  explicit PointObserver(std::function<void(std::string_view)> at_point)
      : at_point_(std::move(at_point)) {
    internal::schedule_observer.store(this, std::memory_order_release);
  }
  ~PointObserver() override {
    internal::schedule_observer.store(nullptr, std::memory_order_release);
  }
  PointObserver(const PointObserver&) = delete;
  PointObserver& operator=(const PointObserver&) = delete;

  void AtPoint(const char* name) override {
    if (inside_) return;
    inside_ = true;
    at_point_(name);
    inside_ = false;
  }
  void OnBlocked(const void* /*resource*/) override {}
  void OnUnblocked(const void* /*resource*/) override {}

 private:
  const std::function<void(std::string_view)> at_point_;
  static inline thread_local bool inside_ = false;
};

}  // namespace firn::test
#endif  // FIRN_INVARIANTS

#endif  // FIRN_TESTS_SUPPORT_POINT_OBSERVER_H_
