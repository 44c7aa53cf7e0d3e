// What do a scan and a point get cost at a snapshot, settled? Varies: engine; direction; copied
// out or shown in place. Fixed: keys inserted in random order, read in an unrelated one. Reports:
// time per entry, with every byte read.
#include <string>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/lmdb_peer.h"

namespace firn::bench {
namespace {

constexpr double kLeastSeconds = 0.2;  // What a foreign load can be told from.

// All entries in Firn, in a second Firn, and in LMDB.
struct Loaded {
  explicit Loaded(const Workload& workload)
      : lmdb((size_t{1} << 30) + 1000 * workload.entry_count()) {
    PutAll(firn, workload);
    PutAll(firn_again, workload);
    PutAllInBatches(lmdb, workload, 1000);
    firn.Settle();
    firn_again.Settle();
  }
  FirnPeer firn;
  FirnPeer firn_again;
  LmdbPeer lmdb;
};

// Nanoseconds per entry of a `pass` over all of them, checked each time.
template <class Pass>
double CheckedPass(const Workload& workload, const Checksum& expected, std::string_view who,
                   Pass pass) {
  const double seconds = MeanSecondsPerPass(IsSmokeRun() ? 0 : kLeastSeconds,
                                            [&] { CheckEqual(pass(), expected, who); });
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

}  // namespace

void MeasureScan(const BarContext& context) {
  const Workload& workload = context.workload;
  Loaded loaded(workload);
  FirnPeer::View firn = loaded.firn.OpenView();
  FirnPeer::View firn_again = loaded.firn_again.OpenView();
  LmdbPeer::View lmdb = loaded.lmdb.OpenView();
  const auto forward = [&](auto& view, std::string_view who) {
    return CheckedPass(workload, workload.entry_checksum(), who, [&] { return ScanForward(view); });
  };
  const auto backward = [&](auto& view, std::string_view who) {
    return CheckedPass(workload, workload.entry_checksum(), who,
                       [&] { return ScanBackward(view); });
  };

  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("firn", [&] { return forward(firn, "firn"); });
    round.Measure("lmdb", [&] { return forward(lmdb, "lmdb"); });
    round.Measure("firn reverse", [&] { return backward(firn, "firn reverse"); });
    round.Measure("lmdb reverse", [&] { return backward(lmdb, "lmdb reverse"); });
    round.Measure("firn again", [&] { return forward(firn_again, "firn again"); });
  });
  Row row = RatioRow("scan.forward", "time of lmdb / firn, full scan after Settle", "ns/entry",
                     rounds, {"firn", "lmdb", "firn again"}, {"lmdb", "firn"},
                     {"firn again", "firn"}, Bar::AtLeast(3));
  row.note = ChecksumNote(workload.entry_checksum());
  context.report(row);
  context.report(RatioRow("scan.reverse", "time of reverse / forward, both firn", "ns/entry",
                          rounds, {"firn", "firn reverse", "lmdb reverse"},
                          {"firn reverse", "firn"}, {"firn again", "firn"}, Bar::AtMost(1.2)));
}

void MeasureGet(const BarContext& context) {
  const Workload& workload = context.workload;
  Loaded loaded(workload);
  FirnPeer::View firn = loaded.firn.OpenView();
  FirnPeer::View firn_again = loaded.firn_again.OpenView();
  LmdbPeer::View lmdb = loaded.lmdb.OpenView();
  const auto look_up = [&](auto& view, std::string_view who) {
    return CheckedPass(workload, workload.lookup_checksum(), who,
                       [&] { return LookUpAll(view, workload); });
  };
  const auto look_up_pinned = [&] {
    return CheckedPass(workload, workload.lookup_checksum(), "firn in place", [&] {
      Checksum checksum;
      for (size_t i = 0; i < workload.entry_count(); ++i) {
        firn.GetPinned(workload.lookup_key(i),
                       [&checksum](std::string_view value) { checksum.Add(value); });
      }
      return checksum;
    });
  };

  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return look_up(firn, "firn"); });
    round.Measure("lmdb", [&] { return look_up(lmdb, "lmdb"); });
    round.Measure("firn in place", look_up_pinned);
    round.Measure("firn again", [&] { return look_up(firn_again, "firn again"); });
  });
  Row row = RatioRow("get.uniform", "time of lmdb (in place) / firn (copied out)", "ns/get", rounds,
                     {"firn", "lmdb", "firn again"}, {"lmdb", "firn"}, {"firn again", "firn"},
                     Bar::AtLeast(1.3));
  row.note = ChecksumNote(workload.lookup_checksum());
  context.report(row);
  context.report(RatioRow("get.in_place", "time of lmdb / firn, both in place", "ns/get", rounds,
                          {"firn in place", "lmdb"}, {"lmdb", "firn in place"},
                          {"firn again", "firn"}, Bar::None()));
}

}  // namespace firn::bench
