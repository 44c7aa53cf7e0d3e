// What does an overwrite cost? Varies: engine; one thread on one Db, two on one, two on a Db each,
// and these with nothing in common but an order of commits.
// Fixed: all entries there and settled, keys drawn uniformly, as many overwrites as entries, one
// put a commit. Reports: time per put, the content checked afterwards.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/common_order.h"
#include "bench/overwrites.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"
#include "bench/two_threads.h"

namespace firn::bench {
namespace {

constexpr size_t kLoadBatchEntries = 1000;

double TimeOverwrites(const BarContext& context, const NamedKind& named) {
  const Workload& workload = context.workload;
  Overwrites overwrites(workload);
  const std::vector<KeyValue> puts = overwrites.Next(workload.entry_count());
  WarmFreeMemory();
  const std::unique_ptr<WritableEngine> engine = named.kind.make(workload);
  engine->PutInBatches(EntriesOf(workload), kLoadBatchEntries);
  engine->Settle();
  const double seconds = SecondsOf([&] { engine->Put(puts); });
  CheckEqual(engine->Content(workload), overwrites.Content(), named.name);
  return seconds * 1e9 / static_cast<double>(puts.size());
}

void MeasureOneThread(const BarContext& context) {
  const std::vector<NamedKind> kinds = WritableKinds(context);
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    for (const NamedKind& named : kinds) {
      round.Measure(named.name, [&] { return TimeOverwrites(context, named); });
    }
  });
  context.report(RatioRow("overwrite.lmdb", "time of lmdb / firn, one put a commit in both",
                          "ns/put", rounds, NamesOf(kinds), {"lmdb", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(2.5)));
}

void PutEach(FirnPeer& peer, std::span<const KeyValue> entries, CommonOrder* order = nullptr) {
  for (const KeyValue& entry : entries) {
    peer.Put(entry.key, entry.value);
    if (order != nullptr) order->TakeTurn();
  }
}

// Two threads that overwrite even and odd entries, which `even` and `odd` hold: the same peer, or
// two.
double TimeTwoThreads(const Workload& workload, FirnPeer& even, FirnPeer& odd) {
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    (i % 2 == 0 ? even : odd).Put(workload.key(i), workload.value(i));
  }
  even.Settle();
  odd.Settle();
  Overwrites overwrites(workload);
  const Overwrites::Halves puts = overwrites.NextHalves(workload.entry_count());
  const double seconds =
      SecondsOfTwo([&] { PutEach(even, puts.even); }, [&] { PutEach(odd, puts.odd); });
  FirnPeer::View even_view = even.OpenView();
  Checksum content = ScanForward(even_view);
  if (&even != &odd) {
    FirnPeer::View odd_view = odd.OpenView();
    content = Both(content, ScanForward(odd_view));
  }
  CheckEqual(content, overwrites.Content(), "two threads");
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

double TimeOneDb(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer peer;
  return TimeTwoThreads(workload, peer, peer);
}

double TimeTwoDbs(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer even, odd;
  return TimeTwoThreads(workload, even, odd);
}

// Each Db holds all entries, of which its thread overwrites half: Dbs as large as the one that both
// might share, and nothing in common but an order of commits.
double TimeTwoWholeDbsInOrder(const Workload& workload) {
  WarmFreeMemory();
  FirnPeer even, odd;
  for (FirnPeer* peer : {&even, &odd}) {
    PutAll(*peer, workload);
    peer->Settle();
  }
  Overwrites overwrites(workload);
  const Overwrites::Halves puts = overwrites.NextHalves(workload.entry_count());
  CommonOrder order;
  const double seconds = SecondsOfTwo([&] { PutEach(even, puts.even, &order); },
                                      [&] { PutEach(odd, puts.odd, &order); });
  FirnPeer::View even_view = even.OpenView(), odd_view = odd.OpenView();
  CheckEqual(Both(ScanForward(even_view), ScanForward(odd_view)),
             Both(overwrites.Content(), workload.entry_checksum()), "two threads in one order");
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

void MeasureTwoThreads(const BarContext& context) {
  const Workload& workload = context.workload;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("one Db", [&] { return TimeOneDb(workload); });
    round.Measure("two Dbs", [&] { return TimeTwoDbs(workload); });
    round.Measure("two whole Dbs, one order", [&] { return TimeTwoWholeDbsInOrder(workload); });
    round.Measure("one Db again", [&] { return TimeOneDb(workload); });
  });
  context.report(RatioRow("overwrite.two", "rate of two threads on one Db / on a Db each", "ns/put",
                          rounds, {"one Db", "two Dbs", "one Db again"}, {"two Dbs", "one Db"},
                          {"one Db again", "one Db"}, Bar::AtLeast(0.85)));
  context.report(RatioRow(
      "overwrite.two_in_order",
      "rate of two threads on a whole Db each, in one order of commits / on half a Db each",
      "ns/put", rounds, {"two whole Dbs, one order", "two Dbs"},
      {"two Dbs", "two whole Dbs, one order"}, {"one Db again", "one Db"}, Bar::None()));
}

}  // namespace

void MeasureOverwrite(const BarContext& context) {
  MeasureOneThread(context);
  MeasureTwoThreads(context);
}

}  // namespace firn::bench
