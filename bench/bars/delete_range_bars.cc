// What does it cost to delete a range of 1,000,000 keys, and who beside it notices? Fixed: all entries
// there, and as many more behind them, which one DeleteRange removes; settled before. Another thread
// gets entries that stay, of this Db or of another one, with which it shares the machine only.
// Reports: the time of the call; the median get while it runs against the median get just before;
// every get is checked.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "bench/bars/bars.h"
#include "bench/latencies.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
namespace {

// Keys of a workload are random: none begins like this.
const std::string kDoomed(8, '\xff');

// Which gets the reader times, and when it stops. Relaxed throughout: a get at a border may count
// for either side.
enum class Phase { kWarm, kIdle, kBeside, kOver };

struct Timed {
  explicit Timed(size_t capacity) : idle(capacity), beside(capacity) {}
  Latencies idle;
  Latencies beside;
};

void ReadUntilOver(const Db& db, const Workload& workload, const std::atomic<Phase>& phase,
                   Timed& timed) {
  const Lookups& lookups = workload.uniform_lookups();
  std::string value;
  for (size_t i = 0;; i = (i + 1) % lookups.size()) {
    bool found = false;
    const auto get = [&] { found = ValueOf(db.Get(lookups.key(i), &value)); };
    switch (phase.load(std::memory_order_relaxed)) {
      case Phase::kWarm:
        get();
        break;
      case Phase::kIdle:
        timed.idle.Time(get);
        break;
      case Phase::kBeside:
        timed.beside.Time(get);
        break;
      case Phase::kOver:
        return;
    }
    if (!found || value != workload.value(lookups.entry(i))) Fail("a get beside was wrong");
  }
}

// Both may be the same.
void TakeTurn(Round& round, const std::string& where, FirnPeer& read, FirnPeer& cut,
              const Workload& workload) {
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    cut.Put(kDoomed + OrderedKey(i, 8), workload.value(i));
  }
  cut.Settle();
  read.Settle();

  const std::chrono::milliseconds a_while(IsSmokeRun() ? 5 : 300);
  Timed timed(4 * workload.entry_count());
  std::atomic<Phase> phase = Phase::kWarm;
  std::thread reader([&] { ReadUntilOver(read.db(), workload, phase, timed); });
  std::this_thread::sleep_for(a_while);
  phase.store(Phase::kIdle, std::memory_order_relaxed);
  std::this_thread::sleep_for(a_while);
  phase.store(Phase::kBeside, std::memory_order_relaxed);
  const double seconds =
      SecondsOf([&] { CheckOk(cut.db().DeleteRange({.lower = kDoomed, .upper = {}}).status()); });
  phase.store(Phase::kOver, std::memory_order_relaxed);
  reader.join();

  FirnPeer::View view = cut.OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), "firn after DeleteRange");
  round.Note("ms" + where, seconds * 1e3);
  round.Note("get alone" + where, timed.idle.Quantile(0.5));
  round.Note("get beside" + where, timed.beside.Quantile(0.5));
  round.Note("gets beside" + where, static_cast<double>(timed.beside.size()));
}

Row ReaderRow(const std::string& name, const std::string& judged_what, const std::string& where,
              const Rounds& rounds, Bar bar) {
  const std::string alone = "get alone" + where, beside = "get beside" + where;
  Row row = RatioRow(name, judged_what, "ns", rounds, {alone, beside}, {beside, alone},
                     {alone, alone}, bar);
  row.itself = rounds.SuccessiveRatios(alone);
  row.note = "gets meanwhile: " + SpreadText(rounds.Figures("gets beside" + where), "");
  return row;
}

}  // namespace

void MeasureDeleteRange(const BarContext& context) {
  FirnPeer peer, other;
  PutAll(peer, context.workload);
  PutAll(other, context.workload);
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Watch([&] { TakeTurn(round, "", peer, peer, context.workload); });
    round.Watch([&] { TakeTurn(round, " apart", peer, other, context.workload); });
  });
  const std::string count = std::to_string(context.workload.entry_count());
  context.report(FigureRow("delete-range.time", "one DeleteRange of " + count + " keys", "ms",
                           rounds, "ms", {}, Bar::None()));
  context.report(ReaderRow("delete-range.reader", "median get beside DeleteRange / before", "",
                           rounds, Bar::AtMost(1)));
  context.report(ReaderRow("delete-range.reader_apart",
                           "median get beside DeleteRange on another Db / before", " apart", rounds,
                           Bar::None()));
}

}  // namespace firn::bench
