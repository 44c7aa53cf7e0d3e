// The directory of a Db on disk, held by one process.
#ifndef FIRN_ENGINE_STORE_DIRECTORY_H_
#define FIRN_ENGINE_STORE_DIRECTORY_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace firn::internal {

enum class DirectoryAccess { kExclusive, kShared };

// A StoreDirectory is a directory, known by its real path, with a lock of ours in it. It is
// taken before RocksDB is touched: RocksDB's own lock can be passed within one process by a
// second name of the directory.
//
// Thread-safety: none needed; immutable once taken.
class StoreDirectory {
 public:
  // `create`: makes the directory (mode 0700; its parent must exist) if it is not there.
  // kNotFound: there is no Db in it, and none is to be made. kInvalidArgument: it holds files of
  // somebody else. kFailedPrecondition: a name in it is taken by a link, a pipe or a device.
  // kLocked: somebody holds it; says which process, if known. kUnavailable: the system refused.
  // Nothing is left behind.
  static absl::StatusOr<StoreDirectory> Take(const std::string& path, DirectoryAccess access,
                                             bool create);

  StoreDirectory(StoreDirectory&& other) noexcept
      : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}
  StoreDirectory& operator=(StoreDirectory&&) = delete;
  ~StoreDirectory() { Release(); }

  // Absolute, without symbolic links.
  const std::string& path() const { return path_; }
  void Release();
  // Deletes the lock and, if nothing else is in it, the directory.
  absl::Status Remove();

 private:
  StoreDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::string path_;
  int lock_fd_;
};

// "cannot OPEN /a/b: Permission denied", with the code that `error_number` stands for.
absl::Status SystemError(const std::string& doing, const std::string& path, int error_number);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_STORE_DIRECTORY_H_
