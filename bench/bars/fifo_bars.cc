// Does a queue that moves on leave memory behind? Fixed: a window of 100,000 ordered keys,
// 5,000,000 pushes at its end and as many pops at its start, one commit each. Reports: the
// largest memory seen along the way against the settled start.
#include <algorithm>
#include <cstdint>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

struct Memory {
  double accounted = 0;
  double reserved = 0;
  double resident = 0;
};

Memory MemoryNow(const FirnPeer& peer, uint64_t resident_before) {
  const DbStats stats = peer.Stats();
  return {static_cast<double>(stats.memory_bytes), static_cast<double>(stats.reserved_bytes),
          static_cast<double>(AnonymousResidentBytes()) - static_cast<double>(resident_before)};
}

void NoteMemory(Round& round, const std::string& when, const Memory& memory) {
  constexpr double kMiB = 1 << 20;
  round.Note("memory " + when, memory.accounted / kMiB);
  round.Note("reserved " + when, memory.reserved / kMiB);
  round.Note("resident " + when, memory.resident / kMiB);
}

}  // namespace

void MeasureFifo(const BarContext& context) {
  const Workload& workload = context.workload;
  const size_t window = context.Scaled(100'000);
  const size_t move_count = context.Scaled(5'000'000);
  constexpr size_t kSamples = 50;

  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    ReturnFreeMemory();
    const uint64_t resident_before = AnonymousResidentBytes();
    FirnPeer peer;
    const auto push = [&](size_t i) {
      peer.Put(OrderedKey(i), workload.value(i % workload.entry_count()));
    };
    for (size_t i = 0; i < window; ++i) push(i);
    peer.Settle();
    NoteMemory(round, "start", MemoryNow(peer, resident_before));

    Memory peak, last;
    double seconds = 0;
    size_t moved = 0;
    for (size_t sample = 1; sample <= kSamples; ++sample) {
      const size_t until = move_count * sample / kSamples;
      seconds += SecondsOf([&] {
        for (; moved < until; ++moved) {
          push(window + moved);
          peer.Delete(OrderedKey(moved));
        }
      });
      last = MemoryNow(peer, resident_before);
      peak.accounted = std::max(peak.accounted, last.accounted);
      peak.reserved = std::max(peak.reserved, last.reserved);
      peak.resident = std::max(peak.resident, last.resident);
    }
    if (peer.Stats().key_count != window) Fail("fifo: the window has changed its size");
    NoteMemory(round, "peak", peak);
    NoteMemory(round, "end", last);
    round.Note("ns", seconds * 1e9 / static_cast<double>(2 * move_count));
  });

  for (const std::string kind : {"memory", "reserved", "resident"}) {
    Row row = RatioRow("fifo." + kind, kind + " bytes, the largest of 50 samples / the start",
                       "MiB", rounds, {kind + " start", kind + " peak", kind + " end"},
                       {kind + " peak", kind + " start"}, {kind + " start", kind + " start"},
                       Bar::AtMost(1.3));
    row.itself = rounds.SuccessiveRatios(kind + " peak");
    context.report(row);
  }
  context.report(FigureRow("fifo.time", "one push or pop", "ns", rounds, "ns", {}, Bar::None()));
}

}  // namespace firn::bench
