#include "bench/engines.h"

#include <memory>

#include "bench/engine_of.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/lmdb_peer.h"
#include "bench/peers/rocksdb_memory_peer.h"
#include "bench/peers/shared_mutex_map_peer.h"
#include "bench/peers/sorted_array.h"
#ifdef FIRN_BENCH_LEVELDB
#include "bench/peers/leveldb_peer.h"
#endif
#ifdef FIRN_BENCH_TBB
#include "bench/peers/tbb_peer.h"
#endif
#ifdef FIRN_BENCH_WIREDTIGER
#include "bench/peers/wiredtiger_peer.h"
#endif

namespace firn::bench {
namespace {

EngineKind SortedArrayKind() {
  EngineKind kind;
  kind.name = SortedArray::kName;
  kind.is_ordered = kind.is_reversible = true;
  kind.load = [](const Workload& workload) -> std::unique_ptr<LoadedEngine> {
    return std::make_unique<LoadedEngineOf<SortedArray>>(std::make_unique<SortedArray>(workload));
  };
  return kind;
}

}  // namespace

EngineKind FirnKind() { return KindOfPeer<FirnPeer>(); }

std::vector<EngineKind> PeerKinds() {
  return {
      KindOfPeer<LmdbPeer>(),
      KindOfPeer<RocksdbMemtablePeer>(),
      KindOfPeer<RocksdbBlockCachePeer>(),
#ifdef FIRN_BENCH_LEVELDB
      KindOfPeer<LevelDbPeer>(),
#endif
#ifdef FIRN_BENCH_WIREDTIGER
      KindOfPeer<WiredTigerPeer>(),
#endif
#ifdef FIRN_BENCH_TBB
      KindOfPeer<TbbMapPeer>(),
      KindOfPeer<TbbHashMapPeer>(),
#endif
      KindOfPeer<BtreeMapPeer>(),
      KindOfPeer<FlatHashMapPeer>(),
      KindOfPeer<SharedMutexMapPeer>(),
      SortedArrayKind(),
  };
}

std::vector<KeyValue> EntriesOf(const Workload& workload) {
  std::vector<KeyValue> entries;
  entries.reserve(workload.entry_count());
  for (size_t i = 0; i < workload.entry_count(); ++i) entries.push_back(workload.entry(i));
  return entries;
}

}  // namespace firn::bench
