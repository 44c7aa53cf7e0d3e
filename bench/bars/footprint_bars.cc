// How many bytes does an entry cost? Varies: right after a random load, settled. Reports: bytes
// allocated, reserved and resident per entry.
#include <cstdint>
#include <optional>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {

void MeasureFootprint(const BarContext& context) {
  const Workload& workload = context.workload;
  const double entries = static_cast<double>(workload.entry_count());
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
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
  context.report(FigureRow("footprint.memory", "memory_bytes per entry of 116, settled", "B",
                           rounds, "memory", {"memory loaded", "memory"}, Bar::AtMost(140)));
  context.report(FigureRow("footprint.reserved", "reserved_bytes per entry of 116, settled", "B",
                           rounds, "reserved", {"reserved loaded", "reserved"}, Bar::AtMost(140)));
  context.report(FigureRow("footprint.resident", "resident memory gained per entry, settled", "B",
                           rounds, "resident", {"resident"}, Bar::None()));
}

}  // namespace firn::bench
