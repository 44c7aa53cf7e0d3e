// A table file is checked without harm, whatever is in it; one that is sound passes, and a flipped
// bit in what describes it does not.
#include <xxhash.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/table_frame.h"
#include "firn/status.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/choices.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

constexpr size_t kHandlesBytes = 40;
constexpr std::string_view kMagic("\xf7\xcf\xf4\x85\xb7\x41\xe2\x88", 8);

std::string U32(uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

std::string Varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

// Puts a block behind `table` and returns its handle.
std::string AddBlock(std::string_view content, char compression, std::string* table) {
  const std::string handle = Varint(table->size()) + Varint(content.size());
  const auto hash = static_cast<uint32_t>(XXH3_64bits(content.data(), content.size()));
  *table += content;
  *table += compression;
  *table += U32(hash ^ static_cast<uint8_t>(compression) * 0x6b9083d9u);
  return handle;
}

// An index block whose entries are the handles of blocks.
std::string MetaIndex(const std::vector<std::string>& handles, ByteChoices& choices) {
  std::string block;
  for (const std::string& handle : handles) {
    const std::string_view key = choices.Bytes(choices.Below(4));
    block += Varint(choices.Below(3)) + Varint(key.size()) + Varint(handle.size());
    block.append(key);
    block += handle;
  }
  return block + U32(0) + U32(1);
}

// A table that is described soundly; of its data it has none.
std::string SoundTable(ByteChoices& choices) {
  std::string table;
  std::vector<std::string> handles;
  for (uint64_t count = choices.Below(4); count > 0; --count) {
    const std::string_view content = choices.Bytes(choices.Below(64));
    handles.push_back(AddBlock(content, static_cast<char>(choices.Below(2)), &table));
  }
  const std::string meta_index = AddBlock(MetaIndex(handles, choices), 0, &table);
  const std::string index = AddBlock(choices.Bytes(choices.Below(64)), 0, &table);
  std::string both = meta_index + index;
  both.resize(kHandlesBytes);
  return table + '\4' + both + U32(5) + std::string(kMagic);
}

absl::Status Check(const std::string& directory, const std::string& table) {
  std::ofstream(directory + "/000001.sst", std::ios::binary | std::ios::trunc) << table;
  absl::Status status = internal::CheckTableFrames(directory);
  FIRN_CHECK(status.ok() || KindOf(status) == ErrorKind::kDataLoss);
  return status;
}

void FlipABit(const std::string& directory, std::string table, ByteChoices& choices) {
  constexpr size_t kFooterBytes = 1 + kHandlesBytes + 4 + kMagic.size();
  const size_t at = choices.Below(table.size());
  table[at] = static_cast<char>(table[at] ^ 1 << choices.Below(8));
  const absl::Status status = Check(directory, table);
  const size_t footer = table.size() - kFooterBytes;
  const bool in_handles = at > footer && at <= footer + kHandlesBytes;
  const bool in_magic = at >= table.size() - kMagic.size();
  if (in_magic) {
    FIRN_CHECK(status.ok());  // Without a footer it is no table: a flush that was cut short.
  } else if (!in_handles) {   // They may lead to another sound block, or end before their padding.
    FIRN_CHECK(!status.ok());
  }
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  static const TempDirectory directory;
  ByteChoices choices(BytesOf(data, size));
  if (choices.OneIn(2)) {
    Check(directory.path(), std::string(choices.Bytes(size))).IgnoreError();
    return 0;
  }
  const std::string table = SoundTable(choices);
  FIRN_CHECK(Check(directory.path(), table).ok());
  FlipABit(directory.path(), table, choices);
  return 0;
}
