// What do reads cost when there are ten times as many entries? Varies: all entries, or ten times as
// many. Fixed: settled, one snapshot, as many gets in both, drawn uniformly among all. Reports: time
// per get, and per entry of a full scan; beside them what it costs a hash table and a sorted array.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/shared_mutex_map_peer.h"
#include "bench/peers/sorted_array.h"

namespace firn::bench {
namespace {

constexpr size_t kTimes = 10;
constexpr size_t kLoadBatchEntries = 1000;

WorkloadOptions TenTimes(WorkloadOptions options) {
  options.entry_count *= kTimes;
  return options;
}

template <PeerReader P>
std::unique_ptr<P> Load(const Workload& workload) {
  if constexpr (PeerWriter<P>) {
    auto peer = std::make_unique<P>();
    PutAllInBatches(*peer, workload, kLoadBatchEntries);
    SettlePeer(*peer);
    return peer;
  } else {
    return std::make_unique<P>(workload);
  }
}

// An engine with all entries, at rest, and one view of it.
template <PeerReader P>
class Loaded {
 public:
  Loaded(const Workload& workload, size_t get_count)
      : workload_(workload),
        get_count_(get_count),
        peer_(Load<P>(workload)),
        view_(peer_->OpenView()) {
    const Lookups& lookups = workload.uniform_lookups();
    for (size_t i = 0; i < get_count; ++i) expected_.Add(workload.value(lookups.entry(i)));
  }

  double NsPerGet() {
    return CheckedNsPerEntry(get_count_, expected_, P::kName, [this] {
      return LookUp(view_, workload_.uniform_lookups(), 0, get_count_);
    });
  }
  double NsPerEntryScanned() {
    return CheckedNsPerEntry(workload_.entry_count(), workload_.entry_checksum(), P::kName,
                             [this] { return ScanForward(view_); });
  }

 private:
  const Workload& workload_;
  size_t get_count_;
  Checksum expected_;
  std::unique_ptr<P> peer_;
  decltype(std::declval<const P&>().OpenView()) view_;
};

}  // namespace

void MeasureGrowth(const BarContext& context) {
  const Workload large_workload(TenTimes(context.workload.options()));
  const size_t get_count = context.workload.entry_count();
  using Firn = Loaded<FirnPeer>;
  Firn small(context.workload, get_count), large(large_workload, get_count);
  Firn small_again(context.workload, get_count);
  // What the machine does to a table that finds a key by two waits for memory, and to a scan that
  // waits for none.
  using Hash = Loaded<FlatHashMapPeer>;
  Hash hash(context.workload, get_count), large_hash(large_workload, get_count);
  using Array = Loaded<SortedArray>;
  Array array(context.workload, get_count), large_array(large_workload, get_count);

  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("get", [&] { return small.NsPerGet(); });
    round.Measure("get of 10x", [&] { return large.NsPerGet(); });
    round.Measure("get again", [&] { return small_again.NsPerGet(); });
    round.Measure("hash get", [&] { return hash.NsPerGet(); });
    round.Measure("hash get of 10x", [&] { return large_hash.NsPerGet(); });
    round.Measure("scan", [&] { return small.NsPerEntryScanned(); });
    round.Measure("scan of 10x", [&] { return large.NsPerEntryScanned(); });
    round.Measure("scan again", [&] { return small_again.NsPerEntryScanned(); });
    round.Measure("array scan", [&] { return array.NsPerEntryScanned(); });
    round.Measure("array scan of 10x", [&] { return large_array.NsPerEntryScanned(); });
  });
  const std::string entries = std::to_string(large_workload.entry_count());
  context.report(RatioRow("growth.get", "time of a get among " + entries + " entries / a tenth",
                          "ns/get", rounds, {"get", "get of 10x", "get again"},
                          {"get of 10x", "get"}, {"get again", "get"}, Bar::AtMost(1.8)));
  context.report(RatioRow("growth.get_hash", "the same from a flat_hash_map", "ns/get", rounds,
                          {"hash get", "hash get of 10x"}, {"hash get of 10x", "hash get"},
                          {"get again", "get"}, Bar::None()));
  context.report(RatioRow("growth.scan", "scan rate over " + entries + " entries / a tenth",
                          "ns/entry", rounds, {"scan", "scan of 10x", "scan again"},
                          {"scan", "scan of 10x"}, {"scan again", "scan"}, Bar::AtLeast(0.85)));
  context.report(RatioRow("growth.scan_array", "the same over a sorted array in place", "ns/entry",
                          rounds, {"array scan", "array scan of 10x"},
                          {"array scan", "array scan of 10x"}, {"scan again", "scan"},
                          Bar::None()));
}

}  // namespace firn::bench
