// What does a put of a new key cost? Varies: engine; order of keys; one put a commit or 100; one
// thread or two. Fixed: an empty engine to begin with. Reports: time per put, the content checked
// afterwards.
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/common_order.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/sorted_array.h"
#include "bench/process.h"
#include "bench/two_writers.h"

namespace firn::bench {
namespace {

constexpr size_t kBatchEntries = 100;
const PairOf kItself = {"firn again", "firn"};

using Fill = void (*)(WritableEngine&, std::span<const KeyValue>);
void PutSingly(WritableEngine& engine, std::span<const KeyValue> entries) { engine.Put(entries); }
void PutBatches(WritableEngine& engine, std::span<const KeyValue> entries) {
  engine.PutInBatches(entries, kBatchEntries);
}

// Nanoseconds per entry that `fill` takes on an empty engine.
double TimeFill(const BarContext& context, const NamedKind& named,
                std::span<const KeyValue> entries, Fill fill) {
  WarmFreeMemory();  // Every engine takes its pages from the system, like in a new process.
  const std::unique_ptr<WritableEngine> engine = named.kind.make(context.workload);
  const double seconds = SecondsOf([&] { fill(*engine, entries); });
  CheckEqual(engine->Content(context.workload), context.workload.entry_checksum(), named.name);
  return seconds * 1e9 / static_cast<double>(entries.size());
}

struct Filling {
  Rounds rounds;
  std::vector<std::string> names;
};
Filling MeasureFills(const BarContext& context, std::span<const KeyValue> entries, Fill fill) {
  const std::vector<NamedKind> kinds = WritableKinds(context);
  Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    for (const NamedKind& named : kinds) {
      round.Measure(named.name, [&] { return TimeFill(context, named, entries, fill); });
    }
  });
  return {std::move(rounds), NamesOf(kinds)};
}

void MeasureRandomPuts(const BarContext& context) {
  const auto [rounds, names] = MeasureFills(context, EntriesOf(context.workload), PutSingly);
  Row lmdb = RatioRow("put.lmdb", "time of lmdb / firn, one put a commit in both", "ns/put", rounds,
                      names, {"lmdb", "firn"}, kItself, Bar::AtLeast(2.5));
  lmdb.note = ChecksumNote(context.workload.entry_checksum());
  context.report(lmdb);
  if (!rounds.Has("std::map")) return;
  context.report(RatioRow("put.map", "time of std::map under std::shared_mutex / firn", "ns/put",
                          rounds, {"firn", "std::map"}, {"std::map", "firn"}, kItself,
                          Bar::AtLeast(1)));
}

void MeasureSortedPuts(const BarContext& context) {
  const SortedArray array(context.workload);
  std::vector<KeyValue> sorted;
  for (size_t at = 0; at < context.workload.entry_count(); ++at) sorted.push_back(array.entry(at));
  const auto [rounds, names] = MeasureFills(context, sorted, PutSingly);
  context.report(RatioRow("put.sorted", "time of lmdb / firn, keys in their order", "ns/put",
                          rounds, names, {"lmdb", "firn"}, kItself, Bar::None()));
}

void MeasureBatches(const BarContext& context) {
  const auto [rounds, names] = MeasureFills(context, EntriesOf(context.workload), PutBatches);
  context.report(RatioRow("put.lmdb_batches", "time of lmdb / firn, 100 puts a commit in both",
                          "ns/put", rounds, names, {"lmdb", "firn"}, kItself, Bar::AtLeast(2)));
}

double TimeOneThread(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer peer;
  const double seconds = SecondsOf([&] { PutAll(peer, workload); });
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

double TimeOneDb(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer peer;
  const double ns = NsPerPutOfTwoWriters(workload, peer.db(), peer.db());
  FirnPeer::View view = peer.OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), "two writers on one Db");
  return ns;
}

double TimeTwoDbs(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer left, right;
  const double ns = NsPerPutOfTwoWriters(workload, left.db(), right.db());
  FirnPeer::View left_view = left.OpenView(), right_view = right.OpenView();
  CheckEqual(Both(ScanForward(left_view), ScanForward(right_view)), workload.entry_checksum(),
             "two writers on two Dbs");
  return ns;
}

double TimeTwoWholeDbs(const Workload& workload, CommonOrder* order = nullptr) {
  WarmFreeMemory();
  FirnPeer left, right;
  const double ns = NsPerPutOfTwoLoaders(workload, left.db(), right.db(), order);
  for (FirnPeer* peer : {&left, &right}) {
    FirnPeer::View view = peer->OpenView();
    CheckEqual(ScanForward(view), workload.entry_checksum(), "two writers on two whole Dbs");
  }
  return ns;
}

}  // namespace

void MeasurePut(const BarContext& context) {
  MeasureRandomPuts(context);
  MeasureSortedPuts(context);
  MeasureBatches(context);
}

void MeasureWriters(const BarContext& context) {
  const Workload& workload = context.workload;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("one Db", [&] { return TimeOneDb(workload); });
    round.Measure("two Dbs", [&] { return TimeTwoDbs(workload); });
    round.Measure("two whole Dbs", [&] { return TimeTwoWholeDbs(workload); });
    round.Measure("two whole Dbs, one order", [&] {
      CommonOrder order;
      return TimeTwoWholeDbs(workload, &order);
    });
    round.Measure("one thread", [&] { return TimeOneThread(workload); });
    round.Measure("one Db again", [&] { return TimeOneDb(workload); });
  });
  Row row = RatioRow("writers.two", "rate of two threads on one Db / on a Db each", "ns/put",
                     rounds, {"one Db", "two Dbs", "one thread", "one Db again"},
                     {"two Dbs", "one Db"}, {"one Db again", "one Db"}, Bar::AtLeast(0.85));
  row.note = ChecksumNote(workload.entry_checksum());
  context.report(row);
  // What is left where each thread has a map as large as the one Db's: nothing shared, and then
  // nothing but an order of commits.
  context.report(RatioRow("writers.two_whole",
                          "rate of two threads on a whole Db each / on half a Db each", "ns/put",
                          rounds, {"two whole Dbs", "two Dbs"}, {"two Dbs", "two whole Dbs"},
                          {"one Db again", "one Db"}, Bar::None()));
  context.report(RatioRow(
      "writers.two_in_order",
      "rate of two threads on a whole Db each, in one order of commits / on half a Db each",
      "ns/put", rounds, {"two whole Dbs, one order", "two Dbs"},
      {"two Dbs", "two whole Dbs, one order"}, {"one Db again", "one Db"}, Bar::None()));
}

}  // namespace firn::bench
