// Do large values cost Firn more than others? Varies: engine; values of 4 KiB or of 1 MiB. Fixed: keys
// of 16 bytes in random order into an empty engine, one put a commit, half a gigabyte in all; then
// full scans, settled. Reports: time per put and per entry scanned, beside the fastest peer of each
// round.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/engines.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

// Those that can be filled and scanned.
std::vector<NamedKind> ScannableKinds(const BarContext& context) {
  std::vector<NamedKind> kinds = WritableKinds(context);
  std::erase_if(kinds, [](const NamedKind& named) { return !named.kind.is_ordered; });
  return kinds;
}

void TakeTurn(Round& round, const NamedKind& named, const Workload& workload,
              const std::vector<KeyValue>& entries) {
  WarmFreeMemory();
  const std::unique_ptr<WritableEngine> engine = named.kind.make(workload);
  round.Measure("put " + named.name, [&] {
    return SecondsOf([&] { engine->Put(entries); }) * 1e9 / static_cast<double>(entries.size());
  });
  engine->Settle();
  round.Measure("scan " + named.name, [&] {
    return CheckedNsPerEntry(entries.size(), workload.entry_checksum(), named.name,
                             [&] { return engine->Content(workload); });
  });
}

void NoteFastestPeer(Round& round, const std::string& what, const std::vector<NamedKind>& kinds) {
  double fastest = std::numeric_limits<double>::infinity();
  for (const NamedKind& named : kinds) {
    if (named.kind.name == FirnKind().name) continue;
    fastest = std::min(fastest, round.figure(what + " " + named.name));
  }
  round.Note(what + " fastest peer", fastest);
}

void MeasureSize(const BarContext& context, const std::string& size, size_t value_bytes,
                 size_t entries_at_a_million) {
  WorkloadOptions options = context.workload.options();
  options.value_bytes = value_bytes;
  options.entry_count = std::max<size_t>(2, context.Scaled(entries_at_a_million));
  const Workload workload(options);
  const std::vector<KeyValue> entries = EntriesOf(workload);
  const std::vector<NamedKind> kinds = ScannableKinds(context);
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    for (const NamedKind& named : kinds) TakeTurn(round, named, workload, entries);
    NoteFastestPeer(round, "put", kinds);
    NoteFastestPeer(round, "scan", kinds);
  });
  for (const std::string what : {"put", "scan"}) {
    std::vector<std::string> measured;
    for (const NamedKind& named : kinds) measured.push_back(what + " " + named.name);
    const std::string firn = what + " firn";
    Row row =
        RatioRow("large-values." + what + "_" + size,
                 "time of the fastest peer / firn, values of " + size, "ns/entry", rounds, measured,
                 {what + " fastest peer", firn}, {firn + " again", firn}, Bar::AtLeast(1));
    row.note = ChecksumNote(workload.entry_checksum());
    context.report(row);
  }
}

}  // namespace

void MeasureLargeValues(const BarContext& context) {
  MeasureSize(context, "4KiB", size_t{4} << 10, 125'000);
  MeasureSize(context, "1MiB", size_t{1} << 20, 500);
}

}  // namespace firn::bench
