// A file that the tools can open by name, and that is on no disk.
#ifndef FIRN_TESTS_FUZZ_MEMORY_FILE_H_
#define FIRN_TESTS_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mvcc/check.h"
#include "tools/cli/input_file.h"

namespace firn::test {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : fd_(memfd_create("input", MFD_CLOEXEC)) {
    FIRN_CHECK(fd_ >= 0);
    FIRN_CHECK(write(fd_, content.data(), content.size()) == ssize_t(content.size()));
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::unique_ptr<tools::InputFile> Open() const {
    auto file = tools::InputFile::Open("/proc/self/fd/" + std::to_string(fd_));
    FIRN_CHECK(file.ok());
    return *std::move(file);
  }

 private:
  const int fd_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_FUZZ_MEMORY_FILE_H_
