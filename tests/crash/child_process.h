// Work in a process of its own, which may die of it.
#ifndef FIRN_TESTS_CRASH_CHILD_PROCESS_H_
#define FIRN_TESTS_CRASH_CHILD_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <string>

namespace firn::test {

// A forked child with a pipe from it and one to it. The parent must have no threads: of RocksDB's
// only the memory would be there in the child.
//
// Thread-safety: one thread at a time.
class ChildProcess {
 public:
  // Runs `body` in the child, which then ends without closing or flushing anything.
  explicit ChildProcess(const std::function<void(ChildProcess& self)>& body);
  // Kills it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // For both sides: a message of any bytes to the other side. Receive() returns false if the
  // other side ended before a whole one came.
  void Send(const std::string& message);
  bool Receive(std::string* message);

  // For the parent.
  void Kill();
  // Waits up to `timeout_ms` for its end; false if it still runs.
  bool Ended(int timeout_ms);
  // Waits for its end; as waitpid() gives it.
  int Wait();

 private:
  pid_t pid_ = 0;
  int in_ = -1;
  int out_ = -1;
  int status_ = 0;
  bool reaped_ = false;
};

// What `body` returns, or "died: ..." with how it ended.
std::string InChild(const std::function<std::string()>& body);

}  // namespace firn::test

#endif  // FIRN_TESTS_CRASH_CHILD_PROCESS_H_
