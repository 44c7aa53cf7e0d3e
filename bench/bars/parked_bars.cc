// Does a reader that is away between its calls hold anything up? Varies: no reader, or a thread that
// holds a pinned value and an iterator among hot keys and sleeps for 10 s. Fixed: all entries there,
// one thread overwrites 1,000 of them, neighbours, in random order. Reports: the rate of overwrites
// in the last three of those seconds against three without the reader; memory at its largest
// meanwhile against the start.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>

#include "bench/bars/bars.h"
#include "bench/hot_keys.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
namespace {

// A thread that has read, and then sleeps until this goes.
class ParkedReader {
 public:
  ParkedReader(const Db& db, std::string_view key) : thread_([this, &db, key] { Run(db, key); }) {
    is_parked_.acquire();
  }
  ~ParkedReader() {
    wake_.release();
    thread_.join();
  }
  ParkedReader(const ParkedReader&) = delete;
  ParkedReader& operator=(const ParkedReader&) = delete;

 private:
  void Run(const Db& db, std::string_view key) {
    Iterator it = db.NewIterator();
    it.Seek(key);
    const std::optional<PinnedValue> pinned = ValueOf(db.GetPinned(key));
    const std::string value(it.value());
    is_parked_.release();
    wake_.acquire();
    if (it.key() != key || it.value() != value || pinned->view() != value) {
      Fail("what a parked reader stands on has changed");
    }
  }

  std::binary_semaphore is_parked_{0};
  std::binary_semaphore wake_{0};
  std::thread thread_;  // Last: it uses the others.
};

class HotWriter {
 public:
  explicit HotWriter(const Workload& workload)
      : hot_(workload, std::min<size_t>(1000, workload.entry_count() / 2)) {
    PutAll(peer_, workload);
  }

  void TakeTurn(Round& round);

 private:
  // Overwrites a second, for so many seconds.
  double Rate(double seconds) {
    constexpr size_t kBetweenLooks = 64;
    size_t done = 0;
    double took = 0;
    while (took < seconds) {
      took += SecondsOf([&] {
        for (size_t i = 0; i < kBetweenLooks; ++i) hot_.OverwriteOne(peer_, random_);
      });
      done += kBetweenLooks;
    }
    return static_cast<double>(done) / took;
  }
  double MemoryMb() const { return static_cast<double>(peer_.Stats().memory_bytes) / 1e6; }

  FirnPeer peer_;
  HotKeys hot_;
  SplitMix64 random_{7};
};

void HotWriter::TakeTurn(Round& round) {
  constexpr int kSamples = 20;
  const double parked = IsSmokeRun() ? 0.1 : 10;
  const double watched = IsSmokeRun() ? 0.03 : 3;
  peer_.Settle();
  round.Note("alone", Rate(watched));
  {
    const ParkedReader reader(peer_.db(), hot_.Middle());
    const double start = MemoryMb();
    double largest = start;
    for (int i = 0; i < kSamples; ++i) {
      Rate((parked - watched) / kSamples);
      largest = std::max(largest, MemoryMb());
    }
    round.Note("parked", Rate(watched));
    round.Note("memory start", start);
    round.Note("memory largest", std::max(largest, MemoryMb()));
  }
  round.Note("alone again", Rate(watched));
  FirnPeer::View view = peer_.OpenView();
  CheckEqual(hot_.Scan(view), hot_.Content(), "hot keys");
}

}  // namespace

void MeasureParked(const BarContext& context) {
  HotWriter writer(context.workload);
  const Rounds rounds = RunRounds(
      context.TightPlan(), [&](Round& round) { round.Watch([&] { writer.TakeTurn(round); }); });
  context.report(RatioRow("parked.writer", "rate of a writer beside a parked reader / without",
                          "puts/s", rounds, {"alone", "parked", "alone again"}, {"parked", "alone"},
                          {"alone again", "alone"}, Bar::AtLeast(0.95)));
  Row memory =
      RatioRow("parked.memory", "memory, the largest of 21 samples / at the start", "MB", rounds,
               {"memory start", "memory largest"}, {"memory largest", "memory start"},
               {"memory start", "memory start"}, Bar::AtMost(1.02));
  memory.itself = rounds.SuccessiveRatios("memory largest");
  context.report(memory);
}

}  // namespace firn::bench
