// What do 10,000 live snapshots cost a writer? Varies: none held or 10,000, an overwrite between each
// and the next. Fixed: all entries there, keys overwritten drawn uniformly, half as many overwrites
// as entries, settled before. Reports: overwrites a second; scans at the oldest and at the newest
// of them are checked.
#include <cstddef>
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/steady_puts.h"

namespace firn::bench {
namespace {

class ManySnapshots {
 public:
  explicit ManySnapshots(const BarContext& context)
      : workload_(context.workload),
        snapshot_count_(context.Scaled(10'000)),
        puts_(context.workload, context.workload.uniform_lookups()) {
    PutAll(peer_, workload_);
  }

  void TakeTurn(Round& round) {
    round.Note("none held", Rate());
    {
      std::vector<FirnPeer::View> held;
      for (size_t i = 0; i < snapshot_count_; ++i) {
        held.push_back(peer_.OpenView());
        Overwrite(1);
      }
      round.Note("all held", Rate());
      for (FirnPeer::View* view : {&held.front(), &held.back()}) {
        CheckEqual(ScanForward(*view), workload_.entry_checksum(), "one of many snapshots");
      }
    }
    round.Note("none held again", Rate());
  }

  size_t snapshot_count() const { return snapshot_count_; }

 private:
  void Overwrite(size_t count) {
    for (; count != 0; --count) {
      const KeyValue next = puts_[done_++];
      peer_.Put(next.key, next.value);
    }
  }
  double Rate() {
    peer_.Settle();
    const size_t count = workload_.entry_count() / 2;
    return static_cast<double>(count) / SecondsOf([&] { Overwrite(count); });
  }

  const Workload& workload_;
  size_t snapshot_count_;
  SteadyPuts puts_;
  size_t done_ = 0;
  FirnPeer peer_;
};

}  // namespace

void MeasureManySnapshots(const BarContext& context) {
  ManySnapshots many(context);
  const Rounds rounds =
      RunRounds(context.plan, [&](Round& round) { round.Watch([&] { many.TakeTurn(round); }); });
  const std::string count = std::to_string(many.snapshot_count());
  context.report(RatioRow(
      "many-snapshots.writer", "rate of overwrites under " + count + " live snapshots / none",
      "puts/s", rounds, {"none held", "all held", "none held again"}, {"all held", "none held"},
      {"none held again", "none held"}, Bar::AtLeast(0.8)));
}

}  // namespace firn::bench
