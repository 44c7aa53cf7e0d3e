// Engines on disk that have each put there before it returns.
#ifndef FIRN_BENCH_PEERS_SYNCED_PEER_H_
#define FIRN_BENCH_PEERS_SYNCED_PEER_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/checksum.h"
#include "firn/types.h"

namespace firn::bench {

// A SyncedPeer has its files in a directory of the caller's, default options but for the log, and
// syncs that at every commit.
class SyncedPeer {
 public:
  virtual ~SyncedPeer() = default;
  // One commit each. Thread-safe.
  virtual void Put(std::span<const KeyValue> entries) = 0;
  // What it holds.
  virtual Checksum Content() = 0;
};

struct SyncedKind {
  std::string name;
  // Makes an empty one; the directory is there.
  std::function<std::unique_ptr<SyncedPeer>(const std::string& directory)> make;
};

// Firn, and those beside it that were found when this was built.
SyncedKind SyncedFirn();
SyncedKind SyncedRocksdb();
SyncedKind SyncedLevelDb();
SyncedKind SyncedWiredTiger();
std::vector<SyncedKind> SyncedPeerKinds();  // Without Firn.

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_SYNCED_PEER_H_
