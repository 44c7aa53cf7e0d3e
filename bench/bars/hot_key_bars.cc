// What does an old snapshot cost those who never use it? Fixed: one snapshot held while 1,000
// neighbouring keys among all entries are overwritten 2,000,000 times in random order. Reports:
// versions kept per hot key, a live scan of them after the last overwrite (once idle leaves are
// frozen, and at once) against one before, accounted bytes once the snapshot is gone against
// those before the first round.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "bench/bars/bars.h"
#include "bench/hot_keys.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
void MeasureHotKeys(const BarContext& context) {
  const Workload& workload = context.workload;
  HotKeys hot(workload, std::min<size_t>(1000, workload.entry_count() / 2));
  const size_t overwrite_count = context.Scaled(2'000'000);

  FirnPeer peer;
  PutAll(peer, workload);
  peer.Settle();
  const DbStats before = peer.Stats();
  SplitMix64 random(7);

  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Watch([&] {
      round.Note("scan before", hot.LiveScanNs(peer));
      round.Note("scan before again", hot.LiveScanNs(peer));
      std::optional<FirnPeer::View> old = peer.OpenView("old");
      const Checksum old_content = hot.Content();

      const double seconds = SecondsOf([&] {
        for (size_t i = 0; i < overwrite_count; ++i) hot.OverwriteOne(peer, random);
      });
      round.Note("overwrite", seconds * 1e9 / static_cast<double>(overwrite_count));
      round.Note("scan after", hot.LiveScanNs(peer));
      round.Note("versions at once", hot.VersionsPerKey(peer.Stats()));

      // What the background does by itself.
      std::this_thread::sleep_for(std::chrono::milliseconds(IsSmokeRun() ? 100 : 500));
      round.Note("versions", hot.VersionsPerKey(peer.Stats()));
      round.Note("scan at rest", hot.LiveScanNs(peer));
      CheckEqual(hot.Scan(*old), old_content, "the old snapshot");

      old.reset();
      peer.Settle();
      const DbStats after = peer.Stats();
      round.Note("memory before", static_cast<double>(before.memory_bytes));
      round.Note("memory after", static_cast<double>(after.memory_bytes));
      round.Note("reserved before", static_cast<double>(before.reserved_bytes));
      round.Note("reserved after", static_cast<double>(after.reserved_bytes));
    });
  });

  Row versions =
      FigureRow("hot.versions", "versions per hot key, 0.5 s after the last overwrite", "", rounds,
                "versions", {"versions at once", "versions"}, Bar::AtMost(2));
  context.report(versions);
  context.report(RatioRow("hot.scan", "live scan 0.5 s after the overwrites / before", "ns/entry",
                          rounds, {"scan before", "scan at rest"}, {"scan at rest", "scan before"},
                          {"scan before again", "scan before"}, Bar::AtMost(1.3)));
  context.report(RatioRow("hot.scan_at_once", "live scan right after the overwrites / before",
                          "ns/entry", rounds, {"scan before", "scan after"},
                          {"scan after", "scan before"}, {"scan before again", "scan before"},
                          Bar::None()));
  for (const std::string kind : {"memory", "reserved"}) {
    Row bytes = RatioRow("hot." + kind, kind + " bytes after release and Settle / before", "B",
                         rounds, {kind + " before", kind + " after"},
                         {kind + " after", kind + " before"}, {kind + " before", kind + " before"},
                         kind == "memory" ? Bar::AtMost(1.02) : Bar::None());
    bytes.itself = rounds.SuccessiveRatios(kind + " after");
    context.report(bytes);
  }
  context.report(FigureRow("hot.overwrite", "one overwrite under the old snapshot", "ns", rounds,
                           "overwrite", {}, Bar::None()));
}

}  // namespace firn::bench
