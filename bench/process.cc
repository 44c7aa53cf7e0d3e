#include "bench/process.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "bench/workload.h"

namespace firn::bench {

namespace {

// The figure of a line such as "VmRSS:  123 kB", in bytes; 0 if there is none.
uint64_t BytesIn(const char* path, std::string_view line) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    if (word != line) continue;
    uint64_t kib = 0;
    file >> kib;
    return kib * 1024;
  }
  return 0;
}

}  // namespace

uint64_t AnonymousResidentBytes() { return BytesIn("/proc/self/smaps_rollup", "Anonymous:"); }
uint64_t ResidentBytes() { return BytesIn("/proc/self/status", "VmRSS:"); }
uint64_t PeakResidentBytes() { return BytesIn("/proc/self/status", "VmHWM:"); }
void ResetPeakResident() { std::ofstream("/proc/self/clear_refs") << 5; }

void ReturnFreeMemory() { malloc_trim(0); }

void WarmFreeMemory() {
  ReturnFreeMemory();
  if (IsSmokeRun()) return;
  constexpr size_t kBytes = size_t{1} << 30;
  constexpr size_t kPageBytes = 4096;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;  // A small machine: the rounds spread more.
  madvise(memory, kBytes, MADV_HUGEPAGE);
  auto* bytes = static_cast<volatile char*>(memory);
  for (size_t at = 0; at < kBytes; at += kPageBytes) bytes[at] = 1;
  munmap(memory, kBytes);
}

OtherThreads OtherThreadsNow() {
  OtherThreads others;
  const std::string self = std::to_string(gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == self) continue;
    std::ifstream file(task.path() / "schedstat");
    uint64_t run_ns = 0, wait_ns = 0, slices = 0;
    if (!(file >> run_ns >> wait_ns >> slices)) continue;  // It has ended meanwhile.
    others.run_ns += run_ns;
    others.wakeups += slices;
    ++others.count;
  }
  return others;
}

}  // namespace firn::bench
