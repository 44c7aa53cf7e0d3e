// What does a full scan cost at a snapshot? Varies: engine; direction; settled, or right after a
// random load; one thread, or two with a scan each. Fixed: entries inserted in random order.
// Reports: wall time per entry, with every byte read.
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"
#include "bench/two_threads.h"

namespace firn::bench {
namespace {

const PairOf kItself = {"firn again", "firn"};

std::string Reverse(const std::string& name) { return name + " reverse"; }
std::string ByTwo(const std::string& name) { return name + " by two"; }

double Forward(const Workload& workload, Field::Member& member) {
  return CheckedNsPerEntry(workload.entry_count(), workload.entry_checksum(), member.name,
                           [&] { return member.engine->ScanForward(0); });
}

double Backward(const Workload& workload, Field::Member& member) {
  return CheckedNsPerEntry(workload.entry_count(), workload.entry_checksum(), Reverse(member.name),
                           [&] { return member.engine->ScanBackward(0); });
}

double ForwardByTwo(const Workload& workload, Field::Member& member) {
  const Checksum& each = workload.entry_checksum();
  return CheckedNsPerEntry(2 * workload.entry_count(), Both(each, each), ByTwo(member.name), [&] {
    Checksum left, right;
    SecondsOfTwo([&] { left = member.engine->ScanForward(0); },
                 [&] { right = member.engine->ScanForward(1); });
    CheckEqual(left, right, ByTwo(member.name));  // Two wrongs would cancel out below.
    return Both(left, right);
  });
}

void MeasureDirections(const BarContext& context, Field& field) {
  const Workload& workload = context.workload;
  std::vector<std::string> forward, backward = {"firn"};
  for (const Field::Member& member : field.members()) {
    forward.push_back(member.name);
    if (member.kind.is_reversible) backward.push_back(Reverse(member.name));
  }
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    for (Field::Member& member : field.members()) {
      round.Measure(member.name, [&] { return Forward(workload, member); });
      if (!member.kind.is_reversible) continue;
      round.Measure(Reverse(member.name), [&] { return Backward(workload, member); });
    }
  });
  Row row = RatioRow("scan.forward", "time of lmdb / firn, full scan after Settle", "ns/entry",
                     rounds, forward, {"lmdb", "firn"}, kItself, Bar::AtLeast(4));
  row.note = ChecksumNote(workload.entry_checksum());
  context.report(row);
  if (rounds.Has("sorted array")) {
    context.report(RatioRow("scan.limit", "time of a sorted array in place / firn", "ns/entry",
                            rounds, {"firn", "sorted array"}, {"sorted array", "firn"}, kItself,
                            Bar::AtLeast(0.5)));
  }
  context.report(RatioRow("scan.reverse", "rate of reverse / forward, both firn", "ns/entry",
                          rounds, backward, {"firn", Reverse("firn")}, kItself, Bar::AtLeast(0.8)));
}

void MeasureTwoThreads(const BarContext& context, Field& field) {
  const Workload& workload = context.workload;
  std::vector<std::string> names;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    names.clear();
    for (Field::Member& member : field.members()) {
      names.insert(names.end(), {member.name, ByTwo(member.name)});
      round.Measure(member.name, [&] { return Forward(workload, member); });
      round.Measure(ByTwo(member.name), [&] { return ForwardByTwo(workload, member); });
    }
  });
  context.report(RatioRow("scan.two", "rate of two threads, a scan each / of one, both firn",
                          "ns/entry", rounds, names, {"firn", ByTwo("firn")}, kItself,
                          Bar::AtLeast(1.6)));
}

// One pass over a Db that was just filled: nothing had time to settle.
double FirstScan(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer peer;
  PutAll(peer, workload);
  FirnPeer::View view = peer.OpenView();
  const double seconds = SecondsOf(
      [&] { CheckEqual(ScanForward(view), workload.entry_checksum(), "firn after a load"); });
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

// What LMDB's scan costs does not change with time: its tree is what the puts made of it.
void MeasureAfterLoad(const BarContext& context, Field& field) {
  const Workload& workload = context.workload;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return FirstScan(workload); });
    for (Field::Member& member : field.members()) {
      if (member.name != "lmdb") continue;
      round.Measure("lmdb", [&] { return Forward(workload, member); });
    }
    round.Measure("firn again", [&] { return FirstScan(workload); });
  });
  context.report(RatioRow("scan.after_load", "time of lmdb / firn, right after a random load",
                          "ns/entry", rounds, {"firn", "lmdb", "firn again"}, {"lmdb", "firn"},
                          kItself, Bar::AtLeast(2)));
}

}  // namespace

void MeasureScan(const BarContext& context) {
  Field field(context, Field::Who::kOrdered);
  MeasureDirections(context, field);
  MeasureTwoThreads(context, field);
  MeasureAfterLoad(context, field);
}

}  // namespace firn::bench
