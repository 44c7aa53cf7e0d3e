// RocksDB as its users have it, and as Firn uses it: the price of the layers between.
#ifndef FIRN_BENCH_PEERS_ROCKSDB_PEER_H_
#define FIRN_BENCH_PEERS_ROCKSDB_PEER_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/checksum.h"
#include "firn/types.h"

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace firn::bench {

class RocksdbPeer {
 public:
  static constexpr std::string_view kName = "rocksdb";

  enum class Setup {
    kDefault,  // Default options.
    kBare,     // The options that Firn gives it; its own memtable and log files.
  };
  // Makes the database in `directory`, which is not there yet.
  RocksdbPeer(const std::string& directory, Setup setup, bool sync = false);
  ~RocksdbPeer();
  RocksdbPeer(const RocksdbPeer&) = delete;
  RocksdbPeer& operator=(const RocksdbPeer&) = delete;

  // One write each, logged. Thread-safe.
  void Put(std::string_view key, std::string_view value);
  void PutBatch(std::span<const KeyValue> entries);

  Checksum Scan() const;

 private:
  const bool sync_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_ROCKSDB_PEER_H_
