// What the operating system says of this process.
#ifndef FIRN_BENCH_PROCESS_H_
#define FIRN_BENCH_PROCESS_H_

#include <cstdint>

namespace firn::bench {

// Anonymous resident memory, counted exactly (page tables, not the kernel's running
// estimate). Costs a millisecond per gigabyte or so.
uint64_t AnonymousResidentBytes();

// Resident memory now, and the most since ResetPeakResident().
uint64_t ResidentBytes();
uint64_t PeakResidentBytes();
void ResetPeakResident();

// Hands malloc's free memory back, so that what comes next does not hide in it.
void ReturnFreeMemory();

// The same, and lets the system touch a gigabyte of its free memory. On a virtual machine a page
// that the host has taken back costs ten times more at first touch than one that it still
// backs; without this, chance decides which engine pays.
void WarmFreeMemory();

// CPU use of all threads but the calling one, since they were started.
struct OtherThreads {
  uint64_t run_ns = 0;
  uint64_t wakeups = 0;  // Times that one was put on a core.
  int count = 0;
};
OtherThreads OtherThreadsNow();

}  // namespace firn::bench

#endif  // FIRN_BENCH_PROCESS_H_
