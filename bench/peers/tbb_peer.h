// The concurrent containers of oneTBB, which know no snapshots; one has no order either.
#ifndef FIRN_BENCH_PEERS_TBB_PEER_H_
#define FIRN_BENCH_PEERS_TBB_PEER_H_

#include <tbb/concurrent_hash_map.h>
#include <tbb/concurrent_map.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "bench/peers/peer.h"

namespace firn::bench {

// A skip list that is walked forwards alone. It protects its links, not its values: an overwrite
// must not race with a reader of that key.
class TbbMapPeer {
 public:
  static constexpr std::string_view kName = "tbb map";

  void Put(std::string_view key, std::string_view value) {
    const auto [place, inserted] = map_.emplace(key, value);
    if (!inserted) place->second = value;
  }
  void PutBatch(std::span<const KeyValue> entries) {
    for (const KeyValue& entry : entries) Put(entry.key, entry.value);
  }

  class View {
   public:
    explicit View(const TbbMapPeer* peer) : map_(peer->map_) {}

    template <class Use>
    bool Get(std::string_view key, Use use) {
      const auto found = map_.find(key);
      if (found == map_.end()) return false;
      use(std::string_view(found->second));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) {
      for (const auto& [key, value] : map_) visit(key, value);
    }
    template <class Visit>
    void ScanFrom(std::string_view from, size_t limit, Visit visit) {
      auto it = map_.lower_bound(from);
      for (; limit != 0 && it != map_.end(); ++it, --limit) visit(it->first, it->second);
    }

   private:
    const tbb::concurrent_map<std::string, std::string, std::less<>>& map_;
  };
  View OpenView() const { return View(this); }

 private:
  tbb::concurrent_map<std::string, std::string, std::less<>> map_;
};

// A read holds a lock on its element while it looks at it.
class TbbHashMapPeer {
  struct HashOfBytes {
    using is_transparent = void;
    size_t hash(std::string_view key) const { return std::hash<std::string_view>{}(key); }
    bool equal(std::string_view a, std::string_view b) const { return a == b; }
  };
  using Map = tbb::concurrent_hash_map<std::string, std::string, HashOfBytes>;

 public:
  static constexpr std::string_view kName = "tbb hash map";

  void Put(std::string_view key, std::string_view value) {
    Map::accessor place;
    map_.insert(place, key);
    place->second = value;
  }
  void PutBatch(std::span<const KeyValue> entries) {
    for (const KeyValue& entry : entries) Put(entry.key, entry.value);
  }

  class View {
   public:
    explicit View(Map& map) : map_(map) {}

    template <class Use>
    bool Get(std::string_view key, Use use) {
      Map::const_accessor found;
      if (!map_.find(found, key)) return false;
      use(std::string_view(found->second));
      return true;
    }

   private:
    Map& map_;  // It has no const find() for a key of another type.
  };
  View OpenView() { return View(map_); }

 private:
  Map map_;
};

static_assert(Peer<TbbMapPeer> && OrderedView<TbbMapPeer::View>);
static_assert(!ReversibleView<TbbMapPeer::View>);
static_assert(Peer<TbbHashMapPeer> && !OrderedView<TbbHashMapPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_TBB_PEER_H_
