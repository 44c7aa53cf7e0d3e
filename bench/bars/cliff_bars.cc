// Is any stretch of work much slower than the usual one? Varies: puts of new keys in random order
// into an empty Db, gets drawn uniformly at a snapshot, full scans of settled leaves; a loop that
// does arithmetic instead, in stretches as long as those of the puts: what the machine alone does.
// Fixed: one thread, stretches of 10,000 operations, 30 scans. Reports: the slowest stretch against
// the median one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

constexpr size_t kScans = 30;

// Seconds of each of `count` stretches.
template <class Stretch>
std::vector<double> SecondsOfEach(size_t count, Stretch stretch) {
  std::vector<double> seconds;
  for (size_t i = 0; i < count; ++i) seconds.push_back(SecondsOf([&] { stretch(i); }));
  return seconds;
}

void NoteStretches(Round& round, const std::string& what, const std::vector<double>& seconds) {
  constexpr double kMsPerSecond = 1e3;
  round.Note(what + " median", QuartilesOf(seconds).median * kMsPerSecond);
  round.Note(what + " slowest", *std::max_element(seconds.begin(), seconds.end()) * kMsPerSecond);
}

uint64_t Spin(uint64_t state, size_t steps) {
  for (size_t i = 0; i < steps; ++i) state = SplitMix64::Mix(state + i);
  return state;
}

class Cliffs {
 public:
  explicit Cliffs(const BarContext& context)
      : workload_(context.workload), stretch_(context.Scaled(10'000)) {}

  void TakeTurn(Round& round) const {
    WarmFreeMemory();
    FirnPeer peer;
    round.Watch([&] { NotePuts(round, peer); });
    peer.Settle();
    round.Watch([&] { NoteGets(round, peer); });
    round.Watch([&] { NoteScans(round, peer); });
    round.Watch([&] { NoteSpinning(round); });
  }

 private:
  size_t stretches() const { return workload_.entry_count() / stretch_; }

  template <class Operation>
  std::vector<double> InStretches(Operation operation) const {
    return SecondsOfEach(stretches(), [&](size_t stretch) {
      const size_t end = (stretch + 1) * stretch_;
      for (size_t i = stretch * stretch_; i < end; ++i) operation(i);
    });
  }

  void NotePuts(Round& round, FirnPeer& peer) const {
    const auto put = [&](size_t i) { peer.Put(workload_.key(i), workload_.value(i)); };
    NoteStretches(round, "puts", InStretches(put));
    for (size_t i = stretches() * stretch_; i < workload_.entry_count(); ++i) put(i);
    FirnPeer::View view = peer.OpenView();
    CheckEqual(ScanForward(view), workload_.entry_checksum(), "firn after the puts");
  }

  void NoteGets(Round& round, const FirnPeer& peer) const {
    const Lookups& lookups = workload_.uniform_lookups();
    FirnPeer::View view = peer.OpenView();
    Checksum seen, expected;
    NoteStretches(round, "gets", InStretches([&](size_t i) {
                    view.Get(lookups.key(i), [&seen](std::string_view value) { seen.Add(value); });
                  }));
    for (size_t i = 0; i < stretches() * stretch_; ++i) {
      expected.Add(workload_.value(lookups.entry(i)));
    }
    CheckEqual(seen, expected, "firn's gets");
  }

  void NoteScans(Round& round, const FirnPeer& peer) const {
    FirnPeer::View view = peer.OpenView();
    NoteStretches(round, "scans", SecondsOfEach(kScans, [&](size_t) {
                    CheckEqual(ScanForward(view), workload_.entry_checksum(), "firn's scan");
                  }));
  }

  void NoteSpinning(Round& round) const {
    constexpr size_t kTrial = 100'000;
    constexpr double kSecondsPerMs = 1e-3;
    uint64_t state = 1;
    const double trial = SecondsOf([&] { state = Spin(state, kTrial); });
    const double stretch = round.figure("puts median") * kSecondsPerMs;
    const size_t steps = static_cast<size_t>(kTrial * stretch / trial);
    NoteStretches(round, "spinning",
                  SecondsOfEach(stretches(), [&](size_t) { state = Spin(state, steps); }));
    if (state == 0) Fail("the spinning loop came to nothing");  // So it cannot be left out.
  }

  const Workload& workload_;
  size_t stretch_;
};

}  // namespace

void MeasureCliffs(const BarContext& context) {
  const Cliffs cliffs(context);
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) { cliffs.TakeTurn(round); });
  const std::string run = "run of " + std::to_string(context.Scaled(10'000)) + " ";
  const auto report = [&](const std::string& what, const std::string& stretches, Bar bar) {
    const std::string slowest = what + " slowest", median = what + " median";
    Row row = RatioRow("cliffs." + what, "the slowest " + stretches + " / the median one", "ms",
                       rounds, {median, slowest}, {slowest, median}, {median, median}, bar);
    row.itself = rounds.SuccessiveRatios(median);
    context.report(row);
  };
  report("puts", run + "puts", Bar::AtMost(2));
  report("gets", run + "gets", Bar::AtMost(2));
  report("scans", "full scan of " + std::to_string(kScans), Bar::AtMost(2));
  report("spinning", "stretch of a loop without Firn", Bar::None());
}

}  // namespace firn::bench
