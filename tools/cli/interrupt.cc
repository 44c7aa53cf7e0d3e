#include "tools/cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace firn::tools {
namespace {

std::atomic<bool> interrupted{false};
int interrupt_pipe[2] = {-1, -1};  // SIGINT puts a byte into it, which stays.

}  // namespace

void CatchInterrupts() {
  if (pipe2(interrupt_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;  // Then SIGINT ends the program.
  struct sigaction action = {};
  action.sa_handler = [](int) {
    interrupted = true;
    (void)!write(interrupt_pipe[1], "", 1);
  };
  sigaction(SIGINT, &action, nullptr);
}

bool Interrupted() { return interrupted; }

bool WaitForInput(int fd) {
  pollfd waited[] = {{fd, POLLIN, 0}, {interrupt_pipe[0], POLLIN, 0}};
  while (!interrupted && poll(waited, 2, -1) < 0 && errno == EINTR) {
  }
  return !interrupted;
}

}  // namespace firn::tools
