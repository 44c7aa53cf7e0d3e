#include "engine/acked_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/big_endian.h"
#include "engine/store_directory.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr char kMagic[] = "FIRNACKD";
constexpr uint64_t kVersion = 1;
constexpr size_t kVersionAt = 8;
constexpr size_t kBufferedAt = 16;
constexpr size_t kSyncedAt = 24;
constexpr size_t kBootIdAt = 32;
constexpr size_t kBootIdBytes = 40;

using Page = std::array<char, kPageBytes>;

uint64_t BigEndianWord(uint64_t number) {
  char bytes[sizeof(uint64_t)];
  StoreBigEndian(number, bytes);
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

uint64_t NumberOf(uint64_t word) {
  char bytes[sizeof(uint64_t)];
  std::memcpy(bytes, &word, sizeof(word));
  return LoadBigEndian<uint64_t>(bytes);
}

// A figure in the page. Stored by one instruction, so it is whole whenever the process dies.
std::atomic_ref<uint64_t> FigureAt(char* page, size_t at) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(page + at));
}

void Raise(char* page, size_t at, CommitTs ts) {
  std::atomic_ref<uint64_t> figure = FigureAt(page, at);
  uint64_t word = figure.load(std::memory_order_relaxed);
  // release: what is promised was written before.
  while (NumberOf(word) < ts.value &&
         !figure.compare_exchange_weak(word, BigEndianWord(ts.value), std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

absl::Status WriteFully(int fd, const std::string& path, const Page& page) {
  for (size_t done = 0; done < page.size();) {
    const ssize_t written =
        pwrite(fd, page.data() + done, page.size() - done, static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return SystemError("write", path, errno);
    done += static_cast<size_t>(written);
  }
  if (fsync(fd) != 0) return SystemError("sync", path, errno);
  return absl::OkStatus();
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", directory, errno);
  const absl::Cleanup close_directory = [fd] { close(fd); };
  return fsync(fd) == 0 ? absl::OkStatus() : SystemError("sync", directory, errno);
}

}  // namespace

absl::StatusOr<AckedFile::Promise> AckedFile::Read(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return SystemError("open", path, errno);
  const absl::Cleanup close_file = [fd] { close(fd); };
  Page page;
  const ssize_t size = pread(fd, page.data(), page.size(), 0);
  if (size < 0) return SystemError("read", path, errno);
  if (static_cast<size_t>(size) != page.size() ||
      std::memcmp(page.data(), kMagic, sizeof(kMagic) - 1) != 0) {
    return MakeError(ErrorKind::kDataLoss,
                     absl::StrCat(path,
                                  " is damaged: restore it, or delete it to take the Db as it "
                                  "is, unchecked"));
  }
  if (const auto version = LoadBigEndian<uint64_t>(&page[kVersionAt]); version != kVersion) {
    return MakeError(ErrorKind::kNewerFormat,
                     absl::StrCat(path, " has format ", version, ", this release reads format ",
                                  kVersion, ": use a newer release"));
  }
  Promise promise;
  promise.buffered.value = LoadBigEndian<uint64_t>(&page[kBufferedAt]);
  promise.synced.value = LoadBigEndian<uint64_t>(&page[kSyncedAt]);
  promise.boot_id.assign(&page[kBootIdAt], strnlen(&page[kBootIdAt], kBootIdBytes));
  return promise;
}

absl::StatusOr<AckedFile> AckedFile::Open(const std::string& path, CommitTs ts,
                                          std::string_view boot_id) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return SystemError("open", path, errno);
  const absl::Cleanup close_file = [fd] { close(fd); };
  struct stat found;
  if (fstat(fd, &found) != 0) return SystemError("read", path, errno);
  if (!S_ISREG(found.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a regular file: move it out of the way"));
  }
  if (static_cast<size_t>(found.st_size) != kPageBytes) {
    Page page = {};
    std::memcpy(page.data(), kMagic, sizeof(kMagic) - 1);
    StoreBigEndian(kVersion, &page[kVersionAt]);
    if (absl::Status status = WriteFully(fd, path, page); !status.ok()) return status;
    if (absl::Status status = SyncDirectoryOf(path); !status.ok()) return status;
  }
  void* memory = mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return SystemError("map", path, errno);
  char* page = static_cast<char*>(memory);
  FigureAt(page, kBufferedAt).store(BigEndianWord(ts.value), std::memory_order_release);
  FigureAt(page, kSyncedAt).store(BigEndianWord(ts.value), std::memory_order_release);
  // Last: with another boot id the buffered figure does not bind.
  std::memset(page + kBootIdAt, 0, kBootIdBytes);
  std::memcpy(page + kBootIdAt, boot_id.data(), std::min(boot_id.size(), kBootIdBytes));
  return AckedFile(page);
}

AckedFile::~AckedFile() {
  if (page_ != nullptr) munmap(page_, kPageBytes);
}

void AckedFile::RaiseBuffered(CommitTs ts) noexcept { Raise(page_, kBufferedAt, ts); }
void AckedFile::RaiseSynced(CommitTs ts) noexcept { Raise(page_, kSyncedAt, ts); }

std::string SystemBootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

}  // namespace firn::internal
