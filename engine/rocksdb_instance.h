// One opening of RocksDB, with the options that Firn's files are written with.
#ifndef FIRN_ENGINE_ROCKSDB_INSTANCE_H_
#define FIRN_ENGINE_ROCKSDB_INSTANCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/group_link.h"
#include "rocksdb/db.h"
#include "rocksdb/listener.h"
#include "rocksdb/wal_filter.h"

namespace firn::internal {

// Thread-safety: as rocksdb::DB.
// Lifetime: closes RocksDB when it goes, without flushing.
class RocksdbInstance {
 public:
  struct OpenOptions {
    std::string path;
    rocksdb::Env* env = nullptr;                      // Not owned; outlives the instance.
    std::shared_ptr<rocksdb::WalFilter> filter = {};  // Asked while opening.
    std::shared_ptr<rocksdb::EventListener> listener = {};
    bool create = false;
    bool read_only = false;
  };
  static rocksdb::Status Open(const OpenOptions& options,
                              std::unique_ptr<RocksdbInstance>* instance);
  // What stands in files, without the log; an end of 0 for a store whose making was cut short.
  // kNewerFormat: a newer release wrote it. kDataLoss: a file is damaged.
  static absl::StatusOr<ChainEnd> ReadAnchor(rocksdb::Env* env, const std::string& path);

  ~RocksdbInstance();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* values() const { return handles_[0]; }
  rocksdb::ColumnFamilyHandle* meta() const { return handles_[1]; }

  // RocksDB may compact by itself from now on. Not until then: what a close has left to compact it
  // would begin with at once, beside whoever loads everything. Requires: not read-only.
  rocksdb::Status StartCompactions();

  // Moves everything from memory to files, in all families at once.
  rocksdb::Status Flush();
  // Begins to, and begins new memtables. TryAgain: earlier flushes are behind.
  rocksdb::Status StartFlush();
  bool AllIsInFiles();

 private:
  RocksdbInstance() = default;

  // Named in RocksDB's options, which it reads whenever one of them is changed.
  std::shared_ptr<rocksdb::WalFilter> filter_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_INSTANCE_H_
