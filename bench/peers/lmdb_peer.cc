#include "bench/peers/lmdb_peer.h"

namespace firn::bench {

LmdbPeer::LmdbPeer(const Workload& workload) {
  // Room for all entries, and for the pages that a commit leaves free.
  const size_t map_bytes = (size_t{1} << 30) + 10 * workload.entry_bytes() * workload.entry_count();
  CheckLmdb(mdb_env_create(&env_));
  CheckLmdb(mdb_env_set_mapsize(env_, map_bytes));
  // MDB_NOTLS: a read transaction belongs to its View, not to its thread.
  CheckLmdb(mdb_env_open(env_, directory_.path().c_str(),
                         MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS, 0600));
  MDB_txn* txn = nullptr;
  CheckLmdb(mdb_txn_begin(env_, nullptr, 0, &txn));
  CheckLmdb(mdb_dbi_open(txn, nullptr, MDB_CREATE, &table_));
  CheckLmdb(mdb_txn_commit(txn));
}

LmdbPeer::~LmdbPeer() { mdb_env_close(env_); }

}  // namespace firn::bench
