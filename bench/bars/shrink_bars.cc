// Does memory come back when keys go? Fixed: a random 90% of all keys deleted one by one, then
// settled. Reports: bytes against those of a fresh load of the remaining 10%.
#include <cstdint>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

// Keys are random and inserted in that order, so every tenth is a random tenth.
bool IsKept(size_t entry) { return entry % 10 == 0; }

void NoteMemory(Round& round, const std::string& who, const FirnPeer& peer,
                uint64_t resident_before) {
  constexpr double kMiB = 1 << 20;
  const DbStats stats = peer.Stats();
  round.Note("memory " + who, static_cast<double>(stats.memory_bytes) / kMiB);
  round.Note("reserved " + who, static_cast<double>(stats.reserved_bytes) / kMiB);
  round.Note("resident " + who, (static_cast<double>(AnonymousResidentBytes()) -
                                 static_cast<double>(resident_before)) /
                                    kMiB);
}

}  // namespace

void MeasureShrink(const BarContext& context) {
  const Workload& workload = context.workload;
  const size_t entry_count = workload.entry_count();
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    Checksum rest;
    for (size_t i = 0; i < entry_count; ++i) {
      if (IsKept(i)) rest.Add(workload.key(i), workload.value(i));
    }
    {
      ReturnFreeMemory();
      const uint64_t resident_before = AnonymousResidentBytes();
      FirnPeer peer;
      PutAll(peer, workload);
      for (size_t i = 0; i < entry_count; ++i) {
        if (!IsKept(i)) peer.Delete(workload.key(i));
      }
      peer.Settle();
      NoteMemory(round, "shrunk", peer, resident_before);
      FirnPeer::View view = peer.OpenView();
      CheckEqual(ScanForward(view), rest, "firn after deleting");
    }
    ReturnFreeMemory();
    const uint64_t resident_before = AnonymousResidentBytes();
    FirnPeer fresh;
    for (size_t i = 0; i < entry_count; ++i) {
      if (IsKept(i)) fresh.Put(workload.key(i), workload.value(i));
    }
    fresh.Settle();
    NoteMemory(round, "fresh", fresh, resident_before);
    FirnPeer::View view = fresh.OpenView();
    CheckEqual(ScanForward(view), rest, "firn loaded afresh");
  });

  for (const std::string kind : {"memory", "reserved", "resident"}) {
    Row row = RatioRow("shrink." + kind, kind + " bytes after deleting 90% / of a fresh load",
                       "MiB", rounds, {kind + " shrunk", kind + " fresh"},
                       {kind + " shrunk", kind + " fresh"}, {kind + " fresh", kind + " fresh"},
                       kind == "resident" ? Bar::None() : Bar::AtMost(2));
    row.itself = rounds.SuccessiveRatios(kind + " shrunk");
    context.report(row);
  }
}

}  // namespace firn::bench
