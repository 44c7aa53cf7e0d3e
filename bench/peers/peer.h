// What an engine must offer to be measured beside Firn.
//
// Everything is a template over the engine: a call costs what the engine's own call costs.
// Anything that fails stops the program.
#ifndef FIRN_BENCH_PEERS_PEER_H_
#define FIRN_BENCH_PEERS_PEER_H_

#include <concepts>
#include <span>
#include <string_view>

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

// A View is one frozen state of the engine (as near as the engine has it), open for any
// number of reads by one thread.
template <class V>
concept PeerView = requires(V view, std::string_view key) {
  // Calls its argument with the value where the engine shows it; false: no such key.
  { view.Get(key, IgnoreValue{}) } -> std::same_as<bool>;
  // Call their argument with every key and value, in key order and backwards.
  view.Scan(IgnoreEntry{});
  view.ReverseScan(IgnoreEntry{});
};

template <class P>
concept Peer = requires(P peer, std::string_view key, std::span<const KeyValue> entries) {
  { P::kName } -> std::convertible_to<std::string_view>;
  // One commit each, visible to everybody on return.
  peer.Put(key, key);
  peer.PutBatch(entries);
  { peer.OpenView() } -> PeerView;
};

template <Peer P>
void PutAll(P& peer, const Workload& workload) {
  for (size_t i = 0; i < workload.entry_count(); ++i) peer.Put(workload.key(i), workload.value(i));
}

template <Peer P>
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

template <PeerView V>
Checksum ScanForward(V& view) {
  Checksum checksum;
  view.Scan(
      [&checksum](std::string_view key, std::string_view value) { checksum.Add(key, value); });
  return checksum;
}

template <PeerView V>
Checksum ScanBackward(V& view) {
  Checksum checksum;
  view.ReverseScan(
      [&checksum](std::string_view key, std::string_view value) { checksum.Add(key, value); });
  return checksum;
}

template <PeerView V>
Checksum LookUpAll(V& view, const Workload& workload) {
  Checksum checksum;
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    view.Get(workload.lookup_key(i), [&checksum](std::string_view value) { checksum.Add(value); });
  }
  return checksum;
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_PEER_H_
