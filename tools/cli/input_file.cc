#include "tools/cli/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/escape.h"
#include "tools/cli/interrupt.h"

namespace firn::tools {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

}  // namespace

InputFile::InputFile(int fd, std::string shown_name) : shown_name_(std::move(shown_name)), fd_(fd) {
  struct stat found;
  if (fstat(fd_, &found) == 0 && S_ISREG(found.st_mode)) {
    begin_of_file_ = std::max<off_t>(lseek(fd_, 0, SEEK_CUR), 0);
    expected_bytes_ = static_cast<uint64_t>(std::max<off_t>(found.st_size - begin_of_file_, 0));
  }
}

InputFile::~InputFile() {
  if (fd_ != STDIN_FILENO) close(fd_);
  if (spool_fd_ >= 0) close(spool_fd_);
}

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(const std::string& name) {
  const bool standard = name == "-";
  const int fd = standard ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC);
  std::string shown = standard ? "standard input" : Escaped(name);
  if (fd >= 0) return std::unique_ptr<InputFile>(new InputFile(fd, std::move(shown)));
  return absl::UnavailableError(absl::StrCat("cannot open ", shown, ": ", std::strerror(errno)));
}

absl::StatusOr<std::string_view> InputFile::Peek(size_t size) {
  if (absl::Status status = Fill(size); !status.ok()) return status;
  return waiting().substr(0, size);
}

absl::StatusOr<std::string_view> InputFile::Read(size_t size) {
  if (absl::Status status = Fill(size); !status.ok()) return status;
  const std::string_view bytes = waiting().substr(0, size);
  Consume(bytes.size());
  return bytes;
}

absl::StatusOr<bool> InputFile::ReadLine(std::string_view* line) {
  for (size_t searched = 0;;) {
    const size_t end = waiting().find('\n', searched);
    if (end != std::string_view::npos) {
      *line = waiting().substr(0, end);
      Consume(end + 1);
      return true;
    }
    searched = waiting().size();
    if (absl::Status status = Fill(searched + 1); !status.ok()) return status;
    if (waiting().size() > searched) continue;
    *line = waiting();
    Consume(line->size());
    return !line->empty();
  }
}

absl::Status InputFile::KeepForRewind() {
  if (expected_bytes_ != 0) return absl::OkStatus();
  const char* const chosen = std::getenv("TMPDIR");
  const char* const directory = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  spool_fd_ = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (spool_fd_ < 0) {
    return SystemError(absl::StrCat("make a temporary file in ", Escaped(directory), " for"));
  }
  return Spool(waiting());
}

absl::Status InputFile::Rewind() {
  if (spool_fd_ >= 0) {
    if (fd_ != STDIN_FILENO) close(fd_);
    fd_ = std::exchange(spool_fd_, -1);
  }
  if (lseek(fd_, begin_of_file_, SEEK_SET) != begin_of_file_) return SystemError("read again");
  buffer_.clear();
  begin_ = 0;
  at_end_ = false;
  offset_ = 0;
  return absl::OkStatus();
}

absl::Status InputFile::Fill(size_t size) {
  if (waiting().size() >= size || at_end_) return absl::OkStatus();
  buffer_.erase(0, begin_);
  begin_ = 0;
  while (buffer_.size() < size && !at_end_) {
    if (!WaitForInput(fd_)) return absl::CancelledError("interrupted");
    const size_t had = buffer_.size();
    buffer_.resize(had + kReadBytes);
    const ssize_t count = read(fd_, buffer_.data() + had, kReadBytes);
    buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR) return SystemError("read");
    at_end_ = count == 0;
    if (absl::Status status = Spool(std::string_view(buffer_).substr(had)); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status InputFile::Spool(std::string_view bytes) {
  while (spool_fd_ >= 0 && !bytes.empty()) {
    const ssize_t count = write(spool_fd_, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return SystemError("keep a temporary copy of");
    bytes.remove_prefix(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
  return absl::OkStatus();
}

absl::Status InputFile::SystemError(const std::string& doing) const {
  return absl::UnavailableError(
      absl::StrCat("cannot ", doing, " ", shown_name_, ": ", std::strerror(errno)));
}

void InputFile::Consume(size_t size) {
  begin_ += size;
  offset_ += size;
}

}  // namespace firn::tools
