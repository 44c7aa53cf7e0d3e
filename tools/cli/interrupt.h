// SIGINT as a question, not as an end.
#ifndef FIRN_TOOLS_CLI_INTERRUPT_H_
#define FIRN_TOOLS_CLI_INTERRUPT_H_

namespace firn::tools {

// From now on SIGINT does not end the program at once: it is asked for by Interrupted().
void CatchInterrupts();
bool Interrupted();
// Waits until a read of `fd` would not, or for SIGINT; false after it. (A signal that came just
// before a blocking read, or went to another thread, would not end that.)
bool WaitForInput(int fd);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_INTERRUPT_H_
