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

#include "bench/check.h"
#include "bench/peers/peer.h"
#include "bench/scratch_directory.h"

namespace firn::bench {

inline rocksdb::Slice RocksdbSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
inline void CheckRocksdb(const rocksdb::Status& status) {
  if (!status.ok()) [[unlikely]]
    Fail("rocksdb: " + status.ToString());
}

// Its files lie under /dev/shm, and nothing is logged: a write goes into the memtable alone.
class RocksdbMemoryPeer {
 public:
  ~RocksdbMemoryPeer();
  RocksdbMemoryPeer(const RocksdbMemoryPeer&) = delete;
  RocksdbMemoryPeer& operator=(const RocksdbMemoryPeer&) = delete;

  void Put(std::string_view key, std::string_view value) {
    CheckRocksdb(db_->Put(write_options_, RocksdbSlice(key), RocksdbSlice(value)));
  }
  void PutBatch(std::span<const KeyValue> entries) {
    batch_.Clear();
    for (const KeyValue& entry : entries) {
      CheckRocksdb(batch_.Put(RocksdbSlice(entry.key), RocksdbSlice(entry.value)));
    }
    CheckRocksdb(db_->Write(write_options_, &batch_));
  }

  // Reads at a snapshot of RocksDB's.
  class View {
   public:
    explicit View(rocksdb::DB* db) : db_(db) { options_.snapshot = db->GetSnapshot(); }
    ~View() {
      cursor_.reset();
      db_->ReleaseSnapshot(options_.snapshot);
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    // In place where RocksDB can: out of a cached block, not out of the memtable.
    template <class Use>
    bool Get(std::string_view key, Use use) {
      value_.Reset();
      const rocksdb::Status status =
          db_->Get(options_, db_->DefaultColumnFamily(), RocksdbSlice(key), &value_);
      if (status.IsNotFound()) return false;
      CheckRocksdb(status);
      use(ViewOf(value_));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) {
      const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options_));
      for (it->SeekToFirst(); it->Valid(); it->Next())
        visit(ViewOf(it->key()), ViewOf(it->value()));
      CheckRocksdb(it->status());
    }
    template <class Visit>
    void ScanFrom(std::string_view key, size_t limit, Visit visit) {
      if (cursor_ == nullptr) cursor_.reset(db_->NewIterator(options_));
      for (cursor_->Seek(RocksdbSlice(key)); limit != 0 && cursor_->Valid();
           cursor_->Next(), --limit) {
        visit(ViewOf(cursor_->key()), ViewOf(cursor_->value()));
      }
      CheckRocksdb(cursor_->status());
    }
    template <class Visit>
    void ReverseScan(Visit visit) {
      const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options_));
      for (it->SeekToLast(); it->Valid(); it->Prev()) visit(ViewOf(it->key()), ViewOf(it->value()));
      CheckRocksdb(it->status());
    }

   private:
    rocksdb::DB* db_;
    rocksdb::ReadOptions options_;
    rocksdb::PinnableSlice value_;
    std::unique_ptr<rocksdb::Iterator> cursor_;
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
