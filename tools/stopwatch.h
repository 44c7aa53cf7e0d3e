// Measures how long something takes.
#ifndef FIRN_TOOLS_STOPWATCH_H_
#define FIRN_TOOLS_STOPWATCH_H_

#include <chrono>

namespace firn::tools {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_STOPWATCH_H_
