#include "tests/support/rocksdb_faults.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace firn::test {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

constexpr char kAckedName[] = "FIRN_ACKED";

// Of what follows the first `synced` bytes nothing stays, or its beginning, or, of a log, some of
// its pages. Logs are mapped and allocated ahead, so their pages reach the disk in any order; other
// files grow by appending, which loses its end. RocksDB counts on that: it takes a MANIFEST that
// ends early, and refuses one with a hole.
void LoseUnsynced(const std::filesystem::path& path, uint64_t synced, Random& random) {
  constexpr uint64_t kPage = 4096;
  const uint64_t size = std::filesystem::file_size(path);
  switch (random.Below(path.extension() == ".log" ? 3 : 2)) {
    case 0:
      std::filesystem::resize_file(path, synced);
      return;
    case 1:
      std::filesystem::resize_file(path, synced + random.Below(size - synced + 1));
      return;
    default:
      break;
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (uint64_t at = synced; at < size; at += kPage - at % kPage) {
    if (random.OneIn(2)) continue;
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(std::min(kPage - at % kPage, size - at), '\0');
  }
}

}  // namespace

class FaultyFileSystem::WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(FaultyFileSystem* owner, std::string path,
               std::unique_ptr<rocksdb::FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), owner_(owner), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    const std::shared_lock running(owner_->frozen_);
    if (IOStatus status = owner_->Operate(); !status.ok()) return status;
    size_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    const std::shared_lock running(owner_->frozen_);
    if (IOStatus status = owner_->Operate(); !status.ok()) return status;
    size_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, info, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Synced([&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Synced([&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
  }

 private:
  template <class Sync>
  IOStatus Synced(const Sync& sync) {
    const std::shared_lock running(owner_->frozen_);
    if (IOStatus status = owner_->Operate(); !status.ok()) return status;
    IOStatus synced = sync();
    if (synced.ok()) owner_->Synced(path_, size_);
    return synced;
  }

  FaultyFileSystem* const owner_;
  const std::string path_;
  uint64_t size_ = 0;
};

class FaultyFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultyFileSystem* owner, std::string path, std::unique_ptr<rocksdb::FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), owner_(owner), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Synced([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& what) override {
    return Synced([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what); });
  }

 private:
  template <class Sync>
  IOStatus Synced(const Sync& sync) {
    const std::shared_lock running(owner_->frozen_);
    if (IOStatus status = owner_->Operate(); !status.ok()) return status;
    IOStatus synced = sync();
    if (synced.ok()) owner_->DirectorySynced(path_);
    return synced;
  }

  FaultyFileSystem* const owner_;
  const std::string path_;
};

void FaultyFileSystem::FailOperation(uint64_t nth, bool disk_full) {
  const std::lock_guard lock(mutex_);
  fault_at_ = operation_count_ + nth;
  disk_full_ = disk_full;
}

void FaultyFileSystem::Heal() {
  const std::lock_guard lock(mutex_);
  fault_at_ = 0;
}

bool FaultyFileSystem::FaultStruck() {
  const std::lock_guard lock(mutex_);
  return fault_at_ != 0 && operation_count_ >= fault_at_;
}

IOStatus FaultyFileSystem::Operate() {
  const std::lock_guard lock(mutex_);
  ++operation_count_;
  const bool strikes = fault_at_ != 0 &&
                       (disk_full_ ? operation_count_ >= fault_at_ : operation_count_ == fault_at_);
  if (!strikes) return IOStatus::OK();
  return disk_full_ ? IOStatus::NoSpace("the disk is full") : IOStatus::IOError("an I/O error");
}

void FaultyFileSystem::Synced(const std::string& path, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  files_[path].synced_bytes = bytes;
  RememberAcked(std::filesystem::path(path).parent_path().string());
}

void FaultyFileSystem::DirectorySynced(const std::string& path) {
  const std::lock_guard lock(mutex_);
  for (auto& [file, state] : files_) {
    if (std::filesystem::path(file).parent_path() == path) state.entry_synced = true;
  }
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& path,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                                           IODebugContext* debug) {
  const std::shared_lock running(frozen_);
  if (IOStatus status = Operate(); !status.ok()) return status;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &file, debug);
  if (!status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    files_[path] = {};
  }
  *result = std::make_unique<WritableFile>(this, path, std::move(file));
  return status;
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                        std::unique_ptr<rocksdb::FSDirectory>* result,
                                        IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  IOStatus status = FileSystemWrapper::NewDirectory(path, options, &directory, debug);
  if (status.ok()) *result = std::make_unique<Directory>(this, path, std::move(directory));
  return status;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                      const IOOptions& options, IODebugContext* debug) {
  const std::shared_lock running(frozen_);
  if (IOStatus status = Operate(); !status.ok()) return status;
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  const std::lock_guard lock(mutex_);
  // A file system that journals does not lose a rename over another file half way.
  if (status.ok()) files_.erase(from), files_.erase(to);
  return status;
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                      IODebugContext* debug) {
  const std::shared_lock running(frozen_);
  if (IOStatus status = Operate(); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  files_.erase(path);
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

void FaultyFileSystem::CopyAsAfterKill(const std::string& from, const std::string& to) {
  const std::unique_lock frozen(frozen_);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

void FaultyFileSystem::CopyAsAfterPowerCut(const std::string& from, const std::string& to,
                                           Random& random) {
  namespace fs = std::filesystem;
  const std::unique_lock frozen(frozen_);
  const std::lock_guard lock(mutex_);
  fs::create_directory(to);
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const fs::path copy = to / entry.path().filename();
    const auto found = files_.find(entry.path().string());
    if (const auto acked = acked_.find(from);
        acked != acked_.end() && entry.path().filename() == kAckedName && random.OneIn(2)) {
      std::ofstream(copy, std::ios::binary) << acked->second;
      continue;
    }
    if (found == files_.end()) {
      fs::copy_file(entry.path(), copy);
      continue;
    }
    const Unsynced& state = found->second;
    if (!state.entry_synced && random.OneIn(2)) continue;
    fs::copy_file(entry.path(), copy);
    if (entry.file_size() > state.synced_bytes) LoseUnsynced(copy, state.synced_bytes, random);
  }
}

void FaultyFileSystem::RememberAcked(const std::string& directory) {
  std::ifstream file(directory + "/" + kAckedName, std::ios::binary);
  std::string page((std::istreambuf_iterator<char>(file)), {});
  if (!page.empty()) acked_[directory] = std::move(page);
}

}  // namespace firn::test
