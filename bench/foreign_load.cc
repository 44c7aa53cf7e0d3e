#include "bench/foreign_load.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace firn::bench {

ForeignLoad::ForeignLoad()
    : started_(Clock::now()), busy_at_start_(BusySeconds()), own_at_start_(OwnSeconds()) {}

double ForeignLoad::CoresBusy() const {
  const double wall = std::chrono::duration<double>(Clock::now() - started_).count();
  if (wall <= 0) return 0;
  const double foreign = (BusySeconds() - busy_at_start_) - (OwnSeconds() - own_at_start_);
  return std::max(0.0, foreign / wall);
}

double ForeignLoad::BusySeconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> cpu >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  return (user + nice + system + irq + softirq + steal) / sysconf(_SC_CLK_TCK);
}

double ForeignLoad::OwnSeconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec + used.tv_nsec * 1e-9;
}

}  // namespace firn::bench
