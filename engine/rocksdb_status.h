// RocksDB's errors in ours.
#ifndef FIRN_ENGINE_ROCKSDB_STATUS_H_
#define FIRN_ENGINE_ROCKSDB_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "mvcc/status.h"
#include "rocksdb/status.h"

namespace firn::internal {

// The code says what the trouble is: kResourceExhausted a full disk, kDataLoss a damaged file,
// kUnavailable any other I/O error. The text says in which directory, unless RocksDB did.
inline absl::Status FromRocksdb(const rocksdb::Status& status, const std::string& directory) {
  if (status.ok()) return absl::OkStatus();
  std::string text = status.ToString();
  if (text.find(directory) == std::string::npos) text = directory + ": " + text;
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  if (status.IsCorruption()) return MakeError(ErrorKind::kDataLoss, text);
  return absl::UnavailableError(text);
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_STATUS_H_
