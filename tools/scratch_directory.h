// A directory for what a program needs only while it runs.
#ifndef FIRN_TOOLS_SCRATCH_DIRECTORY_H_
#define FIRN_TOOLS_SCRATCH_DIRECTORY_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace firn::tools {

// Goes with this object, and all that is in it.
class ScratchDirectory {
 public:
  // "PARENT/STEM-..."; without a parent, where the system keeps temporary files.
  static absl::StatusOr<ScratchDirectory> Make(const std::string& stem,
                                               const std::string& parent = "");
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();

  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;  // Empty: moved from.
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_SCRATCH_DIRECTORY_H_
