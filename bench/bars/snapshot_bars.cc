// What do a snapshot and an iterator cost beside what is read through them? Varies: one thread or
// two that open and close snapshots of one Db, or spin on cache lines of their own; iterators of Firn
// and cursors of LMDB, made anew for each seek. Fixed: all entries settled, nobody writes, keys drawn
// uniformly beforehand. Reports: time per snapshot opened and closed, as each thread sees it, and of
// as many locked read-modify-writes: what the machine alone makes of a second thread; time per
// iterator created, sought and destroyed, the entry found read whole.
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/lmdb_peer.h"
#include "bench/two_threads.h"

namespace firn::bench {
namespace {

// All opened at the same moment, for nobody writes.
void OpenAndClose(const Db& db, size_t count) {
  const CommitTs now = db.LatestCommitTs();
  for (size_t i = 0; i < count; ++i) {
    const Snapshot snapshot = db.GetSnapshot();
    if (snapshot.ts() != now) [[unlikely]]
      Fail("a snapshot was opened at another moment");
  }
}

// The read-modify-writes of as many snapshots, on a cache line that no other thread uses.
void Spin(size_t count) {
  constexpr size_t kPerSnapshot = 2;          // Claim, free.
  alignas(128) std::atomic<size_t> done = 0;  // Processors fetch lines in pairs.
  for (size_t i = 0; i < count * kPerSnapshot; ++i) done.fetch_add(1, std::memory_order_relaxed);
  if (done.load(std::memory_order_relaxed) != count * kPerSnapshot)
    Fail("a spinning loop lost count");
}

template <class Pass>
double NsPerOpen(size_t count, Pass pass) {
  return MeanSecondsPerPass(IsSmokeRun() ? 0 : 0.2, pass) * 1e9 / static_cast<double>(count);
}

void MeasureOpens(const BarContext& context, FirnPeer& peer, const LmdbPeer& lmdb) {
  const size_t count = context.Scaled(2'000'000);
  const Db& db = peer.db();
  const auto open = [&] { OpenAndClose(db, count); };
  const auto spin = [&] { Spin(count); };
  const auto one = [&](const auto& part) { return NsPerOpen(count, part); };
  const auto two = [&](const auto& part) {
    return NsPerOpen(count, [&] { SecondsOfTwo(part, part); });
  };
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("firn", [&] { return one(open); });
    round.Measure("firn, two threads", [&] { return two(open); });
    round.Measure("spinning", [&] { return one(spin); });
    round.Measure("spinning, two threads", [&] { return two(spin); });
    round.Measure("lmdb", [&] {
      return NsPerOpen(count, [&] {
        for (size_t i = 0; i < count; ++i) lmdb.OpenView();
      });
    });
    round.Measure("firn again", [&] { return one(open); });
    round.Measure("spinning again", [&] { return one(spin); });
  });
  Row row = FigureRow("snapshot.open_close", "a snapshot opened and closed", "ns", rounds, "firn",
                      {"lmdb"}, Bar::AtMost(25));
  row.itself = rounds.Ratios("firn again", "firn");
  context.report(row);
  context.report(RatioRow("snapshot.two_threads", "time of each of two threads / of one", "ns",
                          rounds, {"firn", "firn, two threads"}, {"firn, two threads", "firn"},
                          {"firn again", "firn"}, Bar::AtMost(1)));
  context.report(RatioRow(
      "snapshot.two_spinning",
      "time of each of two threads / of one: as many locked read-modify-writes, nothing shared",
      "ns", rounds, {"spinning", "spinning, two threads"}, {"spinning, two threads", "spinning"},
      {"spinning again", "spinning"}, Bar::None()));
}

Checksum SeekEach(const Snapshot& snapshot, const Lookups& lookups) {
  Checksum found;
  for (size_t i = 0; i < lookups.size(); ++i) {
    Iterator it = snapshot.NewIterator();
    it.Seek(lookups.key(i));
    if (it.Valid()) found.Add(it.key(), it.value());
  }
  return found;
}

Checksum SeekEach(LmdbPeer::View& view, const Lookups& lookups) {
  Checksum found;
  for (size_t i = 0; i < lookups.size(); ++i) {
    view.SeekAnew(lookups.key(i), [&found](std::string_view key, std::string_view value) {
      found.Add(key, value);
    });
  }
  return found;
}

// Every key that is asked for is there.
Checksum EntriesFound(const Workload& workload) {
  const Lookups& lookups = workload.uniform_lookups();
  Checksum found;
  for (size_t i = 0; i < lookups.size(); ++i) {
    found.Add(lookups.key(i), workload.value(lookups.entry(i)));
  }
  return found;
}

void MeasureIterators(const BarContext& context, FirnPeer& peer, const LmdbPeer& lmdb) {
  const Lookups& lookups = context.workload.uniform_lookups();
  const Checksum expected = EntriesFound(context.workload);
  FirnPeer peer_again;
  PutAll(peer_again, context.workload);
  peer_again.Settle();
  const Snapshot snapshot = peer.db().GetSnapshot();
  const Snapshot snapshot_again = peer_again.db().GetSnapshot();
  LmdbPeer::View lmdb_view = lmdb.OpenView();
  const auto measure = [&](std::string_view who, auto pass) {
    return CheckedNsPerEntry(lookups.size(), expected, who, pass);
  };
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn",
                  [&] { return measure("firn", [&] { return SeekEach(snapshot, lookups); }); });
    round.Measure("lmdb",
                  [&] { return measure("lmdb", [&] { return SeekEach(lmdb_view, lookups); }); });
    round.Measure("firn again", [&] {
      return measure("firn again", [&] { return SeekEach(snapshot_again, lookups); });
    });
  });
  Row row = RatioRow(
      "snapshot.iterator", "time of firn / lmdb: iterator created, sought, destroyed", "ns", rounds,
      {"firn", "lmdb", "firn again"}, {"firn", "lmdb"}, {"firn again", "firn"}, Bar::AtMost(0.6));
  row.note = ChecksumNote(expected);
  context.report(row);
}

}  // namespace

void MeasureSnapshot(const BarContext& context) {
  FirnPeer peer;
  PutAll(peer, context.workload);
  peer.Settle();
  LmdbPeer lmdb(context.workload);
  PutAllInBatches(lmdb, context.workload, 1000);
  MeasureOpens(context, peer, lmdb);
  MeasureIterators(context, peer, lmdb);
}

}  // namespace firn::bench
