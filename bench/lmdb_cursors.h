// LMDB's cursors, made anew for each seek: what Firn's iterators are compared with.
#ifndef FIRN_BENCH_LMDB_CURSORS_H_
#define FIRN_BENCH_LMDB_CURSORS_H_

#include <lmdb.h>

#include <cstddef>

#include "bench/checksum.h"
#include "bench/peers/lmdb_peer.h"
#include "bench/scratch_directory.h"
#include "bench/workload.h"

namespace firn::bench {

// An LmdbCursors holds all entries of a workload and one read transaction on them. Its settings
// are those of LmdbPeer, which keeps one cursor for all seeks of a view.
class LmdbCursors {
 public:
  explicit LmdbCursors(const Workload& workload);
  ~LmdbCursors();
  LmdbCursors(const LmdbCursors&) = delete;
  LmdbCursors& operator=(const LmdbCursors&) = delete;

  // mdb_cursor_open, MDB_SET_RANGE and mdb_cursor_close for each lookup; the entries found.
  Checksum SeekEach(const Lookups& lookups) const;
  // mdb_txn_begin and mdb_txn_abort of a read transaction.
  void OpenAndAbort(size_t count) const;

 private:
  ScratchDirectory directory_{ScratchDirectory::Medium::kMemory};
  MDB_env* env_ = nullptr;
  MDB_dbi table_ = 0;
  MDB_txn* txn_ = nullptr;  // For reading.
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_LMDB_CURSORS_H_
