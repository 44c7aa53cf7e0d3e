// The one thread type: to join a thread is to wait, and whoever steers threads must know which
// there are.
#ifndef FIRN_MVCC_THREAD_H_
#define FIRN_MVCC_THREAD_H_

#include <thread>
#include <utility>

#include "mvcc/schedule_point.h"

namespace firn::internal {

// A Thread is a std::thread that a test scheduler hears of. It steers what is started by a thread
// that it steers.
//
// Thread-safety: one thread at a time.
// Lifetime: joined before it goes.
class Thread {
 public:
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Throws std::system_error. Requires: not joinable(); `name` is a literal, `body` throws
  // nothing.
  template <class Body>
  void Start(const char* name, Body body) {
    if (ScheduleObserver* observer = CurrentScheduleObserver()) {
      observer->OnThreadStarting(this, name);
    }
    thread_ = std::thread([this, body = std::move(body)]() mutable {
      if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->OnThreadBegan(this);
      body();
      if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->OnThreadDone(this);
    });
  }
  bool joinable() const { return thread_.joinable(); }
  void Join() {
    if (ScheduleObserver* observer = CurrentScheduleObserver()) observer->OnThreadJoining(this);
    thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_THREAD_H_
