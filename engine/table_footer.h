// The part of a table file that no checksum covers.
#ifndef FIRN_ENGINE_TABLE_FOOTER_H_
#define FIRN_ENGINE_TABLE_FOOTER_H_

#include <string>

#include "absl/status/status.h"

namespace firn::internal {

// RocksDB protects every block of a table file by a checksum, but not the footer, which says which
// checksum that is and how blocks are to be read. With one bit of it flipped, sound blocks are
// read wrongly: without checking them, or as another format's, which ends the process.
//
// So this compares the footers of all table files in `directory` with what Firn has written.
// kDataLoss names the file. A file without a footer is no concern here: a flush that was cut short
// leaves one, and where it is missed RocksDB says so.
absl::Status CheckTableFooters(const std::string& directory);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_TABLE_FOOTER_H_
