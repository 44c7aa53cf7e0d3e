// LevelDB on a memory file system.
#ifndef FIRN_BENCH_PEERS_LEVELDB_PEER_H_
#define FIRN_BENCH_PEERS_LEVELDB_PEER_H_

#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/check.h"
#include "bench/peers/peer.h"
#include "bench/scratch_directory.h"

namespace firn::bench {

// A LevelDbPeer logs every write, as LevelDB always does, but its files lie under /dev/shm and
// nothing is synced. Memtables and tables are of 64 MiB, tables uncompressed and with Bloom filters;
// LevelDB maps them, so that reads see them in place. Settle() compacts everything.
class LevelDbPeer {
 public:
  static constexpr std::string_view kName = "leveldb";

  LevelDbPeer();
  ~LevelDbPeer();
  LevelDbPeer(const LevelDbPeer&) = delete;
  LevelDbPeer& operator=(const LevelDbPeer&) = delete;

  void Put(std::string_view key, std::string_view value) {
    Check(db_->Put({}, SliceOf(key), SliceOf(value)));
  }
  void PutBatch(std::span<const KeyValue> entries) {
    batch_.Clear();
    for (const KeyValue& entry : entries) batch_.Put(SliceOf(entry.key), SliceOf(entry.value));
    Check(db_->Write({}, &batch_));
  }
  void Settle() { db_->CompactRange(nullptr, nullptr); }

  // Reads at a snapshot of LevelDB's.
  class View {
   public:
    explicit View(leveldb::DB* db) : db_(db) { options_.snapshot = db->GetSnapshot(); }
    ~View() {
      cursor_.reset();
      db_->ReleaseSnapshot(options_.snapshot);
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    // Copied out: LevelDB has no other way.
    template <class Use>
    bool Get(std::string_view key, Use use) {
      const leveldb::Status status = db_->Get(options_, SliceOf(key), &value_);
      if (status.IsNotFound()) return false;
      Check(status);
      use(std::string_view(value_));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) {
      const std::unique_ptr<leveldb::Iterator> it(db_->NewIterator(options_));
      for (it->SeekToFirst(); it->Valid(); it->Next())
        visit(ViewOf(it->key()), ViewOf(it->value()));
      Check(it->status());
    }
    template <class Visit>
    void ScanFrom(std::string_view key, size_t limit, Visit visit) {
      if (cursor_ == nullptr) cursor_.reset(db_->NewIterator(options_));
      for (cursor_->Seek(SliceOf(key)); limit != 0 && cursor_->Valid(); cursor_->Next(), --limit) {
        visit(ViewOf(cursor_->key()), ViewOf(cursor_->value()));
      }
      Check(cursor_->status());
    }
    template <class Visit>
    void ReverseScan(Visit visit) {
      const std::unique_ptr<leveldb::Iterator> it(db_->NewIterator(options_));
      for (it->SeekToLast(); it->Valid(); it->Prev()) visit(ViewOf(it->key()), ViewOf(it->value()));
      Check(it->status());
    }

   private:
    leveldb::DB* db_;
    leveldb::ReadOptions options_;
    std::string value_;
    std::unique_ptr<leveldb::Iterator> cursor_;
  };
  View OpenView() const { return View(db_.get()); }

 private:
  static leveldb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
  static std::string_view ViewOf(const leveldb::Slice& slice) {
    return {slice.data(), slice.size()};
  }
  static void Check(const leveldb::Status& status) {
    if (!status.ok()) [[unlikely]]
      Fail("leveldb: " + status.ToString());
  }

  ScratchDirectory directory_{ScratchDirectory::Medium::kMemory};
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  leveldb::WriteBatch batch_;
  std::unique_ptr<leveldb::DB> db_;
};

static_assert(Peer<LevelDbPeer> && ReversibleView<LevelDbPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_LEVELDB_PEER_H_
