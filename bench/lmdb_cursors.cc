#include "bench/lmdb_cursors.h"

#include <string_view>

namespace firn::bench {
namespace {

MDB_val ValOf(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view ViewOf(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

}  // namespace

LmdbCursors::LmdbCursors(const Workload& workload) {
  CheckLmdb(mdb_env_create(&env_));
  CheckLmdb(mdb_env_set_mapsize(
      env_, (size_t{1} << 30) + 4 * workload.entry_bytes() * workload.entry_count()));
  CheckLmdb(mdb_env_open(env_, directory_.path().c_str(),
                         MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS, 0600));
  MDB_txn* load = nullptr;
  CheckLmdb(mdb_txn_begin(env_, nullptr, 0, &load));
  CheckLmdb(mdb_dbi_open(load, nullptr, MDB_CREATE, &table_));
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    MDB_val key = ValOf(workload.key(i));
    MDB_val value = ValOf(workload.value(i));
    CheckLmdb(mdb_put(load, table_, &key, &value, 0));
  }
  CheckLmdb(mdb_txn_commit(load));
  CheckLmdb(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_));
}

LmdbCursors::~LmdbCursors() {
  mdb_txn_abort(txn_);
  mdb_env_close(env_);
}

Checksum LmdbCursors::SeekEach(const Lookups& lookups) const {
  Checksum found;
  for (size_t i = 0; i < lookups.size(); ++i) {
    MDB_cursor* cursor = nullptr;
    CheckLmdb(mdb_cursor_open(txn_, table_, &cursor));
    MDB_val key = ValOf(lookups.key(i));
    MDB_val value;
    CheckLmdb(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
    found.Add(ViewOf(key), ViewOf(value));
    mdb_cursor_close(cursor);
  }
  return found;
}

void LmdbCursors::OpenAndAbort(size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    MDB_txn* txn = nullptr;
    CheckLmdb(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn));
    mdb_txn_abort(txn);
  }
}

}  // namespace firn::bench
