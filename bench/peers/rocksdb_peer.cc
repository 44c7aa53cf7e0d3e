#include "bench/peers/rocksdb_peer.h"

#include <rocksdb/db.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "bench/peers/rocksdb_api.h"

namespace firn::bench {
namespace {

rocksdb::Options OptionsFor(RocksdbPeer::Setup setup) {
  rocksdb::Options options;
  options.create_if_missing = true;
  if (setup == RocksdbPeer::Setup::kDefault) return options;
  options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  options.allow_concurrent_memtable_write = false;
  options.max_total_wal_size = uint64_t{256} << 20;
  options.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.no_block_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

RocksdbPeer::RocksdbPeer(const std::string& directory, Setup setup, bool sync) : sync_(sync) {
  rocksdb::DB* db = nullptr;
  RocksdbApi::Check(rocksdb::DB::Open(OptionsFor(setup), directory, &db));
  db_.reset(db);
}

RocksdbPeer::~RocksdbPeer() = default;

void RocksdbPeer::Put(std::string_view key, std::string_view value) {
  rocksdb::WriteOptions options;
  options.sync = sync_;
  RocksdbApi::Check(db_->Put(options, RocksdbApi::SliceOf(key), RocksdbApi::SliceOf(value)));
}

void RocksdbPeer::PutBatch(std::span<const KeyValue> entries) {
  rocksdb::WriteBatch batch;
  for (const KeyValue& entry : entries) {
    RocksdbApi::Check(batch.Put(RocksdbApi::SliceOf(entry.key), RocksdbApi::SliceOf(entry.value)));
  }
  rocksdb::WriteOptions options;
  options.sync = sync_;
  RocksdbApi::Check(db_->Write(options, &batch));
}

Checksum RocksdbPeer::Scan() const {
  Checksum checksum;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    checksum.Add({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()});
  }
  RocksdbApi::Check(it->status());
  return checksum;
}

}  // namespace firn::bench
