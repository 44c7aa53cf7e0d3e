// What a program may do on a terminal and not in a file.
#ifndef FIRN_TOOLS_TERMINAL_H_
#define FIRN_TOOLS_TERMINAL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace firn::tools {

// Whether `stream` should get colours: a terminal, and NO_COLOR is not set.
bool WantsColour(std::FILE* stream);

// How many columns the terminal behind `stream` has; a very large number if it is none.
size_t ColumnsOf(std::FILE* stream);

enum class ProgressUnit { kCount, kBytes };

// A line that counts up while something runs, with its rate and, where the end is known, a bar and
// the time left; nothing unless stderr is a terminal.
//
// Thread-safety: one thread at a time.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { End(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Begin(std::string what, ProgressUnit unit = ProgressUnit::kCount);
  // Cheap; redraws a few times a second. `total` 0: unknown.
  void Show(uint64_t done, uint64_t total);
  // Wipes the line.
  void End();

 private:
  const bool is_terminal_;
  std::string what_;
  ProgressUnit unit_ = ProgressUnit::kCount;
  std::chrono::steady_clock::time_point began_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point next_draw_;
};

// How much is done, as a bar of `width` characters: "#####...............".
std::string BarText(uint64_t done, uint64_t total, size_t width);

// "12.5 MiB of 50.0 MiB, 6.25 MiB/s, 6.00 s left".
std::string ProgressText(ProgressUnit unit, uint64_t done, uint64_t total, double seconds);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_TERMINAL_H_
