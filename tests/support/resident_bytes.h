// What the kernel says of this process's memory.
#ifndef FIRN_TESTS_SUPPORT_RESIDENT_BYTES_H_
#define FIRN_TESTS_SUPPORT_RESIDENT_BYTES_H_

#include <unistd.h>

#include <cstddef>
#include <cstdio>

namespace firn::test {

// Everything in memory, also what is of files. Sanitizers add memory of their own.
inline size_t ResidentBytes() {
  size_t pages = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (std::fscanf(file, "%zu %zu", &pages, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_RESIDENT_BYTES_H_
