// A directory for files that a benchmark writes, gone when it ends.
#ifndef FIRN_BENCH_SCRATCH_DIRECTORY_H_
#define FIRN_BENCH_SCRATCH_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "bench/check.h"

namespace firn::bench {

class ScratchDirectory {
 public:
  enum class Medium {
    kDisk,    // In TMPDIR, or /var/tmp: /tmp may be memory.
    kMemory,  // In /dev/shm.
  };
  explicit ScratchDirectory(Medium medium = Medium::kDisk)
      : path_(BaseOf(medium) + "/firn-bench-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) Fail("cannot make a directory like " + path_);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  static std::string BaseOf(Medium medium) {
    if (medium == Medium::kMemory) return "/dev/shm";
    const char* const chosen = std::getenv("TMPDIR");
    return chosen != nullptr ? chosen : "/var/tmp";
  }

  std::string path_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_SCRATCH_DIRECTORY_H_
