// What people write first: a map under a reader-writer lock.
#ifndef FIRN_BENCH_PEERS_SHARED_MUTEX_MAP_PEER_H_
#define FIRN_BENCH_PEERS_SHARED_MUTEX_MAP_PEER_H_

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "bench/peers/peer.h"

namespace firn::bench {

template <class Map>
concept OrderedMap = requires(const Map& map, std::string_view key) {
  map.lower_bound(key);
};

// Its View is no snapshot: a get sees the present, and a scan locks writers out.
//
// LookupKey: the view of a key that the map finds by.
template <class Map, class LookupKey = std::string_view>
class LockedMapPeer {
 public:
  void Put(std::string_view key, std::string_view value) {
    const std::unique_lock lock(mutex_);
    PutLocked(key, value);
  }
  void PutBatch(std::span<const KeyValue> entries) {
    const std::unique_lock lock(mutex_);
    for (const KeyValue& entry : entries) PutLocked(entry.key, entry.value);
  }

  class View {
   public:
    explicit View(const LockedMapPeer* peer) : peer_(*peer) {}

    template <class Use>
    bool Get(std::string_view key, Use use) {
      const std::shared_lock lock(peer_.mutex_);
      const auto found = peer_.map_.find(LookupKey(key.data(), key.size()));
      if (found == peer_.map_.end()) return false;
      use(std::string_view(found->second));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) requires OrderedMap<Map> {
      const std::shared_lock lock(peer_.mutex_);
      for (const auto& [key, value] : peer_.map_) visit(key, value);
    }
    template <class Visit>
    void ScanFrom(std::string_view from, size_t limit, Visit visit) requires OrderedMap<Map> {
      const std::shared_lock lock(peer_.mutex_);
      auto it = peer_.map_.lower_bound(from);
      for (; limit != 0 && it != peer_.map_.end(); ++it, --limit) visit(it->first, it->second);
    }
    template <class Visit>
    void ReverseScan(Visit visit) requires OrderedMap<Map> {
      const std::shared_lock lock(peer_.mutex_);
      for (auto it = peer_.map_.rbegin(); it != peer_.map_.rend(); ++it)
        visit(it->first, it->second);
    }

   private:
    const LockedMapPeer& peer_;
  };
  View OpenView() const { return View(this); }

 private:
  void PutLocked(std::string_view key, std::string_view value) {
    map_.insert_or_assign(std::string(key), value);
  }

  mutable std::shared_mutex mutex_;
  Map map_;
};

struct SharedMutexMapPeer : LockedMapPeer<std::map<std::string, std::string, std::less<>>> {
  static constexpr std::string_view kName = "std::map";
};
struct BtreeMapPeer : LockedMapPeer<absl::btree_map<std::string, std::string, std::less<>>> {
  static constexpr std::string_view kName = "btree_map";
};
struct FlatHashMapPeer
    : LockedMapPeer<absl::flat_hash_map<std::string, std::string>, absl::string_view> {
  static constexpr std::string_view kName = "flat_hash_map";
};

static_assert(Peer<SharedMutexMapPeer> && ReversibleView<SharedMutexMapPeer::View>);
static_assert(Peer<BtreeMapPeer> && ReversibleView<BtreeMapPeer::View>);
static_assert(Peer<FlatHashMapPeer> && !OrderedView<FlatHashMapPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_SHARED_MUTEX_MAP_PEER_H_
