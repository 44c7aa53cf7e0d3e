#include "engine/rocksdb_env.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "rocksdb/system_clock.h"

namespace firn::internal {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOStatus;

constexpr int kLongestSleepUs = 10'000;

class PrivateFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "firn.PrivateFiles"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override {
    return MadePrivate(path, FileSystemWrapper::NewWritableFile(path, options, result, debug));
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* result,
                              IODebugContext* debug) override {
    return MadePrivate(path, FileSystemWrapper::ReopenWritableFile(path, options, result, debug));
  }
  IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options,
                    rocksdb::FileLock** lock, IODebugContext* debug) override {
    return MadePrivate(path, FileSystemWrapper::LockFile(path, options, lock, debug));
  }

 private:
  static IOStatus MadePrivate(const std::string& path, IOStatus made) {
    if (made.ok() && chmod(path.c_str(), 0600) != 0) {
      return IOStatus::IOError("cannot change the mode of " + path, strerror(errno));
    }
    return made;
  }
};

class ImpatientClock final : public rocksdb::SystemClockWrapper {
 public:
  ImpatientClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "firn.ImpatientClock"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, kLongestSleepUs));
  }
};

class StoreEnv final : public rocksdb::EnvWrapper {
 public:
  explicit StoreEnv(const std::shared_ptr<rocksdb::FileSystem>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = std::make_shared<ImpatientClock>();
  }
  const char* Name() const override { return "firn.StoreEnv"; }
};

}  // namespace

std::unique_ptr<rocksdb::Env> MakeStoreEnv(const std::shared_ptr<rocksdb::FileSystem>& files) {
  const auto private_files = std::make_shared<PrivateFiles>(files);
  return std::make_unique<StoreEnv>(private_files);
}

}  // namespace firn::internal
