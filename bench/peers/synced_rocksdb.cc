#include "bench/peers/rocksdb_peer.h"
#include "bench/peers/synced_peer.h"

namespace firn::bench {
namespace {

class Engine : public SyncedPeer {
 public:
  explicit Engine(const std::string& directory)
      : peer_(directory, RocksdbPeer::Setup::kDefault, /*sync=*/true) {}

  void Put(std::span<const KeyValue> entries) override {
    for (const KeyValue& entry : entries) peer_.Put(entry.key, entry.value);
  }
  Checksum Content() override { return peer_.Scan(); }

 private:
  RocksdbPeer peer_;
};

}  // namespace

SyncedKind SyncedRocksdb() {
  return {"rocksdb",
          [](const std::string& directory) { return std::make_unique<Engine>(directory); }};
}

}  // namespace firn::bench
