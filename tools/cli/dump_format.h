// A dump: the entries of one moment in a file, which says by itself whether it is whole.
//
// Numbers are big-endian; every check is XXH3 (64 bits) of the bytes named, seeded with the offset
// where they begin, so that nothing can stand elsewhere either.
//
//   header   "FIRNDUMP"  version u32 (1)  zero u32  as_of u64  check u64 (of the 24 before it)
//   block    payload bytes u32  entries u32  check u64 (of the 8 before it)  payload  check u64
//   end      zero u32    zero u32    check u64 (of the 8)  entries in all u64  check u64 (of it)
//   payload  for each entry, in key order: key bytes u32  value bytes u32  key  value
#ifndef FIRN_TOOLS_CLI_DUMP_FORMAT_H_
#define FIRN_TOOLS_CLI_DUMP_FORMAT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "firn/types.h"
#include "tools/cli/input_file.h"

namespace firn::tools {

inline constexpr std::string_view kDumpMagic = "FIRNDUMP";

// Errors: those of `sink`, which takes the bytes of the file in order.
class DumpWriter {
 public:
  using Sink = std::function<absl::Status(std::string_view bytes)>;
  DumpWriter(CommitTs as_of, Sink sink);

  absl::Status Add(std::string_view key, std::string_view value);
  // Without it the dump is not whole.
  absl::Status Finish();

  uint64_t entry_count() const { return entry_count_; }
  uint64_t byte_count() const { return offset_; }

 private:
  absl::Status Emit(std::string_view bytes);
  // Emits `bytes` and the check of them.
  absl::Status EmitChecked(std::string_view bytes);
  absl::Status EmitBlock();

  const CommitTs as_of_;
  const Sink sink_;
  std::string payload_;
  uint32_t payload_entries_ = 0;
  uint64_t entry_count_ = 0;
  uint64_t offset_ = 0;
};

// Errors: kDataLoss says at which byte the dump is damaged or ends; kUnimplemented for a newer
//     version; those of the file.
// Memory: one block, which is 1 MiB or one entry.
class DumpReader {
 public:
  struct Entry {
    std::string_view key;
    std::string_view value;
  };

  explicit DumpReader(InputFile& file) : file_(file) {}

  // First; what the Db was dumped as of.
  absl::StatusOr<CommitTs> ReadHeader();
  // The entries of the next block, which is sound; none behind the last. They end at the next call.
  absl::StatusOr<std::vector<Entry>> ReadBlock();

 private:
  // The next `size` bytes, which `what` is, and the check behind them.
  absl::StatusOr<std::string_view> ReadChecked(size_t size, const std::string& what);
  absl::StatusOr<std::vector<Entry>> ReadEnd();
  absl::Status Damaged(uint64_t offset, const std::string& how) const;

  InputFile& file_;
  uint64_t entry_count_ = 0;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_DUMP_FORMAT_H_
