#include "bench/loaded_db.h"

#include <memory>

namespace firn::bench {
namespace {

std::unique_ptr<FirnPeer> Load() {
  auto peer = std::make_unique<FirnPeer>();
  PutAll(*peer, BenchWorkload());
  peer->Settle();
  return peer;
}

}  // namespace

const Workload& BenchWorkload() {
  static const Workload workload({.entry_count = BenchEntryCount()});
  return workload;
}

FirnPeer& LoadedDb() {
  static const std::unique_ptr<FirnPeer> peer = Load();
  return *peer;
}

}  // namespace firn::bench
