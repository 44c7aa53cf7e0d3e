#include "engine/rocksdb_mapped_log.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace firn::internal {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr uint64_t kPageBytes = 4096;
// The first piece is small, for the many Dbs that stay so; each is twice the one before.
constexpr uint64_t kFirstPieceBytes = uint64_t{64} << 10;
constexpr uint64_t kLargestPieceBytes = uint64_t{4} << 20;
// XFS has no name for its number in the public headers.
constexpr uint64_t kXfsMagic = 0x58465342;

IOStatus ErrorOf(std::string_view doing, const std::string& path, int error) {
  const std::string text = "cannot " + std::string(doing) + " " + path;
  if (error == ENOSPC || error == EDQUOT) return IOStatus::NoSpace(text, strerror(error));
  return IOStatus::IOError(text, strerror(error));
}

class MappedLog final : public FSWritableFile {
 public:
  // Owns `fd`, of a new and empty file.
  MappedLog(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~MappedLog() override { CloseFile().PermitUncheckedError(); }

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const char* from = data.data();
    for (uint64_t left = data.size(); left > 0;) {
      if (size_ == piece_end_) {
        if (IOStatus status = MapNextPiece(left); !status.ok()) return status;
      }
      const uint64_t count = std::min(left, piece_end_ - size_);
      std::memcpy(piece_ + (size_ - piece_begin_), from, count);
      size_ += count;
      from += count;
      left -= count;
    }
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return fdatasync(fd_) == 0 ? IOStatus::OK() : ErrorOf("sync", path_, errno);
  }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return fsync(fd_) == 0 ? IOStatus::OK() : ErrorOf("sync", path_, errno);
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return CloseFile(); }

 private:
  // Gives the file its next piece, with `wanted` bytes to come; a smaller one where the disk is
  // nearly full.
  IOStatus MapNextPiece(uint64_t wanted) {
    Unmap();
    uint64_t bytes =
        std::max(next_piece_bytes_, (wanted + kPageBytes - 1) / kPageBytes * kPageBytes);
    bytes = std::min(bytes, kLargestPieceBytes);
    next_piece_bytes_ = std::min(2 * next_piece_bytes_, kLargestPieceBytes);
    while (fallocate(fd_, 0, static_cast<off_t>(size_), static_cast<off_t>(bytes)) != 0) {
      if (errno == EINTR) continue;
      if (errno != ENOSPC || bytes == kPageBytes) return ErrorOf("extend", path_, errno);
      bytes = std::max(bytes / 2 / kPageBytes * kPageBytes, kPageBytes);
    }
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(size_));
    if (memory == MAP_FAILED) return ErrorOf("map", path_, errno);
    piece_ = static_cast<char*>(memory);
    piece_begin_ = size_;
    piece_end_ = size_ + bytes;
    return IOStatus::OK();
  }

  void Unmap() {
    if (piece_ != nullptr) munmap(piece_, piece_end_ - piece_begin_);
    piece_ = nullptr;
  }

  IOStatus CloseFile() {
    if (fd_ < 0) return IOStatus::OK();
    Unmap();
    piece_begin_ = piece_end_ = size_;
    IOStatus status;
    if (ftruncate(fd_, static_cast<off_t>(size_)) != 0) status = ErrorOf("cut", path_, errno);
    if (close(fd_) != 0 && status.ok()) status = ErrorOf("close", path_, errno);
    fd_ = -1;
    return status;
  }

  const std::string path_;
  int fd_;
  uint64_t size_ = 0;  // Of the content; a multiple of the page's size where a piece begins.
  uint64_t next_piece_bytes_ = kFirstPieceBytes;
  // The piece that is written now: bytes [piece_begin_, piece_end_) of the file.
  char* piece_ = nullptr;
  uint64_t piece_begin_ = 0;
  uint64_t piece_end_ = 0;
};

bool KeepsItsAllocations(int fd) {
  struct statfs about;
  if (fstatfs(fd, &about) != 0) return false;
  const auto type = static_cast<uint64_t>(about.f_type);
  return type == EXT4_SUPER_MAGIC || type == TMPFS_MAGIC || type == kXfsMagic;
}

class MappedLogFiles final : public rocksdb::FileSystemWrapper {
 public:
  MappedLogFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "firn.MappedLogFiles"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override {
    if (path.ends_with(".log")) {
      const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      if (fd < 0) return ErrorOf("make", path, errno);
      if (KeepsItsAllocations(fd)) {
        *result = std::make_unique<MappedLog>(path, fd);
        return IOStatus::OK();
      }
      close(fd);
    }
    return FileSystemWrapper::NewWritableFile(path, options, result, debug);
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> FilesWithMappedLogs() {
  static const auto* const files =
      new std::shared_ptr<rocksdb::FileSystem>(std::make_shared<MappedLogFiles>());
  return *files;
}

}  // namespace firn::internal
