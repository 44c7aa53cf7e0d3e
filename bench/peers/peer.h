// What an engine must offer to be measured beside Firn.
//
// Everything is a template over the engine: a call costs what the engine's own call costs.
// Anything that fails stops the program.
#ifndef FIRN_BENCH_PEERS_PEER_H_
#define FIRN_BENCH_PEERS_PEER_H_

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/checksum.h"
#include "bench/workload.h"
#include "firn/types.h"

namespace firn::bench {

struct IgnoreValue {
  void operator()(std::string_view) const {}
};
struct IgnoreEntry {
  void operator()(std::string_view, std::string_view) const {}
};

// What values are copied into. Far longer than they are: two threads whose buffers shared a cache
// line would pass it to and fro.
inline std::string ValueBuffer() {
  std::string buffer;
  buffer.reserve(4096);
  return buffer;
}

// A View is one frozen state of the engine (as near as the engine has it), open for any
// number of reads by one thread at a time.
template <class V>
concept PeerView = requires(V view, std::string_view key) {
  // Calls its argument with the value where the engine shows it; false: no such key.
  { view.Get(key, IgnoreValue{}) } -> std::same_as<bool>;
};

// What an engine without an order lacks.
template <class V>
concept OrderedView = PeerView<V> && requires(V view, std::string_view key, size_t limit) {
  // Calls its argument with every key and value, in key order.
  view.Scan(IgnoreEntry{});
  // The same from the first key >= `key` on, for at most `limit` entries. Whatever the engine
  // walks with is made at the first call and kept.
  view.ScanFrom(key, limit, IgnoreEntry{});
};

template <class V>
concept ReversibleView = OrderedView<V> && requires(V view) {
  view.ReverseScan(IgnoreEntry{});
};

// What can be filled.
template <class P>
concept PeerWriter = requires(P peer, std::string_view key, std::span<const KeyValue> entries) {
  { P::kName } -> std::convertible_to<std::string_view>;
  // One commit each, visible to everybody on return.
  peer.Put(key, key);
  peer.PutBatch(entries);
};

// What can be read.
template <class P>
concept PeerReader = requires(P peer) {
  { P::kName } -> std::convertible_to<std::string_view>;
  { peer.OpenView() } -> PeerView;
};

template <class P>
concept Peer = PeerWriter<P> && PeerReader<P>;

// Brings a loaded engine into the state that it reads best in.
template <PeerReader P>
void SettlePeer(P& peer) {
  if constexpr (requires { peer.Settle(); }) peer.Settle();
}

template <PeerWriter P>
void PutAll(P& peer, const Workload& workload) {
  for (size_t i = 0; i < workload.entry_count(); ++i) peer.Put(workload.key(i), workload.value(i));
}

template <PeerWriter P>
void PutAllInBatches(P& peer, const Workload& workload, size_t batch_entries) {
  std::vector<KeyValue> batch;
  batch.reserve(batch_entries);
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    batch.push_back(workload.entry(i));
    if (batch.size() == batch_entries || i + 1 == workload.entry_count()) {
      peer.PutBatch(batch);
      batch.clear();
    }
  }
}

template <OrderedView V>
Checksum ScanForward(V& view) {
  Checksum checksum;
  view.Scan(
      [&checksum](std::string_view key, std::string_view value) { checksum.Add(key, value); });
  return checksum;
}

template <ReversibleView V>
Checksum ScanBackward(V& view) {
  Checksum checksum;
  view.ReverseScan(
      [&checksum](std::string_view key, std::string_view value) { checksum.Add(key, value); });
  return checksum;
}

// `count` entries from each of the lookup keys `first` to `last` on.
template <OrderedView V>
Checksum ScanFromEach(V& view, const Lookups& lookups, size_t first, size_t last, size_t count) {
  Checksum checksum;
  for (size_t i = first; i < last; ++i) {
    view.ScanFrom(lookups.key(i), count, [&checksum](std::string_view key, std::string_view value) {
      checksum.Add(key, value);
    });
  }
  return checksum;
}

template <PeerView V>
Checksum LookUp(V& view, const Lookups& lookups, size_t first, size_t last) {
  Checksum checksum;
  for (size_t i = first; i < last; ++i) {
    view.Get(lookups.key(i), [&checksum](std::string_view value) { checksum.Add(value); });
  }
  return checksum;
}

template <PeerView V>
Checksum LookUpAll(V& view, const Workload& workload) {
  return LookUp(view, workload.uniform_lookups(), 0, workload.entry_count());
}

// Every entry, found by its key one after the other: the scan of an engine without an order.
template <PeerView V>
Checksum LookUpEachEntry(V& view, const Workload& workload) {
  Checksum checksum;
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    const std::string_view key = workload.key(i);
    view.Get(key, [&](std::string_view value) { checksum.Add(key, value); });
  }
  return checksum;
}

// All that the view shows.
template <PeerView V>
Checksum ContentOf(V& view, const Workload& workload) {
  if constexpr (OrderedView<V>) {
    return ScanForward(view);
  } else {
    return LookUpEachEntry(view, workload);
  }
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_PEER_H_
