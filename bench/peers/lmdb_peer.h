// LMDB on a memory file system, with its fastest settings that still commit.
#ifndef FIRN_BENCH_PEERS_LMDB_PEER_H_
#define FIRN_BENCH_PEERS_LMDB_PEER_H_

#include <lmdb.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "bench/check.h"
#include "bench/peers/peer.h"
#include "bench/scratch_directory.h"

namespace firn::bench {

inline void CheckLmdb(int result) {
  if (result != MDB_SUCCESS) [[unlikely]]
    Fail(std::string("lmdb: ") + mdb_strerror(result));
}

// An LmdbPeer writes straight into its map (MDB_WRITEMAP) and never syncs, so a commit
// costs no system call; without MDB_WRITEMAP a put takes two to four times as long.
// Reads share one read transaction and get pointers into the map, no copies.
class LmdbPeer {
 public:
  static constexpr std::string_view kName = "lmdb";

  // Its file lives in a directory of its own under /dev/shm until the destructor.
  explicit LmdbPeer(const Workload& workload);
  ~LmdbPeer();
  LmdbPeer(const LmdbPeer&) = delete;
  LmdbPeer& operator=(const LmdbPeer&) = delete;

  void Put(std::string_view key, std::string_view value) {
    const KeyValue entry{key, value};
    PutBatch({&entry, 1});
  }
  // One write transaction.
  void PutBatch(std::span<const KeyValue> entries) {
    MDB_txn* txn = nullptr;
    CheckLmdb(mdb_txn_begin(env_, nullptr, 0, &txn));
    for (const KeyValue& entry : entries) {
      MDB_val key = ValOf(entry.key);
      MDB_val value = ValOf(entry.value);
      CheckLmdb(mdb_put(txn, table_, &key, &value, 0));
    }
    CheckLmdb(mdb_txn_commit(txn));
  }

  class View {
   public:
    View(MDB_env* env, MDB_dbi table) : table_(table) {
      CheckLmdb(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn_));
    }
    ~View() {
      if (cursor_ != nullptr) mdb_cursor_close(cursor_);
      mdb_txn_abort(txn_);
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    template <class Use>
    bool Get(std::string_view key, Use use) {
      MDB_val wanted = ValOf(key);
      MDB_val value;
      const int result = mdb_get(txn_, table_, &wanted, &value);
      if (result == MDB_NOTFOUND) return false;
      CheckLmdb(result);
      use(ViewOf(value));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) {
      Walk(MDB_FIRST, MDB_NEXT, visit);
    }
    template <class Visit>
    void ScanFrom(std::string_view key, size_t limit, Visit visit) {
      if (cursor_ == nullptr) CheckLmdb(mdb_cursor_open(txn_, table_, &cursor_));
      MDB_val at = ValOf(key);
      MDB_val value;
      int result = mdb_cursor_get(cursor_, &at, &value, MDB_SET_RANGE);
      while (result == MDB_SUCCESS && limit-- != 0) {
        visit(ViewOf(at), ViewOf(value));
        if (limit != 0) result = mdb_cursor_get(cursor_, &at, &value, MDB_NEXT);
      }
      if (result != MDB_NOTFOUND) CheckLmdb(result);
    }
    // The first entry with a key >= `key`, which is there, by a cursor of its own.
    template <class Visit>
    void SeekAnew(std::string_view key, Visit visit) {
      MDB_cursor* cursor = nullptr;
      CheckLmdb(mdb_cursor_open(txn_, table_, &cursor));
      MDB_val at = ValOf(key);
      MDB_val value;
      CheckLmdb(mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE));
      visit(ViewOf(at), ViewOf(value));
      mdb_cursor_close(cursor);
    }
    template <class Visit>
    void ReverseScan(Visit visit) {
      Walk(MDB_LAST, MDB_PREV, visit);
    }

   private:
    template <class Visit>
    void Walk(MDB_cursor_op start, MDB_cursor_op step, Visit visit) {
      MDB_cursor* cursor = nullptr;
      CheckLmdb(mdb_cursor_open(txn_, table_, &cursor));
      MDB_val key, value;
      int result = mdb_cursor_get(cursor, &key, &value, start);
      while (result == MDB_SUCCESS) {
        visit(ViewOf(key), ViewOf(value));
        result = mdb_cursor_get(cursor, &key, &value, step);
      }
      mdb_cursor_close(cursor);
      if (result != MDB_NOTFOUND) CheckLmdb(result);
    }

    MDB_txn* txn_ = nullptr;
    MDB_cursor* cursor_ = nullptr;
    MDB_dbi table_;
  };
  View OpenView() const { return View(env_, table_); }

 private:
  static MDB_val ValOf(std::string_view bytes) {
    return {bytes.size(), const_cast<char*>(bytes.data())};
  }
  static std::string_view ViewOf(const MDB_val& val) {
    return {static_cast<const char*>(val.mv_data), val.mv_size};
  }

  ScratchDirectory directory_{ScratchDirectory::Medium::kMemory};
  MDB_env* env_ = nullptr;
  MDB_dbi table_ = 0;
};

static_assert(Peer<LmdbPeer> && ReversibleView<LmdbPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_LMDB_PEER_H_
