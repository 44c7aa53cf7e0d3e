// What a program may do on a terminal and not in a file.
#ifndef FIRN_TOOLS_TERMINAL_H_
#define FIRN_TOOLS_TERMINAL_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace firn::tools {

// Whether `stream` should get colours: a terminal, and NO_COLOR is not set.
bool WantsColour(std::FILE* stream);

// A line that counts up while something runs; nothing unless stderr is a terminal.
//
// Thread-safety: one thread at a time.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { End(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Begin(std::string what);
  // Cheap; redraws a few times a second. `total` 0: unknown.
  void Show(uint64_t done, uint64_t total);
  // Wipes the line.
  void End();

 private:
  const bool is_terminal_;
  std::string what_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point next_draw_;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_TERMINAL_H_
