// What does a put of a new key cost? Varies: engine; one put a commit or 100; one thread or two.
// Fixed: keys in random order into an empty engine. Reports: time per put, the content checked
// by a scan afterwards.
#include <concepts>
#include <memory>
#include <string>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/lmdb_peer.h"
#include "bench/peers/shared_mutex_map_peer.h"
#include "bench/process.h"
#include "bench/two_writers.h"

namespace firn::bench {
namespace {

constexpr size_t kBatchEntries = 100;

template <Peer P>
std::unique_ptr<P> MakePeer(const Workload& workload) {
  if constexpr (std::same_as<P, LmdbPeer>) {
    return std::make_unique<P>((size_t{1} << 30) + 1000 * workload.entry_count());
  } else {
    return std::make_unique<P>();
  }
}

// Nanoseconds per entry that `fill` takes on an empty engine.
template <Peer P, class Fill>
double TimeFill(const Workload& workload, Fill fill) {
  WarmFreeMemory();  // Every engine takes its pages from the system, like in a new process.
  const std::unique_ptr<P> peer = MakePeer<P>(workload);
  const double seconds = SecondsOf([&] { fill(*peer); });
  auto view = peer->OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), P::kName);
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

template <Peer P>
double TimePuts(const Workload& workload) {
  return TimeFill<P>(workload, [&](P& peer) { PutAll(peer, workload); });
}

template <Peer P>
double TimeBatches(const Workload& workload) {
  return TimeFill<P>(workload, [&](P& peer) { PutAllInBatches(peer, workload, kBatchEntries); });
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
  Checksum both;
  for (FirnPeer* peer : {&left, &right}) {
    FirnPeer::View view = peer->OpenView();
    const Checksum half = ScanForward(view);
    both.words ^= half.words;
    both.count += half.count;
  }
  CheckEqual(both, workload.entry_checksum(), "two writers on two Dbs");
  return ns;
}

}  // namespace

void MeasurePut(const BarContext& context) {
  const Workload& workload = context.workload;
  const Rounds singles = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("firn", [&] { return TimePuts<FirnPeer>(workload); });
    round.Measure("lmdb", [&] { return TimePuts<LmdbPeer>(workload); });
    round.Measure("std::map", [&] { return TimePuts<SharedMutexMapPeer>(workload); });
    round.Measure("firn again", [&] { return TimePuts<FirnPeer>(workload); });
  });
  Row lmdb = RatioRow("put.lmdb", "time of lmdb / firn, one put a commit in both", "ns/put",
                      singles, {"firn", "lmdb", "firn again"}, {"lmdb", "firn"},
                      {"firn again", "firn"}, Bar::AtLeast(2));
  lmdb.note = ChecksumNote(workload.entry_checksum());
  context.report(lmdb);
  context.report(RatioRow("put.map", "time of std::map under std::shared_mutex / firn", "ns/put",
                          singles, {"firn", "std::map", "firn again"}, {"std::map", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(1)));

  const Rounds batches = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return TimeBatches<FirnPeer>(workload); });
    round.Measure("lmdb", [&] { return TimeBatches<LmdbPeer>(workload); });
    round.Measure("firn again", [&] { return TimeBatches<FirnPeer>(workload); });
  });
  context.report(RatioRow("put.lmdb_batches", "time of lmdb / firn, 100 puts a commit in both",
                          "ns/put", batches, {"firn", "lmdb", "firn again"}, {"lmdb", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(2)));
}

void MeasureWriters(const BarContext& context) {
  const Workload& workload = context.workload;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("one Db", [&] { return TimeOneDb(workload); });
    round.Measure("two Dbs", [&] { return TimeTwoDbs(workload); });
    round.Measure("one thread", [&] { return TimePuts<FirnPeer>(workload); });
    round.Measure("one Db again", [&] { return TimeOneDb(workload); });
  });
  Row row = RatioRow("writers.two", "rate of two threads on one Db / on a Db each", "ns/put",
                     rounds, {"one Db", "two Dbs", "one thread", "one Db again"},
                     {"two Dbs", "one Db"}, {"one Db again", "one Db"}, Bar::AtLeast(0.8));
  row.note = ChecksumNote(workload.entry_checksum());
  context.report(row);
}

}  // namespace firn::bench
