#include "tools/cli/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/cli/escape.h"

namespace firn::tools {
namespace {

absl::Status SystemError(const char* doing, const std::string& name) {
  return absl::UnavailableError(
      absl::StrCat("cannot ", doing, " ", Escaped(name), ": ", std::strerror(errno)));
}

}  // namespace

OutputFile::~OutputFile() {
  if (!is_file() || fd_ < 0) return;
  close(fd_);
  unlink(unfinished_.c_str());
}

absl::Status OutputFile::Open() {
  if (!is_file()) {
    fd_ = STDOUT_FILENO;
    return absl::OkStatus();
  }
  unfinished_ = absl::StrCat(name_, ".", getpid(), ".unfinished");
  fd_ = open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_);
  return fd_ >= 0 ? absl::OkStatus() : SystemError("create", unfinished_);
}

absl::Status OutputFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (Interrupted()) return absl::CancelledError("interrupted; nothing was written");
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("write to", is_file() ? unfinished_ : "standard output");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Finish() {
  if (!is_file()) return absl::OkStatus();
  if (fsync(fd_) != 0) return SystemError("sync", unfinished_);
  if (rename(unfinished_.c_str(), name_.c_str()) != 0) return SystemError("make", name_);
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

}  // namespace firn::tools
