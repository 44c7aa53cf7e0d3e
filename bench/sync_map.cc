#include "bench/sync_map.h"

#include <concepts>

#include "bench/check.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/shared_mutex_map_peer.h"

namespace firn::bench {
namespace {

Lookups OneEntry(const Workload& workload) {
  Lookups lookups(workload.key_bytes());
  const size_t middle = workload.entry_count() / 2;
  lookups.Add(static_cast<uint32_t>(middle), workload.key(middle), workload.value(middle));
  return lookups;
}

// Each value found goes to `use`.
class FirnGets {
 public:
  explicit FirnGets(FirnPeer& peer) : db_(peer.db()) {}

  template <class Use>
  void Get(std::string_view key, Use use) {
    const absl::StatusOr<bool> found = db_.Get(key, &value_);
    CheckOk(found.status());
    if (*found) use(std::string_view(value_));
  }

 private:
  const Db& db_;
  std::string value_;
};

template <class P>
auto GetsOf(P& peer) {
  if constexpr (std::same_as<P, FirnPeer>) {
    return FirnGets(peer);
  } else {
    return peer.OpenView();  // Of a map under a lock: its present.
  }
}

template <Peer P>
class SyncMapOf : public SyncMap {
 public:
  explicit SyncMapOf(const Workload& workload) {
    PutAll(peer_, workload);
    SettlePeer(peer_);
  }

  Checksum Run(const MixedOperations& operations, size_t first, size_t last) override {
    auto gets = GetsOf(peer_);
    Checksum read;
    for (size_t i = first; i < last; ++i) {
      const MixedOperations::Operation& operation = operations[i];
      if (operation.is_get()) {
        gets.Get(operation.key, [&read](std::string_view value) { read.Add(value); });
      } else {
        peer_.Put(operation.key, operation.new_value);
      }
    }
    return read;
  }
  Checksum Content(const Workload& workload) override {
    auto view = peer_.OpenView();
    return ContentOf(view, workload);
  }

 private:
  P peer_;
};

template <Peer P>
SyncMapKind KindOf() {
  return {std::string(P::kName),
          [](const Workload& workload) { return std::make_unique<SyncMapOf<P>>(workload); }};
}

}  // namespace

MixedOperations::MixedOperations(const Workload& workload, Mix mix, KeyChoice keys)
    : hot_(OneEntry(workload)),
      lookups_(keys == KeyChoice::kOneHot ? hot_ : workload.uniform_lookups()),
      puts_(workload, lookups_),
      workload_(workload) {
  SplitMix64 draw(workload.options().seed + mix.read_percent);
  operations_.reserve(workload.entry_count());
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    const KeyValue put = puts_[i];
    const bool is_get = draw.Below(100) < mix.read_percent;
    operations_.push_back({put.key, is_get ? std::string_view() : put.value});
  }
}

Checksum MixedOperations::ReadBy(size_t first, size_t last) const {
  Checksum read;
  for (size_t i = first; i < last; ++i) {
    if (operations_[i].is_get()) read.Add(workload_.value(lookups_.entry(i % lookups_.size())));
  }
  return read;
}

std::vector<SyncMapKind> SyncMapKinds() {
  return {KindOf<FirnPeer>(), KindOf<SharedMutexMapPeer>(), KindOf<FlatHashMapPeer>()};
}

}  // namespace firn::bench
