// How much of the machine others used while something was measured.
#ifndef FIRN_BENCH_FOREIGN_LOAD_H_
#define FIRN_BENCH_FOREIGN_LOAD_H_

#include <chrono>

namespace firn::bench {

// A ForeignLoad watches from its construction on.
//
// Foreign is every tick that /proc/stat counts as busy (interrupts and time stolen by
// the hypervisor included) less the CPU time of this process. Ticks are 10 ms, so a
// verdict needs some 200 ms to mean anything.
class ForeignLoad {
 public:
  ForeignLoad();
  // CPU seconds of others per second of wall time: 1 is one core's worth.
  double CoresBusy() const;

 private:
  using Clock = std::chrono::steady_clock;

  static double BusySeconds();  // Of all cores and processes, since boot.
  static double OwnSeconds();   // Of this process.

  Clock::time_point started_;
  double busy_at_start_;
  double own_at_start_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_FOREIGN_LOAD_H_
