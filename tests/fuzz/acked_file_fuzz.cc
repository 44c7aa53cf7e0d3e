// Whatever FIRN_ACKED holds, it is read or refused with a typed error; what is raised is read back.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/acked_file.h"
#include "engine/big_endian.h"
#include "firn/status.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/choices.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

using internal::AckedFile;
using Promise = AckedFile::Promise;

constexpr size_t kPageBytes = 4096;
constexpr size_t kHeaderBytes = 16;

// What is tried: bytes as they are, filled up to a page, or behind a sound header.
std::string DrawContent(ByteChoices& choices, size_t size) {
  const uint64_t kind = choices.Below(3);
  std::string content(choices.Bytes(size));
  if (kind == 0) return content;
  if (kind == 2) {
    char version[8];
    internal::StoreBigEndian(uint64_t{1}, version);
    content.insert(0, "FIRNACKD" + std::string(version, sizeof(version)));
  }
  content.resize(kPageBytes);
  return content;
}

void CheckRefusal(const absl::Status& status) {
  const ErrorKind kind = KindOf(status);
  FIRN_CHECK(kind == ErrorKind::kDataLoss || kind == ErrorKind::kNewerFormat);
}

void CheckPromise(const std::string& content, const Promise& promise) {
  FIRN_CHECK(content.size() == kPageBytes);
  const char* figures = content.data() + kHeaderBytes;
  FIRN_CHECK(promise.buffered.value == internal::LoadBigEndian<uint64_t>(figures));
  FIRN_CHECK(promise.synced.value == internal::LoadBigEndian<uint64_t>(figures + 8));
  FIRN_CHECK(content.compare(kHeaderBytes + 16, promise.boot_id.size(), promise.boot_id) == 0);
}

// Opens the file, whatever is in it, and raises its figures.
void Raise(const std::string& path, ByteChoices& choices) {
  const CommitTs begin{choices.Below(256)};
  CommitTs buffered = begin;
  CommitTs synced = begin;
  {
    absl::StatusOr<AckedFile> file = AckedFile::Open(path, begin, "boot");
    FIRN_CHECK(file.ok());
    while (!choices.empty()) {
      const bool sync = choices.OneIn(2);
      const CommitTs ts{choices.Below(1024)};
      sync ? file->RaiseSynced(ts) : file->RaiseBuffered(ts);
      CommitTs& figure = sync ? synced : buffered;
      figure = std::max(figure, ts);
    }
  }
  const absl::StatusOr<Promise> promise = AckedFile::Read(path);
  if (!promise.ok()) return CheckRefusal(promise.status());  // The header was not sound.
  FIRN_CHECK(promise->buffered == buffered && promise->synced == synced);
  FIRN_CHECK(promise->boot_id == "boot");
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  static const TempDirectory directory;
  static const std::string path = directory.path() + "/FIRN_ACKED";
  ByteChoices choices(BytesOf(data, size));
  const std::string content = DrawContent(choices, choices.Below(512));
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  const absl::StatusOr<Promise> promise = firn::internal::AckedFile::Read(path);
  if (promise.ok()) {
    CheckPromise(content, *promise);
  } else {
    CheckRefusal(promise.status());
  }
  Raise(path, choices);
  return 0;
}
