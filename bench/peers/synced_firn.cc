#include "bench/check.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/synced_peer.h"

namespace firn::bench {
namespace {

Options SyncOptions() {
  Options options;
  options.durability = Durability::kSync;
  return options;
}

class Engine : public SyncedPeer {
 public:
  explicit Engine(const std::string& directory)
      : peer_(ValueOf(Db::Open(SyncOptions(), directory))) {}

  void Put(std::span<const KeyValue> entries) override {
    for (const KeyValue& entry : entries) peer_.Put(entry.key, entry.value);
  }
  Checksum Content() override {
    FirnPeer::View view = peer_.OpenView();
    return ScanForward(view);
  }

 private:
  FirnPeer peer_;
};

}  // namespace

SyncedKind SyncedFirn() {
  return {"firn", [](const std::string& directory) { return std::make_unique<Engine>(directory); }};
}

}  // namespace firn::bench
