#include "tests/crash/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <thread>

namespace firn::test {
namespace {

bool ReadExactly(int fd, char* to, size_t size) {
  while (size > 0) {
    const ssize_t count = read(fd, to, size);
    if (count <= 0) return false;
    to += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

void WriteExactly(int fd, const char* from, size_t size) {
  while (size > 0) {
    const ssize_t count = write(fd, from, size);
    if (count <= 0) return;  // The other side is gone; it will be seen.
    from += count;
    size -= static_cast<size_t>(count);
  }
}

}  // namespace

ChildProcess::ChildProcess(const std::function<void(ChildProcess& self)>& body) {
  std::signal(SIGPIPE, SIG_IGN);
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ < 0) std::abort();
  in_ = pid_ == 0 ? to_child[0] : from_child[0];
  out_ = pid_ == 0 ? from_child[1] : to_child[1];
  close(pid_ == 0 ? to_child[1] : from_child[1]);
  close(pid_ == 0 ? from_child[0] : to_child[0]);
  if (pid_ != 0) return;
  body(*this);
  _exit(0);
}

ChildProcess::~ChildProcess() {
  Kill();
  Wait();
  close(in_);
  close(out_);
}

void ChildProcess::Send(const std::string& message) {
  const uint64_t size = message.size();
  WriteExactly(out_, reinterpret_cast<const char*>(&size), sizeof(size));
  WriteExactly(out_, message.data(), size);
}

bool ChildProcess::Receive(std::string* message) {
  uint64_t size = 0;
  if (!ReadExactly(in_, reinterpret_cast<char*>(&size), sizeof(size))) return false;
  message->resize(size);
  return ReadExactly(in_, message->data(), size);
}

void ChildProcess::Kill() {
  if (!reaped_) kill(pid_, SIGKILL);
}

bool ChildProcess::Ended(int timeout_ms) {
  for (int waited = 0; !reaped_; ++waited) {
    reaped_ = waitpid(pid_, &status_, WNOHANG) == pid_;
    if (reaped_ || waited >= timeout_ms) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return reaped_;
}

int ChildProcess::Wait() {
  if (!reaped_) waitpid(pid_, &status_, 0);
  reaped_ = true;
  return status_;
}

std::string InChild(const std::function<std::string()>& body) {
  ChildProcess child([&](ChildProcess& self) { self.Send(body()); });
  std::string text;
  const bool received = child.Receive(&text);
  const int status = child.Wait();
  if (received && WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return "died: wait status " + std::to_string(status);
}

}  // namespace firn::test
