// What does a Db of 10 keys cost? Varies: nothing. Reports: time to open it and put 10 keys,
// bytes reserved, resident memory gained. Memory is judged by the worst round: the first one also
// pays for what the process needs once.
#include <algorithm>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

constexpr size_t kKeyCount = 10;

// Judges the largest of the figures, not their median.
void JudgeWorst(Row& row) {
  row.judged = {*std::max_element(row.judged.begin(), row.judged.end())};
}

}  // namespace

void MeasureSmallDb(const BarContext& context) {
  const size_t key_count = std::min(kKeyCount, context.workload.entry_count());
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    ReturnFreeMemory();
    const uint64_t resident_before = AnonymousResidentBytes();
    std::optional<FirnPeer> peer;
    double open_seconds = 0;
    const double total_seconds = SecondsOf([&] {
      open_seconds = SecondsOf([&] { peer.emplace(); });
      for (size_t i = 0; i < key_count; ++i) {
        peer->Put(context.workload.key(i), context.workload.value(i));
      }
    });
    const uint64_t resident_after = AnonymousResidentBytes();
    round.Note("open", open_seconds * 1e6);
    round.Note("open and 10 puts", total_seconds * 1e6);
    round.Note("resident", static_cast<double>(resident_after - resident_before) / 1024);
    const DbStats stats = peer->Stats();
    round.Note("memory", static_cast<double>(stats.memory_bytes) / 1024);
    round.Note("reserved", static_cast<double>(stats.reserved_bytes) / 1024);
  });

  context.report(FigureRow("small.open", "opening a Db and putting 10 keys", "us", rounds,
                           "open and 10 puts", {"open", "open and 10 puts"}, Bar::AtMost(1000)));
  Row reserved = FigureRow("small.reserved", "reserved_bytes of 10 keys, the largest round", "KiB",
                           rounds, "reserved", {"memory", "reserved"}, Bar::AtMost(1024));
  JudgeWorst(reserved);
  context.report(reserved);
  Row resident = FigureRow("small.resident", "resident memory gained, the largest round", "KiB",
                           rounds, "resident", {"resident"}, Bar::AtMost(1024));
  JudgeWorst(resident);
  context.report(resident);
}

}  // namespace firn::bench
