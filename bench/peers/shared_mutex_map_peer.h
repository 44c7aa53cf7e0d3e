// What people write first: a std::map under a reader-writer lock.
#ifndef FIRN_BENCH_PEERS_SHARED_MUTEX_MAP_PEER_H_
#define FIRN_BENCH_PEERS_SHARED_MUTEX_MAP_PEER_H_

#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>

#include "bench/peers/peer.h"

namespace firn::bench {

// Its View is no snapshot: a get sees the present, and a scan locks writers out.
class SharedMutexMapPeer {
 public:
  static constexpr std::string_view kName = "std::map";

  void Put(std::string_view key, std::string_view value) {
    const std::unique_lock lock(mutex_);
    map_.insert_or_assign(std::string(key), value);
  }
  void PutBatch(std::span<const KeyValue> entries) {
    const std::unique_lock lock(mutex_);
    for (const KeyValue& entry : entries)
      map_.insert_or_assign(std::string(entry.key), entry.value);
  }

  class View {
   public:
    explicit View(const SharedMutexMapPeer* peer) : peer_(*peer) {}

    template <class Use>
    bool Get(std::string_view key, Use use) {
      const std::shared_lock lock(peer_.mutex_);
      const auto found = peer_.map_.find(key);
      if (found == peer_.map_.end()) return false;
      use(std::string_view(found->second));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) {
      const std::shared_lock lock(peer_.mutex_);
      for (const auto& [key, value] : peer_.map_) visit(key, value);
    }
    template <class Visit>
    void ReverseScan(Visit visit) {
      const std::shared_lock lock(peer_.mutex_);
      for (auto it = peer_.map_.rbegin(); it != peer_.map_.rend(); ++it)
        visit(it->first, it->second);
    }

   private:
    const SharedMutexMapPeer& peer_;
  };
  View OpenView() const { return View(this); }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::string, std::less<>> map_;
};

static_assert(Peer<SharedMutexMapPeer>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_SHARED_MUTEX_MAP_PEER_H_
