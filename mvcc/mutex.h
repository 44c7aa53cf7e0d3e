// The one wait type: every blocking of Firn goes through Mutex and CondVar, so that a
// test scheduler knows who waits for what. They wrap the standard ones, which
// ThreadSanitizer understands, and carry Abseil's annotations, which clang checks.
#ifndef FIRN_MVCC_MUTEX_H_
#define FIRN_MVCC_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "mvcc/pause.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    if (mutex_.try_lock()) return;
    while (ScheduleObserver* scheduler = SteeringObserver()) {
      scheduler->Await(this, nullptr, std::nullopt);
      if (mutex_.try_lock()) return;
    }
    // Most holders are done soon, and a sleep costs both sides a system call: with a second writer
    // that was a fifth of a put.
    for (int i = 0; i < kPauses; ++i) {
      Pause();
      if (mutex_.try_lock()) return;
    }
    ReportBlocked(this);
    mutex_.lock();
    ReportUnblocked(this);
  }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    mutex_.unlock();
    ReportReleased(this);
  }

 private:
  friend class CondVar;
  static constexpr int kPauses = 64;  // One to three microseconds.
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// As std::condition_variable: wakes may be spurious, so callers loop on their condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (ScheduleObserver* scheduler = SteeringObserver()) {
      AwaitNotified(*scheduler, mutex, std::nullopt);
      return;
    }
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    ReportBlocked(this);
    condition_.wait(lock);
    ReportUnblocked(this);
    lock.release();
  }
  // Returns false if `microseconds` passed first.
  bool WaitFor(Mutex& mutex, uint64_t microseconds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (ScheduleObserver* scheduler = SteeringObserver()) {
      return AwaitNotified(*scheduler, mutex, microseconds);
    }
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    ReportBlocked(this);
    const std::cv_status status =
        condition_.wait_for(lock, std::chrono::microseconds(microseconds));
    ReportUnblocked(this);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void NotifyAll() {
    condition_.notify_all();
    ReportReleased(this);
  }

 private:
  // Clang would have it locked twice.
  bool AwaitNotified(ScheduleObserver& scheduler, Mutex& mutex,
                     std::optional<uint64_t> timeout_us) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex.mutex_.unlock();
    const bool notified = scheduler.Await(this, &mutex, timeout_us);
    mutex.Lock();
    return notified;
  }

  std::condition_variable condition_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_MUTEX_H_
