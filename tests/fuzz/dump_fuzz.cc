// A dump is read without harm, whatever is in it; what is written is read back, and of one that was
// cut or changed nothing is taken for whole.
#include <endian.h>
#include <xxhash.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"
#include "tests/support/choices.h"
#include "tools/cli/dump_format.h"

namespace firn::test {
namespace {

using tools::DumpReader;
using tools::DumpWriter;

struct Dump {
  CommitTs as_of;
  std::vector<std::pair<std::string, std::string>> entries;

  friend bool operator==(const Dump&, const Dump&) = default;
};

absl::StatusOr<Dump> Read(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const std::unique_ptr<tools::InputFile> file = memory.Open();
  DumpReader reader(*file);
  const absl::StatusOr<CommitTs> as_of = reader.ReadHeader();
  if (!as_of.ok()) return as_of.status();
  Dump dump{*as_of, {}};
  while (true) {
    const absl::StatusOr<std::vector<DumpReader::Entry>> block = reader.ReadBlock();
    if (!block.ok()) return block.status();
    if (block->empty()) return dump;
    for (const DumpReader::Entry& entry : *block) dump.entries.emplace_back(entry.key, entry.value);
  }
}

std::string Write(const Dump& dump) {
  std::string bytes;
  DumpWriter writer(dump.as_of, [&](std::string_view more) {
    bytes += more;
    return absl::OkStatus();
  });
  for (const auto& [key, value] : dump.entries) FIRN_CHECK(writer.Add(key, value).ok());
  FIRN_CHECK(writer.Finish().ok());
  FIRN_CHECK(writer.byte_count() == bytes.size());
  return bytes;
}

// Accepted: then it says what a dump can say. Refused: with the reason's type.
void CheckRead(std::string_view bytes) {
  const absl::StatusOr<Dump> dump = Read(bytes);
  if (dump.ok()) {
    FIRN_CHECK(*Read(Write(*dump)) == *dump);
  } else {
    FIRN_CHECK(absl::IsDataLoss(dump.status()) || absl::IsUnimplemented(dump.status()));
  }
}

// Makes the check right of the `size` bytes at `at`, and returns where the next part begins; the
// end if it is not all there.
size_t Repair(std::string& bytes, size_t at, size_t size) {
  if (at > bytes.size() || bytes.size() - at < 8 || bytes.size() - at - 8 < size) {
    return bytes.size();
  }
  const uint64_t check = htobe64(XXH3_64bits_withSeed(&bytes[at], size, at));
  std::memcpy(&bytes[at + size], &check, sizeof(check));
  return at + size + sizeof(check);
}

// Makes all checks right, so that what is behind them is looked at.
std::string Repaired(std::string bytes) {
  bytes.replace(0, std::min(bytes.size(), tools::kDumpMagic.size()), tools::kDumpMagic);
  size_t at = Repair(bytes, 0, 24);
  while (at < bytes.size()) {
    uint32_t payload_bytes = 0;
    if (bytes.size() - at >= 4) std::memcpy(&payload_bytes, &bytes[at], 4);
    at = Repair(bytes, at, 8);
    // The last part, behind a head of zeros, is a number.
    at = Repair(bytes, at, payload_bytes == 0 ? 8 : be32toh(payload_bytes));
  }
  return bytes;
}

Dump DrawDump(ByteChoices& choices) {
  Dump dump{CommitTs{choices.Below(1'000'000)}, {}};
  for (uint64_t count = choices.Below(12); count > 0; --count) {
    std::string key(choices.Bytes(choices.Below(8)));
    std::string value(choices.Bytes(choices.Below(16)));
    dump.entries.emplace_back(std::move(key), std::move(value));
  }
  // Now and then one that fills a block, or is longer than one.
  if (choices.Below(64) == 63) {
    dump.entries.emplace_back("long", std::string((size_t{1} << 20) - 32 + choices.Below(64), 'v'));
  }
  return dump;
}

void CheckDamaged(std::string bytes, ByteChoices& choices) {
  const size_t at = choices.Below(bytes.size());
  switch (choices.Below(3)) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << choices.Below(8));
      break;
    default:
      bytes += bytes[at];
      break;
  }
  FIRN_CHECK(absl::IsDataLoss(Read(bytes).status()));
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  ByteChoices choices(BytesOf(data, size));
  switch (choices.Below(3)) {
    case 0:
      CheckRead(choices.Bytes(size));
      break;
    case 1:
      CheckRead(Repaired(std::string(choices.Bytes(size))));
      break;
    default: {
      const Dump dump = DrawDump(choices);
      const std::string bytes = Write(dump);
      FIRN_CHECK(*Read(bytes) == dump);
      CheckDamaged(bytes, choices);
      break;
    }
  }
  return 0;
}
