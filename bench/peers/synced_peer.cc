#include "bench/peers/synced_peer.h"

namespace firn::bench {

std::vector<SyncedKind> SyncedPeerKinds() {
  return {
      SyncedRocksdb(),
#ifdef FIRN_BENCH_LEVELDB
      SyncedLevelDb(),
#endif
#ifdef FIRN_BENCH_WIREDTIGER
      SyncedWiredTiger(),
#endif
  };
}

}  // namespace firn::bench
