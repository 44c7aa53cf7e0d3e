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
#include "bench/peers/leveldb_api.h"
#include "bench/peers/peer.h"
#include "bench/scratch_directory.h"

namespace firn::bench {

// See LevelDbApiView.
struct LevelDbApi {
  using Db = leveldb::DB;
  using ReadOptions = leveldb::ReadOptions;
  using Iterator = leveldb::Iterator;
  using Slice = leveldb::Slice;

  static Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
  static void Check(const leveldb::Status& status) {
    if (!status.ok()) [[unlikely]]
      Fail("leveldb: " + status.ToString());
  }
};

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
    LevelDbApi::Check(db_->Put({}, LevelDbApi::SliceOf(key), LevelDbApi::SliceOf(value)));
  }
  void PutBatch(std::span<const KeyValue> entries) {
    batch_.Clear();
    for (const KeyValue& entry : entries)
      batch_.Put(LevelDbApi::SliceOf(entry.key), LevelDbApi::SliceOf(entry.value));
    LevelDbApi::Check(db_->Write({}, &batch_));
  }
  void Settle() { db_->CompactRange(nullptr, nullptr); }

  // Reads at a snapshot of LevelDB's.
  class View : public LevelDbApiView<LevelDbApi> {
   public:
    explicit View(leveldb::DB* db) : LevelDbApiView(db) {}

    // Copied out: LevelDB has no other way.
    template <class Use>
    bool Get(std::string_view key, Use use) {
      const leveldb::Status status = db().Get(options(), LevelDbApi::SliceOf(key), &value_);
      if (status.IsNotFound()) return false;
      LevelDbApi::Check(status);
      use(std::string_view(value_));
      return true;
    }

   private:
    std::string value_ = ValueBuffer();
  };
  View OpenView() const { return View(db_.get()); }

 private:
  ScratchDirectory directory_{ScratchDirectory::Medium::kMemory};
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  leveldb::WriteBatch batch_;
  std::unique_ptr<leveldb::DB> db_;
};

static_assert(Peer<LevelDbPeer> && ReversibleView<LevelDbPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_LEVELDB_PEER_H_
