#include "bench/peers/leveldb_peer.h"

#include <leveldb/options.h>

namespace firn::bench {

LevelDbPeer::LevelDbPeer() : filter_(leveldb::NewBloomFilterPolicy(10)) {
  constexpr size_t kFileBytes = size_t{64} << 20;
  leveldb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = kFileBytes;
  options.max_file_size = kFileBytes;
  options.compression = leveldb::kNoCompression;
  options.filter_policy = filter_.get();
  leveldb::DB* db = nullptr;
  LevelDbApi::Check(leveldb::DB::Open(options, directory_.path() + "/db", &db));
  db_.reset(db);
}

LevelDbPeer::~LevelDbPeer() = default;

}  // namespace firn::bench
