// Where a command writes what it was asked for.
#ifndef FIRN_TOOLS_CLI_OUTPUT_FILE_H_
#define FIRN_TOOLS_CLI_OUTPUT_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace firn::tools {

// Standard output, or a file that appears under its name only once it is whole.
//
// Thread-safety: one thread at a time.
class OutputFile {
 public:
  // No name, or "-", is standard output. `mode` is that of the file, less the umask.
  OutputFile(std::string name, mode_t mode) : name_(std::move(name)), mode_(mode) {}
  // What was not finished goes.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  bool is_file() const { return !name_.empty() && name_ != "-"; }

  absl::Status Open();
  // kCancelled: SIGINT came, see CatchInterrupts().
  absl::Status Write(std::string_view bytes);
  // The file is on disk, under its name.
  absl::Status Finish();

 private:
  const std::string name_;
  const mode_t mode_;
  std::string unfinished_;
  int fd_ = -1;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_OUTPUT_FILE_H_
