// What does it cost to seek and read on? Varies: engine; entries read from there, 10 or 100.
// Fixed: settled, one snapshot, keys drawn uniformly, one iterator for all seeks. Reports: time
// per seek with its entries, every byte read.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/sorted_array.h"

namespace firn::bench {
namespace {

void MeasureSeeks(const BarContext& context, Field& field, size_t count, double bar) {
  const Lookups& lookups = context.workload.uniform_lookups();
  const size_t seeks = std::max<size_t>(1, lookups.size() / count);
  const SortedArray array(context.workload);
  SortedArray::View reference = array.OpenView();
  const Checksum expected = ScanFromEach(reference, lookups, 0, seeks, count);

  const std::vector<std::string> names = NamesOf(field.members());
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    for (Field::Member& member : field.members()) {
      round.Measure(member.name, [&] {
        return CheckedNsPerEntry(seeks, expected, member.name, [&] {
          return member.engine->ScanFromEach(0, lookups, 0, seeks, count);
        });
      });
    }
  });
  const std::string entries = std::to_string(count);
  Row row = RatioRow("seek." + entries, "time of lmdb / firn, seek and " + entries + " entries",
                     "ns/seek", rounds, names, {"lmdb", "firn"}, {"firn again", "firn"},
                     Bar::AtLeast(bar));
  row.note = ChecksumNote(expected);
  context.report(row);
}

}  // namespace

void MeasureSeek(const BarContext& context) {
  Field field(context, Field::Who::kOrdered);
  MeasureSeeks(context, field, 10, 2);
  MeasureSeeks(context, field, 100, 2.5);
}

}  // namespace firn::bench
