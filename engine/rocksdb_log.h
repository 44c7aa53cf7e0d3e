// Groups of commits in RocksDB's log: how they are written, and judged when it is replayed.
#ifndef FIRN_ENGINE_ROCKSDB_LOG_H_
#define FIRN_ENGINE_ROCKSDB_LOG_H_

#include <optional>

#include "engine/group_link.h"
#include "rocksdb/wal_filter.h"
#include "rocksdb/write_batch.h"

namespace firn::internal {

// Ends `batch` with `link`, which gets the checksum of what the batch holds so far.
rocksdb::Status AppendLink(GroupLink link, rocksdb::WriteBatch* batch);
// The link at the end of `batch`; nothing if there is none or the checksum is wrong.
std::optional<GroupLink> LinkOf(const rocksdb::WriteBatch& batch);

// Lets only the sound beginning of the log into the store. See ChainReader.
class ChainFilter final : public rocksdb::WalFilter {
 public:
  explicit ChainFilter(ChainReader::Limits limits) : reader_(limits) {}

  const char* Name() const override { return "firn.ChainFilter"; }
  WalProcessingOption LogRecordFound(unsigned long long log_number, const std::string& file,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch*,
                                     bool* changed) override;
  const ChainReader& reader() const { return reader_; }
  // Whether a record deletes a range.
  bool deletes_range() const { return deletes_range_; }

 private:
  ChainReader reader_;
  bool deletes_range_ = false;
};

// Hides the log: what is left is what stands in files.
//
// The replay ends here at once. If each record were ignored instead, RocksDB would come to the end
// of a torn log without knowing the sequence number there, take the log of the open before, which
// was cut short after it had begun one, for another loss, and refuse.
class NoLogFilter final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "firn.NoLogFilter"; }
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const rocksdb::WriteBatch&, rocksdb::WriteBatch*,
                                     bool*) override {
    return WalProcessingOption::kStopReplay;
  }
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_LOG_H_
