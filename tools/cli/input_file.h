// A file or standard input, read from front to back.
#ifndef FIRN_TOOLS_CLI_INPUT_FILE_H_
#define FIRN_TOOLS_CLI_INPUT_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace firn::tools {

// Thread-safety: one thread at a time.
// Errors: kUnavailable names the file; kCancelled after SIGINT (see CatchInterrupts()).
class InputFile {
 public:
  // "-" is standard input.
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& name);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // The `size` bytes that come next, fewer only at the end. The view ends at the next call.
  absl::StatusOr<std::string_view> Peek(size_t size);
  // The next `size` bytes, fewer only at the end. Memory grows with what is there, whatever `size`
  // says.
  absl::StatusOr<std::string_view> Read(size_t size);
  // The next line without its end. False at the end of the file.
  absl::StatusOr<bool> ReadLine(std::string_view* line);

  // Makes Rewind() possible for a pipe too, by a copy in a temporary file. Before any Read().
  absl::Status KeepForRewind();
  // Back to the beginning.
  absl::Status Rewind();

  uint64_t offset() const { return offset_; }                  // Of the next byte.
  uint64_t expected_bytes() const { return expected_bytes_; }  // 0: unknown.
  const std::string& shown_name() const { return shown_name_; }

 private:
  InputFile(int fd, std::string shown_name);

  // Reads on until `size` bytes are waiting or the file ends.
  absl::Status Fill(size_t size);
  absl::Status Spool(std::string_view bytes);
  absl::Status SystemError(const std::string& doing) const;
  std::string_view waiting() const { return std::string_view(buffer_).substr(begin_); }
  void Consume(size_t size);

  const std::string shown_name_;
  int fd_;
  int spool_fd_ = -1;
  off_t begin_of_file_ = 0;  // Standard input may have been read by others before.
  std::string buffer_;
  size_t begin_ = 0;  // Of what was not handed out.
  bool at_end_ = false;
  uint64_t offset_ = 0;
  uint64_t expected_bytes_ = 0;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_INPUT_FILE_H_
