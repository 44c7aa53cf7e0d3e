// The threads that write in a cell.
#ifndef FIRN_TOOLS_MATRIX_WRITER_CREW_H_
#define FIRN_TOOLS_MATRIX_WRITER_CREW_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace firn::matrix {

// A WriterCrew runs tasks on threads that stay from one cell to the next.
//
// Thread-safety: one thread at a time gives the tasks.
class WriterCrew {
 public:
  static constexpr size_t kThreads = 3;

  WriterCrew();
  ~WriterCrew();
  WriterCrew(const WriterCrew&) = delete;
  WriterCrew& operator=(const WriterCrew&) = delete;

  // Runs `task` on one of them, and returns when it is done.
  void RunOne(const std::function<void()>& task);
  // Has all of them run `task` with a number of their own. It must last until Wait().
  void Start(const std::function<void(size_t thread)>& task);
  bool running();
  void Wait();

 private:
  void Work(size_t thread);

  std::mutex mutex_;
  std::condition_variable called_;
  std::condition_variable done_;
  // Under mutex_:
  const std::function<void(size_t)>* task_ = nullptr;
  size_t round_ = 0;
  size_t wanted_ = 0;  // Threads [0, wanted_) run the round's task.
  size_t busy_ = 0;
  bool ends_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_WRITER_CREW_H_
