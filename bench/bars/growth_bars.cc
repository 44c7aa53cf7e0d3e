// What do reads cost when there are ten times as many entries? Varies: all entries, or ten times as
// many. Fixed: settled, one snapshot, as many gets in both, drawn uniformly among all. Reports: time
// per get, and per entry of a full scan.
#include <cstddef>
#include <optional>
#include <string>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
namespace {

constexpr size_t kTimes = 10;
constexpr size_t kLoadBatchEntries = 1000;

WorkloadOptions TenTimes(WorkloadOptions options) {
  options.entry_count *= kTimes;
  return options;
}

// A settled Db and one view of it.
class Loaded {
 public:
  Loaded(const Workload& workload, size_t get_count) : workload_(workload), get_count_(get_count) {
    PutAllInBatches(peer_, workload, kLoadBatchEntries);
    peer_.Settle();
    view_.emplace(peer_.OpenView());
    const Lookups& lookups = workload.uniform_lookups();
    for (size_t i = 0; i < get_count; ++i) expected_.Add(workload.value(lookups.entry(i)));
  }

  double NsPerGet() {
    return CheckedNsPerEntry(get_count_, expected_, "firn's gets", [this] {
      return LookUp(*view_, workload_.uniform_lookups(), 0, get_count_);
    });
  }
  double NsPerEntryScanned() {
    return CheckedNsPerEntry(workload_.entry_count(), workload_.entry_checksum(), "firn's scan",
                             [this] { return ScanForward(*view_); });
  }

 private:
  const Workload& workload_;
  size_t get_count_;
  Checksum expected_;
  FirnPeer peer_;
  std::optional<FirnPeer::View> view_;
};

}  // namespace

void MeasureGrowth(const BarContext& context) {
  const Workload large_workload(TenTimes(context.workload.options()));
  const size_t get_count = context.workload.entry_count();
  Loaded small(context.workload, get_count), large(large_workload, get_count);
  Loaded small_again(context.workload, get_count);

  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("get", [&] { return small.NsPerGet(); });
    round.Measure("get of 10x", [&] { return large.NsPerGet(); });
    round.Measure("get again", [&] { return small_again.NsPerGet(); });
    round.Measure("scan", [&] { return small.NsPerEntryScanned(); });
    round.Measure("scan of 10x", [&] { return large.NsPerEntryScanned(); });
    round.Measure("scan again", [&] { return small_again.NsPerEntryScanned(); });
  });
  const std::string entries = std::to_string(large_workload.entry_count());
  context.report(RatioRow("growth.get", "time of a get among " + entries + " entries / a tenth",
                          "ns/get", rounds, {"get", "get of 10x", "get again"},
                          {"get of 10x", "get"}, {"get again", "get"}, Bar::AtMost(1.8)));
  context.report(RatioRow("growth.scan", "scan rate over " + entries + " entries / a tenth",
                          "ns/entry", rounds, {"scan", "scan of 10x", "scan again"},
                          {"scan", "scan of 10x"}, {"scan again", "scan"}, Bar::AtLeast(0.85)));
}

}  // namespace firn::bench
