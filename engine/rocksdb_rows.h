// What stands in RocksDB's column families. docs/format.md describes it.
#ifndef FIRN_ENGINE_ROCKSDB_ROWS_H_
#define FIRN_ENGINE_ROCKSDB_ROWS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/big_endian.h"
#include "engine/group_link.h"
#include "firn/types.h"

namespace firn::internal {

// Families: rocksdb::kDefaultColumnFamilyName holds the newest value of every key.
inline constexpr char kMetaFamily[] = "meta";

// Rows of the meta family.
inline constexpr char kFormatKey[] = "format";       // kFormatVersion as u64.
inline constexpr char kChainEndKey[] = "chain_end";  // The last group: group u64, commit u64.

inline constexpr uint64_t kFormatVersion = 1;

// A row of the default family: key -> commit time u64, then the value's bytes.
inline constexpr size_t kRowHeaderBytes = 8;

inline std::array<char, kRowHeaderBytes> EncodeRowHeader(CommitTs ts) {
  std::array<char, kRowHeaderBytes> bytes;
  StoreBigEndian(ts.value, bytes.data());
  return bytes;
}

struct Row {
  CommitTs commit_ts;
  std::string_view value;
};

inline std::optional<Row> DecodeRow(std::string_view bytes) {
  if (bytes.size() < kRowHeaderBytes) return std::nullopt;
  return Row{{LoadBigEndian<uint64_t>(bytes.data())}, bytes.substr(kRowHeaderBytes)};
}

inline std::array<char, 16> EncodeChainEnd(ChainEnd end) {
  std::array<char, 16> bytes;
  StoreBigEndian(end.group, bytes.data());
  StoreBigEndian(end.commit_ts.value, bytes.data() + 8);
  return bytes;
}

inline std::optional<ChainEnd> DecodeChainEnd(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  return ChainEnd{LoadBigEndian<uint64_t>(bytes.data()),
                  {LoadBigEndian<uint64_t>(bytes.data() + 8)}};
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_ROWS_H_
