// RocksDB as an engine in memory: all entries in its memtable, or in its block cache.
#ifndef FIRN_BENCH_PEERS_ROCKSDB_MEMORY_PEER_H_
#define FIRN_BENCH_PEERS_ROCKSDB_MEMORY_PEER_H_

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/peers/leveldb_api.h"
#include "bench/peers/peer.h"
#include "bench/peers/rocksdb_api.h"
#include "bench/scratch_directory.h"

namespace firn::bench {

// Its files lie under /dev/shm, and nothing is logged: a write goes into the memtable alone.
class RocksdbMemoryPeer {
 public:
  ~RocksdbMemoryPeer();
  RocksdbMemoryPeer(const RocksdbMemoryPeer&) = delete;
  RocksdbMemoryPeer& operator=(const RocksdbMemoryPeer&) = delete;

  void Put(std::string_view key, std::string_view value) {
    RocksdbApi::Check(
        db_->Put(write_options_, RocksdbApi::SliceOf(key), RocksdbApi::SliceOf(value)));
  }
  void PutBatch(std::span<const KeyValue> entries) {
    batch_.Clear();
    for (const KeyValue& entry : entries) {
      RocksdbApi::Check(
          batch_.Put(RocksdbApi::SliceOf(entry.key), RocksdbApi::SliceOf(entry.value)));
    }
    RocksdbApi::Check(db_->Write(write_options_, &batch_));
  }

  // Reads at a snapshot of RocksDB's.
  class View : public LevelDbApiView<RocksdbApi> {
   public:
    explicit View(rocksdb::DB* db) : LevelDbApiView(db) {}

    // In place where RocksDB can: out of a cached block, not out of the memtable.
    template <class Use>
    bool Get(std::string_view key, Use use) {
      value_.Reset();
      const rocksdb::Status status =
          db().Get(options(), db().DefaultColumnFamily(), RocksdbApi::SliceOf(key), &value_);
      if (status.IsNotFound()) return false;
      RocksdbApi::Check(status);
      use(std::string_view(value_.data(), value_.size()));
      return true;
    }

   private:
    rocksdb::PinnableSlice value_;
  };
  View OpenView() const { return View(db_.get()); }

 protected:
  explicit RocksdbMemoryPeer(rocksdb::Options options);

  ScratchDirectory directory_{ScratchDirectory::Medium::kMemory};
  rocksdb::WriteOptions write_options_;
  rocksdb::WriteBatch batch_;
  std::unique_ptr<rocksdb::DB> db_;
};

// One memtable, RocksDB's skip list, that never fills up.
class RocksdbMemtablePeer : public RocksdbMemoryPeer {
 public:
  static constexpr std::string_view kName = "rocksdb memtable";
  RocksdbMemtablePeer();
};

// Memtables of 64 MiB as by default; Settle() has everything in tables, compacted, and their
// blocks in a cache that holds them all. Tables are uncompressed, with Bloom filters and with a
// hash index in each block.
class RocksdbBlockCachePeer : public RocksdbMemoryPeer {
 public:
  static constexpr std::string_view kName = "rocksdb blocks";
  explicit RocksdbBlockCachePeer(const Workload& workload);
  void Settle();
};

static_assert(Peer<RocksdbMemtablePeer> && ReversibleView<RocksdbMemtablePeer::View>);
static_assert(Peer<RocksdbBlockCachePeer>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_ROCKSDB_MEMORY_PEER_H_
