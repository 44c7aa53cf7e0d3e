// How long does the slowest in a thousand operations take? Varies: puts of new keys, and gets beside
// that writer; a loop that only takes the same time stamps, in two threads: what clock and machine
// alone do. Fixed: half of the entries there, the other half put one by one in random order by one
// thread while another gets those that were there. Reports: p50 and p99.9 of each; every get is
// checked.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/bars/bars.h"
#include "bench/latencies.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"
#include "bench/two_threads.h"

namespace firn::bench {
namespace {

// Gets of the even entries, over and over.
class Reader {
 public:
  explicit Reader(const Workload& workload)
      : lookups_(workload.key_bytes()), latencies_(8 * workload.entry_count()) {
    const Lookups& drawn = workload.uniform_lookups();
    for (size_t i = 0; i < drawn.size(); ++i) {
      const uint32_t even = drawn.entry(i) / 2 * 2;
      lookups_.Add(even, workload.key(even), workload.value(even));
    }
  }

  // Until `is_over` (relaxed: it only says when to stop). Passes are whole ones, for the sake of
  // their checksum; only what comes before the end is recorded.
  void Run(const Db& db, const std::atomic<bool>& is_over) {
    std::string value;
    do {
      Checksum seen;
      for (size_t i = 0; i < lookups_.size(); ++i) {
        const auto get = [&] {
          if (ValueOf(db.Get(lookups_.key(i), &value))) seen.Add(value);
        };
        if (is_over.load(std::memory_order_relaxed)) {
          get();
        } else {
          latencies_.Time(get);
        }
      }
      CheckEqual(seen, lookups_.checksum(), "gets beside a writer");
    } while (!is_over.load(std::memory_order_relaxed));
  }

  const Latencies& latencies() const { return latencies_; }

 private:
  Lookups lookups_;
  Latencies latencies_;
};

void NoteTail(Round& round, const std::string& what, const Latencies& latencies) {
  constexpr double kNsPerUs = 1e3;
  round.Note(what + " p50", latencies.Quantile(0.5) / kNsPerUs);
  round.Note(what + " p99.9", latencies.Quantile(0.999) / kNsPerUs);
}

void NoteTails(Round& round, const Workload& workload, const std::string& again) {
  WarmFreeMemory();
  FirnPeer peer;
  for (size_t i = 0; i < workload.entry_count(); i += 2) {
    peer.Put(workload.key(i), workload.value(i));
  }
  peer.Settle();
  Reader reader(workload);
  Latencies puts(workload.entry_count() / 2);
  std::atomic<bool> is_over = false;
  const auto write = [&] {
    for (size_t i = 1; i < workload.entry_count(); i += 2) {
      puts.Time([&] { peer.Put(workload.key(i), workload.value(i)); });
    }
    is_over.store(true, std::memory_order_relaxed);
  };
  round.Watch([&] { SecondsOfTwo(write, [&] { reader.Run(peer.db(), is_over); }); });
  FirnPeer::View view = peer.OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), "firn after the puts");
  NoteTail(round, "put" + again, puts);
  NoteTail(round, "get" + again, reader.latencies());
}

// A little arithmetic between two time stamps, in both threads.
void NoteControl(Round& round, const Workload& workload) {
  const size_t count = 4 * workload.entry_count();
  const auto spin = [count](Latencies& latencies) {
    uint64_t state = 1;
    for (size_t i = 0; i < count; ++i) {
      latencies.Time([&] {
        for (uint64_t step = 0; step < 20; ++step) state = SplitMix64::Mix(state + step);
      });
    }
    if (state == 0) Fail("the spinning loop came to nothing");  // So it cannot be left out.
  };
  Latencies left(count), right(count);
  round.Watch([&] { SecondsOfTwo([&] { spin(left); }, [&] { spin(right); }); });
  NoteTail(round, "control", left);
}

}  // namespace

void MeasureTails(const BarContext& context) {
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    NoteTails(round, context.workload, "");
    NoteControl(round, context.workload);
    NoteTails(round, context.workload, " again");
  });
  const auto report = [&](const std::string& what, const std::string& described, Bar bar) {
    const std::string tail = what + " p99.9";
    Row row = FigureRow("tails." + what, "p99.9 of " + described, "us", rounds, tail,
                        {what + " p50", tail, "control p50", "control p99.9"}, bar);
    row.itself = rounds.Ratios(what + " again p99.9", tail);
    context.report(row);
  };
  report("put", "puts of new keys beside a reader", Bar::AtMost(50));
  report("get", "gets beside that writer", Bar::AtMost(10));
}

}  // namespace firn::bench
