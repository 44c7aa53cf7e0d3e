// Do reads cost more on a Db on disk? Varies: on disk or in memory. Fixed: all entries there and
// settled. Reports: time per get and per entry scanned, with every byte read.
#include <memory>

#include "bench/bars/bars.h"
#include "bench/bars/disk_db.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {

void MeasureDiskReads(const BarContext& context) {
  const Workload& workload = context.workload;
  const ScratchDirectory scratch;
  FirnPeer memory, memory_again;
  FirnPeer disk(OpenAt(scratch, Durability::kBuffered));
  for (FirnPeer* each : {&memory, &memory_again, &disk}) {
    PutAll(*each, workload);
    each->Settle();
  }
  FirnPeer::View in_memory = memory.OpenView();
  FirnPeer::View in_memory_again = memory_again.OpenView();
  FirnPeer::View on_disk = disk.OpenView();
  const auto get = [&](FirnPeer::View& view) {
    const double seconds = SecondsOf([&] {
      CheckEqual(LookUpAll(view, workload), workload.uniform_lookups().checksum(), "firn");
    });
    return PerEntry(seconds, workload.entry_count());
  };
  const auto scan = [&](FirnPeer::View& view) {
    const double seconds = MeanSecondsPerPass(IsSmokeRun() ? 0 : 0.2, [&] {
      CheckEqual(ScanForward(view), workload.entry_checksum(), "firn");
    });
    return PerEntry(seconds, workload.entry_count());
  };
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("memory", [&] { return get(in_memory); });
    round.Measure("disk", [&] { return get(on_disk); });
    round.Measure("memory again", [&] { return get(in_memory_again); });
    round.Measure("scan memory", [&] { return scan(in_memory); });
    round.Measure("scan disk", [&] { return scan(on_disk); });
    round.Measure("scan memory again", [&] { return scan(in_memory_again); });
  });
  context.report(RatioRow("disk.get", "time of a get on a Db on disk / in memory", "ns/get", rounds,
                          {"memory", "disk", "memory again"}, {"disk", "memory"},
                          {"memory again", "memory"}, Bar::AtMost(1.05)));
  context.report(RatioRow("disk.scan", "time of a scan on a Db on disk / in memory", "ns/entry",
                          rounds, {"scan memory", "scan disk", "scan memory again"},
                          {"scan disk", "scan memory"}, {"scan memory again", "scan memory"},
                          Bar::AtMost(1.05)));
}

}  // namespace firn::bench
