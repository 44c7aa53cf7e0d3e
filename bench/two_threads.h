// Two threads that work at once.
#ifndef FIRN_BENCH_TWO_THREADS_H_
#define FIRN_BENCH_TWO_THREADS_H_

#include <algorithm>
#include <chrono>
#include <functional>
#include <latch>
#include <thread>

namespace firn::bench {

// Wall seconds from the earlier start to the later end of two parts that start together.
inline double SecondsOfTwo(const std::function<void()>& left, const std::function<void()>& right) {
  using Clock = std::chrono::steady_clock;
  struct Span {
    Clock::time_point start, end;
  };
  std::latch ready(2);
  const auto run = [&ready](const std::function<void()>& part, Span& span) {
    ready.arrive_and_wait();
    span.start = Clock::now();
    part();
    span.end = Clock::now();
  };
  Span mine, others;
  std::thread other(run, std::ref(right), std::ref(others));
  run(left, mine);
  other.join();
  const auto wall = std::max(mine.end, others.end) - std::min(mine.start, others.start);
  return std::chrono::duration<double>(wall).count();
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_TWO_THREADS_H_
