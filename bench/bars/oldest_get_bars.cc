// What does a get cost at an old snapshot? Fixed: 100 snapshots, and as many overwrites between
// the oldest and the newest as there are entries; settled; keys drawn uniformly. Reports: time per
// get at the oldest and at the newest, every value read.
#include <cstddef>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/overwrites.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {

void MeasureGetOldest(const BarContext& context) {
  constexpr size_t kSnapshots = 100;
  const Workload& workload = context.workload;
  const Lookups& lookups = workload.uniform_lookups();
  FirnPeer peer;
  PutAll(peer, workload);
  Overwrites overwrites(workload);
  std::vector<FirnPeer::View> views;
  views.push_back(peer.OpenView());
  while (views.size() < kSnapshots) {
    for (const KeyValue& put : overwrites.Next(workload.entry_count() / (kSnapshots - 1))) {
      peer.Put(put.key, put.value);
    }
    views.push_back(peer.OpenView());
  }
  peer.Settle();
  const Checksum newest_reads = overwrites.ReadBy(lookups);

  const auto get = [&](FirnPeer::View& view, const Checksum& expected, const char* who) {
    return CheckedNsPerEntry(lookups.size(), expected, who,
                             [&] { return LookUp(view, lookups, 0, lookups.size()); });
  };
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("newest", [&] { return get(views.back(), newest_reads, "newest"); });
    round.Measure("oldest", [&] { return get(views.front(), lookups.checksum(), "oldest"); });
    round.Measure("newest again", [&] { return get(views.back(), newest_reads, "newest"); });
  });
  context.report(RatioRow("get.oldest", "time of a get at the oldest of 100 snapshots / the newest",
                          "ns/get", rounds, {"newest", "oldest", "newest again"},
                          {"oldest", "newest"}, {"newest again", "newest"}, Bar::AtMost(1.5)));
}

}  // namespace firn::bench
