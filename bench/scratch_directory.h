// A directory for files that a benchmark writes, gone when it ends.
#ifndef FIRN_BENCH_SCRATCH_DIRECTORY_H_
#define FIRN_BENCH_SCRATCH_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "bench/check.h"

namespace firn::bench {

// In TMPDIR, or /var/tmp: /tmp may be memory.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const char* const chosen = std::getenv("TMPDIR");
    path_ = std::string(chosen != nullptr ? chosen : "/var/tmp") + "/firn-bench-XXXXXX";
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
  std::string path_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_SCRATCH_DIRECTORY_H_
