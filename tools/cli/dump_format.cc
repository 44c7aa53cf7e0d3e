#include "tools/cli/dump_format.h"

#include <endian.h>
#include <xxhash.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace firn::tools {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kCheckBytes = 8;
constexpr size_t kEntryHeadBytes = 8;

template <class T>
std::string RawBytes(T number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}
std::string U32(uint32_t number) { return RawBytes(htobe32(number)); }
std::string U64(uint64_t number) { return RawBytes(htobe64(number)); }

uint32_t ReadU32(std::string_view bytes, size_t at = 0) {
  uint32_t number;
  std::memcpy(&number, &bytes[at], sizeof(number));
  return be32toh(number);
}
uint64_t ReadU64(std::string_view bytes, size_t at = 0) {
  uint64_t number;
  std::memcpy(&number, &bytes[at], sizeof(number));
  return be64toh(number);
}

uint64_t CheckOf(std::string_view bytes, uint64_t offset) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), offset);
}

}  // namespace

DumpWriter::DumpWriter(CommitTs as_of, Sink sink) : as_of_(as_of), sink_(std::move(sink)) {}

absl::Status DumpWriter::Emit(std::string_view bytes) {
  offset_ += bytes.size();
  return sink_(bytes);
}

absl::Status DumpWriter::EmitChecked(std::string_view bytes) {
  const uint64_t check = CheckOf(bytes, offset_);
  if (absl::Status status = Emit(bytes); !status.ok()) return status;
  return Emit(U64(check));
}

absl::Status DumpWriter::EmitBlock() {
  if (offset_ == 0) {
    absl::Status status = EmitChecked(
        absl::StrCat(std::string(kDumpMagic), U32(kVersion), U32(0), U64(as_of_.value)));
    if (!status.ok()) return status;
  }
  if (payload_entries_ == 0) return absl::OkStatus();
  absl::Status status =
      EmitChecked(U32(static_cast<uint32_t>(payload_.size())) + U32(payload_entries_));
  if (status.ok()) status = EmitChecked(payload_);
  payload_.clear();
  payload_entries_ = 0;
  return status;
}

absl::Status DumpWriter::Add(std::string_view key, std::string_view value) {
  const size_t bytes = kEntryHeadBytes + key.size() + value.size();
  if (payload_.size() + bytes > kBlockBytes) {
    if (absl::Status status = EmitBlock(); !status.ok()) return status;
  }
  absl::StrAppend(&payload_, U32(static_cast<uint32_t>(key.size())),
                  U32(static_cast<uint32_t>(value.size())));
  payload_.append(key);
  payload_.append(value);
  ++payload_entries_;
  ++entry_count_;
  return absl::OkStatus();
}

absl::Status DumpWriter::Finish() {
  absl::Status status = EmitBlock();
  if (status.ok()) status = EmitChecked(U32(0) + U32(0));
  if (status.ok()) status = EmitChecked(U64(entry_count_));
  return status;
}

absl::StatusOr<CommitTs> DumpReader::ReadHeader() {
  absl::StatusOr<std::string_view> header = file_.Peek(kDumpMagic.size() + 4);
  if (!header.ok()) return header.status();
  if (!header->starts_with(kDumpMagic)) return Damaged(0, "it does not begin as a dump does");
  header = ReadChecked(24, "the header");
  if (!header.ok()) return header.status();
  if (const uint32_t version = ReadU32(*header, kDumpMagic.size()); version != kVersion) {
    return absl::UnimplementedError(absl::StrCat(file_.shown_name(), " is a dump of version ",
                                                 version, "; this release reads version ", kVersion,
                                                 ": load it with a newer one"));
  }
  return CommitTs{ReadU64(*header, 16)};
}

absl::StatusOr<std::vector<DumpReader::Entry>> DumpReader::ReadBlock() {
  const uint64_t begin = file_.offset();
  absl::StatusOr<std::string_view> bytes = ReadChecked(8, "a block's head");
  if (!bytes.ok()) return bytes.status();
  const size_t payload_bytes = ReadU32(*bytes);
  const uint32_t count = ReadU32(*bytes, 4);
  if (count == 0)
    return payload_bytes == 0 ? ReadEnd() : Damaged(begin, "an empty block has bytes");
  if (payload_bytes > kBlockBytes &&
      (count != 1 || payload_bytes > kEntryHeadBytes + kMaxKeyBytes + kMaxValueBytes)) {
    return Damaged(begin, "a block is larger than any is written");
  }
  bytes = ReadChecked(payload_bytes, "a block");
  if (!bytes.ok()) return bytes.status();
  std::vector<Entry> entries;
  std::string_view rest = *bytes;
  for (uint32_t i = 0; i < count; ++i) {
    if (rest.size() < kEntryHeadBytes) return Damaged(begin, "a block holds less than it says");
    const size_t key_size = ReadU32(rest);
    const size_t value_size = ReadU32(rest, 4);
    rest.remove_prefix(kEntryHeadBytes);
    if (key_size > rest.size() || value_size > rest.size() - key_size) {
      return Damaged(begin, "an entry is longer than its block");
    }
    entries.push_back({rest.substr(0, key_size), rest.substr(key_size, value_size)});
    rest.remove_prefix(key_size + value_size);
  }
  if (!rest.empty()) return Damaged(begin, "a block holds more than it says");
  entry_count_ += count;
  return entries;
}

absl::StatusOr<std::vector<DumpReader::Entry>> DumpReader::ReadEnd() {
  const uint64_t begin = file_.offset();
  absl::StatusOr<std::string_view> bytes = ReadChecked(8, "the end");
  if (!bytes.ok()) return bytes.status();
  if (ReadU64(*bytes) != entry_count_) return Damaged(begin, "entries are missing");
  const uint64_t end = file_.offset();
  bytes = file_.Peek(1);
  if (!bytes.ok()) return bytes.status();
  if (!bytes->empty()) return Damaged(end, "something follows the end");
  return std::vector<Entry>();
}

absl::StatusOr<std::string_view> DumpReader::ReadChecked(size_t size, const std::string& what) {
  const uint64_t begin = file_.offset();
  const absl::StatusOr<std::string_view> bytes = file_.Read(size + kCheckBytes);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() < size + kCheckBytes) {
    return Damaged(begin + bytes->size(), absl::StrCat("it ends within ", what));
  }
  const std::string_view content = bytes->substr(0, size);
  if (ReadU64(*bytes, size) != CheckOf(content, begin)) {
    return Damaged(begin, absl::StrCat("the checksum of ", what, " does not match"));
  }
  return content;
}

absl::Status DumpReader::Damaged(uint64_t offset, const std::string& how) const {
  return absl::DataLossError(
      absl::StrCat("the dump in ", file_.shown_name(), " is damaged at byte ", offset, ": ", how));
}

}  // namespace firn::tools
