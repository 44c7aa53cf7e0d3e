// The parts of a table file that RocksDB trusts before it has checked them.
#ifndef FIRN_ENGINE_TABLE_FRAME_H_
#define FIRN_ENGINE_TABLE_FRAME_H_

#include <string>

#include "absl/status/status.h"

namespace firn::internal {

// No checksum covers a table's footer, which says which checksum its blocks have and how they are
// to be read; and RocksDB parses the properties before it compares theirs. One flipped bit there
// makes it read sound blocks wrongly, or ends the process.
//
// So this compares the footers of all table files in `directory` with what Firn has written, and
// verifies the checksums of the blocks that describe the table: its index, the index of its meta
// blocks, and those. kDataLoss names the file. A file without a footer is no concern here: a flush
// that was cut short leaves one, and where it is missed RocksDB says so.
absl::Status CheckTableFrames(const std::string& directory);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_TABLE_FRAME_H_
