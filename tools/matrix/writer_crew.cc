#include "tools/matrix/writer_crew.h"

namespace firn::matrix {

WriterCrew::WriterCrew() {
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads_.emplace_back([this, thread] { Work(thread); });
  }
}

WriterCrew::~WriterCrew() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  called_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WriterCrew::RunOne(const std::function<void()>& task) {
  const std::function<void(size_t)> numbered = [&task](size_t) { task(); };
  {
    const std::lock_guard lock(mutex_);
    task_ = &numbered;
    ++round_;
    wanted_ = busy_ = 1;
  }
  called_.notify_all();
  Wait();
}

void WriterCrew::Start(const std::function<void(size_t)>& task) {
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    ++round_;
    wanted_ = busy_ = kThreads;
  }
  called_.notify_all();
}

bool WriterCrew::running() {
  const std::lock_guard lock(mutex_);
  return busy_ > 0;
}

void WriterCrew::Wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
}

void WriterCrew::Work(size_t thread) {
  size_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    called_.wait(lock, [&] { return ends_ || (round_ != seen && thread < wanted_); });
    if (ends_) return;
    seen = round_;
    const std::function<void(size_t)>& task = *task_;
    lock.unlock();
    task(thread);
    lock.lock();
    if (--busy_ == 0) done_.notify_all();
  }
}

}  // namespace firn::matrix
