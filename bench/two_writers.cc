#include "bench/two_writers.h"

#include <algorithm>
#include <chrono>
#include <latch>
#include <thread>

#include "bench/check.h"

namespace firn::bench {

double NsPerPutOfTwoWriters(const Workload& workload, Db& left, Db& right) {
  using Clock = std::chrono::steady_clock;
  struct Span {
    Clock::time_point start, end;
  };
  std::latch ready(2);
  const auto write = [&](Db& db, size_t first, Span& span) {
    ready.arrive_and_wait();
    span.start = Clock::now();
    for (size_t i = first; i < workload.entry_count(); i += 2) {
      CheckOk(db.Put(workload.key(i), workload.value(i)).status());
    }
    span.end = Clock::now();
  };
  Span mine, others;
  std::thread other(write, std::ref(right), 1, std::ref(others));
  write(left, 0, mine);
  other.join();
  const auto wall = std::max(mine.end, others.end) - std::min(mine.start, others.start);
  return std::chrono::duration<double, std::nano>(wall).count() /
         static_cast<double>(workload.entry_count());
}

}  // namespace firn::bench
