#include "engine/store_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

constexpr char kOurPrefix[] = "FIRN_";
constexpr char kLockName[] = "FIRN_LOCK";

// Who wrote itself into the lock file; 0 if nobody did.
int HolderOf(int lock_fd) {
  char text[32] = {};
  if (pread(lock_fd, text, sizeof(text) - 1, 0) <= 0) return 0;
  return std::atoi(text);
}

absl::Status NotRegularError(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, " is not a regular file: move it out of the way"));
}

// Whether a Db may be made in the directory (`create`), or is there. In a directory of ours links,
// pipes and devices are refused whatever their names: RocksDB would follow, write to or wait for
// them.
absl::Status CheckIsOurs(const std::string& path, bool create) {
  std::error_code error;
  bool empty = true;
  bool ours = false;
  std::string irregular;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code vanished;  // RocksDB of another process may be deleting files.
    const std::filesystem::file_status status = it->symlink_status(vanished);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
        !std::filesystem::is_directory(status)) {
      irregular = it->path().string();
    }
    ours = ours || it->path().filename().string().starts_with(kOurPrefix);
    empty = false;
  }
  if (error) return SystemError("read", path, error.value());
  if (ours) return irregular.empty() ? absl::OkStatus() : NotRegularError(irregular);
  if (!create) return absl::NotFoundError(absl::StrCat(path, " holds no Db: check the path"));
  if (empty) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, " holds files that are not a Db's: choose an empty directory"));
}

absl::Status LockedError(const std::string& path, int holder) {
  return MakeError(ErrorKind::kLocked,
                   absl::StrCat(path, " is in use by ",
                                holder == 0          ? "another process"
                                : holder == getpid() ? "this process"
                                                     : absl::StrCat("process ", holder),
                                ": close it there first"));
}

}  // namespace

absl::Status SystemError(const std::string& doing, const std::string& path, int error_number) {
  const std::string text = absl::StrCat("cannot ", doing, " ", path, ": ", strerror(error_number));
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text);
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(text);
    default:
      return absl::UnavailableError(text);
  }
}

absl::StatusOr<StoreDirectory> StoreDirectory::Take(const std::string& path, DirectoryAccess access,
                                                    bool create) {
  bool created = false;
  if (create) {
    created = mkdir(path.c_str(), 0700) == 0;
    if (!created && errno != EEXIST) return SystemError("create", path, errno);
  }
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  if (real == nullptr) return SystemError("open", path, errno);
  const std::string real_path = real.get();
  const std::string lock_path = absl::StrCat(real_path, "/", kLockName);
  if (!created) {
    if (absl::Status status = CheckIsOurs(real_path, create); !status.ok()) return status;
  }

  // A name taken by a link is refused, and one taken by a pipe does not block.
  const int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = open(lock_path.c_str(), flags | O_RDWR | (create ? O_CREAT : 0), 0600);
  if (fd < 0 && access == DirectoryAccess::kShared) fd = open(lock_path.c_str(), flags | O_RDONLY);
  if (fd < 0) {
    const absl::Status status = SystemError("open", lock_path, errno);
    if (created) rmdir(real_path.c_str());
    return status;
  }
  StoreDirectory directory(real_path, fd);
  struct stat found;
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
    return NotRegularError(lock_path);
  }
  const int operation = access == DirectoryAccess::kShared ? LOCK_SH : LOCK_EX;
  if (flock(fd, operation | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return LockedError(real_path, HolderOf(fd));
    return SystemError("lock", lock_path, errno);
  }
  if (access == DirectoryAccess::kExclusive) {
    const std::string self = absl::StrCat(getpid(), "\n");
    // Only for the error text of others.
    if (ftruncate(fd, 0) == 0) (void)!pwrite(fd, self.data(), self.size(), 0);
  }
  return directory;
}

absl::Status StoreDirectory::Remove() {
  const std::string lock_path = absl::StrCat(path_, "/", kLockName);
  if (unlink(lock_path.c_str()) != 0) return SystemError("delete", lock_path, errno);
  Release();
  if (rmdir(path_.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST) {
    return SystemError("delete", path_, errno);
  }
  return absl::OkStatus();
}

void StoreDirectory::Release() {
  if (lock_fd_ >= 0) close(std::exchange(lock_fd_, -1));
}

}  // namespace firn::internal
