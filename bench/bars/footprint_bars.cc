// How many bytes does an entry cost? Varies: the entries of the run, and some of 8+8 bytes; right
// after a random load, settled. Reports: bytes allocated, reserved and resident per entry.
#include <cstdint>
#include <optional>
#include <string>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

Rounds MeasureBytes(const BarContext& context, const Workload& workload) {
  const double entries = static_cast<double>(workload.entry_count());
  return RunRounds(context.plan, [&](Round& round) {
    ReturnFreeMemory();
    const uint64_t resident_before = AnonymousResidentBytes();
    FirnPeer peer;
    PutAll(peer, workload);
    const DbStats loaded = peer.Stats();
    peer.Settle();
    const DbStats settled = peer.Stats();
    const uint64_t resident = AnonymousResidentBytes() - resident_before;
    if (settled.key_count != workload.entry_count()) Fail("footprint: keys are missing");
    round.Note("memory loaded", static_cast<double>(loaded.memory_bytes) / entries);
    round.Note("reserved loaded", static_cast<double>(loaded.reserved_bytes) / entries);
    round.Note("memory", static_cast<double>(settled.memory_bytes) / entries);
    round.Note("reserved", static_cast<double>(settled.reserved_bytes) / entries);
    round.Note("resident", static_cast<double>(resident) / entries);
  });
}

}  // namespace

void MeasureFootprint(const BarContext& context) {
  const Workload& workload = context.workload;
  const std::string of = " per entry of " + std::to_string(workload.entry_bytes());
  const Rounds rounds = MeasureBytes(context, workload);
  context.report(FigureRow("footprint.memory", "memory_bytes" + of + ", settled", "B", rounds,
                           "memory", {"memory loaded", "memory"}, Bar::AtMost(130)));
  context.report(FigureRow("footprint.loaded", "memory_bytes" + of + ", right after a random load",
                           "B", rounds, "memory loaded", {"memory loaded", "memory"},
                           Bar::AtMost(155)));
  context.report(FigureRow("footprint.reserved", "reserved_bytes" + of + ", settled", "B", rounds,
                           "reserved", {"reserved loaded", "reserved"}, Bar::AtMost(140)));
  context.report(FigureRow("footprint.resident", "resident memory gained" + of + ", settled", "B",
                           rounds, "resident", {"resident"}, Bar::None()));

  WorkloadOptions small = workload.options();
  small.key_bytes = small.value_bytes = 8;
  const Rounds small_rounds = MeasureBytes(context, Workload(small));
  context.report(FigureRow("footprint.small", "memory_bytes per entry of 8+8, settled", "B",
                           small_rounds, "memory", {"memory loaded", "memory", "reserved"},
                           Bar::AtMost(36)));
}

}  // namespace firn::bench
