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

 private:
  ChainReader reader_;
};

// Hides the log: what is left is what stands in files.
class NoLogFilter final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "firn.NoLogFilter"; }
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const rocksdb::WriteBatch&, rocksdb::WriteBatch*,
                                     bool*) override {
    return WalProcessingOption::kIgnoreCurrentRecord;
  }
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_LOG_H_
