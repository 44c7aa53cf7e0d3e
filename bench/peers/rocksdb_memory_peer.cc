#include "bench/peers/rocksdb_memory_peer.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <utility>

namespace firn::bench {
namespace {

rocksdb::Options MemtableOptions() {
  rocksdb::Options options;
  options.write_buffer_size = size_t{32} << 30;
  return options;
}

rocksdb::Options BlockCacheOptions(size_t data_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache((size_t{1} << 30) + 4 * data_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  rocksdb::Options options;
  options.compression = rocksdb::kNoCompression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

RocksdbMemoryPeer::RocksdbMemoryPeer(rocksdb::Options options) {
  write_options_.disableWAL = true;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  RocksdbApi::Check(rocksdb::DB::Open(options, directory_.path() + "/db", &db));
  db_.reset(db);
}

RocksdbMemoryPeer::~RocksdbMemoryPeer() = default;

RocksdbMemtablePeer::RocksdbMemtablePeer() : RocksdbMemoryPeer(MemtableOptions()) {}

RocksdbBlockCachePeer::RocksdbBlockCachePeer(const Workload& workload)
    : RocksdbMemoryPeer(BlockCacheOptions(workload.entry_bytes() * workload.entry_count())) {}

void RocksdbBlockCachePeer::Settle() {
  RocksdbApi::Check(db_->Flush({}));
  RocksdbApi::Check(db_->CompactRange({}, nullptr, nullptr));
  OpenView().Scan(IgnoreEntry{});
}

}  // namespace firn::bench
