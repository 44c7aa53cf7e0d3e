#include "engine/table_frame.h"

#include <xxhash.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

// The block-based table of format version 5, all numbers little-endian:
//
//   footer    checksum type u8 | handles of meta index and index, 40 bytes | version u32 | magic u64
//   handle    offset varint | size varint, without the trailer
//   block     its bytes | trailer: compression type u8, checksum u32
//   index     entries, then the offsets of some of them u32 each, and their number u32
//   entry     shared, unshared, value size: varints | the key's unshared bytes | value
constexpr size_t kFooterBytes = 53;
constexpr size_t kTrailerBytes = 5;
constexpr char kChecksumType = 4;  // XXH3.
constexpr std::string_view kVersion("\x05\0\0\0", 4);
constexpr std::string_view kMagic("\xf7\xcf\xf4\x85\xb7\x41\xe2\x88", 8);
// By this the checksum of the block's bytes takes in the compression type.
constexpr uint32_t kLastBytePrime = 0x6b9083d9;

struct BlockHandle {
  uint64_t offset;
  uint64_t size;
};

uint32_t ReadU32(std::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = 4; i > 0; --i) number = number << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return number;
}

// Takes a varint off the front.
std::optional<uint64_t> TakeVarint(std::string_view& bytes) {
  uint64_t number = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    number |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

std::optional<BlockHandle> TakeHandle(std::string_view& bytes) {
  const std::optional<uint64_t> offset = TakeVarint(bytes);
  const std::optional<uint64_t> size = TakeVarint(bytes);
  if (!offset || !size) return std::nullopt;
  return BlockHandle{*offset, *size};
}

class Table {
 public:
  explicit Table(const std::filesystem::path& path) : file_(path, std::ios::binary) {
    file_.seekg(0, std::ios::end);
    size_ = file_ ? static_cast<uint64_t>(file_.tellg()) : 0;
  }

  // What is wrong, or nothing.
  std::string Check() {
    const std::optional<std::string> footer = Read(size_ - kFooterBytes, kFooterBytes);
    if (!footer || !footer->ends_with(kMagic)) return "";
    std::string_view rest(*footer);
    rest.remove_suffix(kMagic.size());
    if (rest.front() != kChecksumType || !rest.ends_with(kVersion)) return "its footer";
    rest.remove_prefix(1);
    const std::optional<BlockHandle> meta_index = TakeHandle(rest);
    const std::optional<BlockHandle> index = TakeHandle(rest);
    if (!meta_index || !index || !ReadBlock(*index)) return "its index";
    const std::optional<std::string> meta = ReadBlock(*meta_index);
    if (!meta) return "the index of its meta blocks";
    for (const BlockHandle& each : HandlesIn(*meta)) {
      if (!ReadBlock(each)) return "a meta block";
    }
    return "";
  }

 private:
  std::optional<std::string> Read(uint64_t offset, uint64_t size) {
    if (offset > size_ || size > size_ - offset) return std::nullopt;
    std::string bytes(size, '\0');
    file_.seekg(static_cast<std::streamoff>(offset));
    if (!file_.read(bytes.data(), static_cast<std::streamsize>(size))) return std::nullopt;
    return bytes;
  }

  // Nothing if the checksum does not match.
  std::optional<std::string> ReadBlock(const BlockHandle& handle) {
    if (handle.size > size_) return std::nullopt;
    std::optional<std::string> bytes = Read(handle.offset, handle.size + kTrailerBytes);
    if (!bytes) return std::nullopt;
    const std::string_view trailer = std::string_view(*bytes).substr(handle.size);
    const auto hash = static_cast<uint32_t>(XXH3_64bits(bytes->data(), handle.size));
    const uint32_t expected = hash ^ static_cast<uint8_t>(trailer[0]) * kLastBytePrime;
    if (ReadU32(trailer.substr(1)) != expected) return std::nullopt;
    bytes->resize(handle.size);
    return bytes;
  }

  // The handles that are the values of an index block's entries.
  static std::vector<BlockHandle> HandlesIn(std::string_view block) {
    std::vector<BlockHandle> handles;
    if (block.size() < 4) return handles;
    const uint64_t tail = uint64_t{4} + uint64_t{4} * ReadU32(block.substr(block.size() - 4));
    if (tail > block.size()) return handles;
    block.remove_suffix(tail);
    while (!block.empty()) {
      const std::optional<uint64_t> shared = TakeVarint(block);
      const std::optional<uint64_t> unshared = TakeVarint(block);
      const std::optional<uint64_t> value_size = TakeVarint(block);
      if (!shared || !unshared || !value_size || *unshared > block.size() ||
          *value_size > block.size() - *unshared) {
        break;
      }
      std::string_view value = block.substr(*unshared, *value_size);
      block.remove_prefix(*unshared + *value_size);
      if (const std::optional<BlockHandle> handle = TakeHandle(value)) handles.push_back(*handle);
    }
    return handles;
  }

  std::ifstream file_;
  uint64_t size_ = 0;
};

}  // namespace

absl::Status CheckTableFrames(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".sst") continue;
    const std::string wrong = Table(it->path()).Check();
    if (wrong.empty()) continue;
    return MakeError(ErrorKind::kDataLoss,
                     absl::StrCat(it->path().string(), " is damaged: ", wrong,
                                  " is not as it was written; restore the file"));
  }
  return absl::OkStatus();
}

}  // namespace firn::internal
