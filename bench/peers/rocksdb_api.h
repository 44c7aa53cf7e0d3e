// Small words that everybody who calls RocksDB needs.
#ifndef FIRN_BENCH_PEERS_ROCKSDB_API_H_
#define FIRN_BENCH_PEERS_ROCKSDB_API_H_

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <string_view>

#include "bench/check.h"

namespace firn::bench {

// See LevelDbApiView.
struct RocksdbApi {
  using Db = rocksdb::DB;
  using ReadOptions = rocksdb::ReadOptions;
  using Iterator = rocksdb::Iterator;
  using Slice = rocksdb::Slice;

  static Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
  static void Check(const rocksdb::Status& status) {
    if (!status.ok()) [[unlikely]]
      Fail("rocksdb: " + status.ToString());
  }
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_ROCKSDB_API_H_
