// What do a scanner and a writer take from each other? Varies: Firn or LMDB; keys overwritten drawn
// uniformly or by Zipf's law. Fixed: all entries there; one thread scans all of them again and again,
// each time at a new snapshot, one overwrites, one put a commit. Reports: the rate of each beside
// the other against its rate alone (the scanner's on settled leaves). To tell why: the scan right
// after the writer has stopped, which still finds what that has left; the same rates where the writer
// writes to another Db than is scanned, and where a sorted array is scanned: what the machine alone
// takes from them. Every scan is checked while the writer goes on.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/lmdb_peer.h"
#include "bench/peers/sorted_array.h"
#include "bench/steady_puts.h"

namespace firn::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double LeastSeconds() { return IsSmokeRun() ? 0.01 : 1.0; }
// A few passes, before the background settles what the writer has left.
constexpr double kLeastSecondsAfter = 0.01;

// Entries a second, over whole passes.
template <PeerReader P>
double ScanRate(const P& peer, const Workload& workload, double least_seconds) {
  const double seconds = MeanSecondsPerPass(least_seconds, [&] {
    auto view = peer.OpenView();
    CheckEqual(ScanForward(view), workload.entry_checksum(), P::kName);
  });
  return static_cast<double>(workload.entry_count()) / seconds;
}

// Goes on where it stopped the last time.
struct Writer {
  const SteadyPuts& puts;
  size_t done = 0;

  // Puts a second until `is_over()`.
  template <Peer P, class IsOver>
  double Rate(P& peer, IsOver is_over) {
    const SteadyClock::time_point start = SteadyClock::now();
    const size_t done_before = done;
    do {
      const KeyValue next = puts[done++];
      peer.Put(next.key, next.value);
    } while (!is_over());
    return static_cast<double>(done - done_before) / SecondsSince(start);
  }
  template <Peer P>
  double RateAlone(P& peer) {
    const SteadyClock::time_point start = SteadyClock::now();
    return Rate(peer, [&] { return done % 64 == 0 && SecondsSince(start) >= LeastSeconds(); });
  }
};

struct Rates {
  double scan = 0;
  double write = 0;
  double scan_after = 0;
};

template <PeerReader Scanned, PeerWriter Written>
Rates RatesTogether(const Scanned& scanned, Written& written, const Workload& workload,
                    Writer& writer) {
  Rates rates;
  std::atomic<bool> is_writing = false;  // Relaxed: these only start and stop the parts.
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    rates.write = writer.Rate(written, [&] {
      is_writing.store(true, std::memory_order_relaxed);
      return is_over.load(std::memory_order_relaxed);
    });
  });
  while (!is_writing.load(std::memory_order_relaxed)) std::this_thread::yield();
  rates.scan = ScanRate(scanned, workload, LeastSeconds());
  is_over.store(true, std::memory_order_relaxed);
  other.join();
  rates.scan_after = ScanRate(scanned, workload, kLeastSecondsAfter);
  return rates;
}

// Both may be the same.
template <PeerReader Scanned, Peer Written>
void TakeTurn(Round& round, const std::string& who, Scanned& scanned, Written& written,
              const Workload& workload, Writer& writer) {
  round.Watch([&] {
    SettlePeer(scanned);
    SettlePeer(written);
    const double scan_alone = ScanRate(scanned, workload, LeastSeconds());
    const double write_alone = writer.RateAlone(written);
    SettlePeer(written);
    const Rates together = RatesTogether(scanned, written, workload, writer);
    round.Note(who + " scan alone", scan_alone);
    round.Note(who + " scan beside", together.scan);
    round.Note(who + " scan kept", together.scan / scan_alone);
    round.Note(who + " scan after", together.scan_after);
    round.Note(who + " writer alone", write_alone);
    round.Note(who + " writer beside", together.write);
    round.Note(who + " writer kept", together.write / write_alone);
  });
}

// What `whom`, the scan or the writer, keeps.
Row KeptRow(const std::string& name, const std::string& whom, const std::string& draw,
            const Rounds& rounds, Bar bar) {
  const std::string firn = "firn " + whom, lmdb = "lmdb " + whom;
  Row row = RatioRow(name, "rate of the " + whom + " beside the other / alone, " + draw,
                     whom == "scan" ? "entries/s" : "puts/s", rounds,
                     {firn + " alone", firn + " beside", lmdb + " alone", lmdb + " beside"},
                     {firn + " beside", firn + " alone"},
                     {"firn again " + whom + " kept", firn + " kept"}, bar);
  row.note = "lmdb keeps " + SpreadText(rounds.Figures(lmdb + " kept"), "x");
  return row;
}

// What the scan keeps of its rate once the writer has stopped, but nothing was settled.
Row AfterRow(const std::string& name, const std::string& draw, const Rounds& rounds) {
  Row row = RatioRow(name, "rate of the scan right after the writer stopped / alone, " + draw,
                     "entries/s", rounds, {"firn scan alone", "firn scan after"},
                     {"firn scan after", "firn scan alone"},
                     {"firn again scan after", "firn scan after"}, Bar::None());
  row.note = "beside the writer it has " +
             SpreadText(rounds.Ratios("firn scan beside", "firn scan after"), "x") + " of that";
  return row;
}

// What the scan of `who` keeps beside a writer with whom it shares the machine only.
Row ApartRow(const std::string& name, const std::string& who, const std::string& draw,
             const Rounds& rounds) {
  const std::string alone = who + " scan alone", beside = who + " scan beside";
  Row row =
      RatioRow(name, "rate of the scan beside a writer to another Db / alone, " + draw, "entries/s",
               rounds, {alone, beside}, {beside, alone}, {alone, alone}, Bar::None());
  row.itself = rounds.SuccessiveRatios(who + " scan kept");
  row.note = "the writer keeps " + SpreadText(rounds.Figures(who + " writer kept"), "x");
  return row;
}

void MeasureDraw(const BarContext& context, const SortedArray& array, const Lookups& lookups,
                 const std::string& draw) {
  const Workload& workload = context.workload;
  const SteadyPuts puts(workload, lookups);
  FirnPeer firn, firn_again;
  LmdbPeer lmdb(workload);
  PutAll(firn, workload);
  PutAll(firn_again, workload);
  PutAllInBatches(lmdb, workload, 1000);
  Writer to_firn{puts}, to_firn_again{puts}, to_lmdb{puts};

  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    TakeTurn(round, "firn", firn, firn, workload, to_firn);
    TakeTurn(round, "lmdb", lmdb, lmdb, workload, to_lmdb);
    TakeTurn(round, "firn again", firn_again, firn_again, workload, to_firn_again);
    TakeTurn(round, "firn apart", firn, firn_again, workload, to_firn_again);
    TakeTurn(round, "array apart", array, firn_again, workload, to_firn_again);
  });
  const std::string suffix = draw == "uniform" ? "" : "_" + draw;
  Row scan = KeptRow("beside.scan" + suffix, "scan", draw, rounds, Bar::AtLeast(0.8));
  scan.note += "; firn has " +
               SpreadText(rounds.Ratios("firn scan beside", "firn apart scan beside"), "x") +
               " of its rate beside a writer to another Db";
  scan.note += "; " + ChecksumNote(workload.entry_checksum());
  context.report(scan);
  context.report(KeptRow("beside.writer" + suffix, "writer", draw, rounds, Bar::AtLeast(0.6)));
  context.report(AfterRow("beside.scan_after" + suffix, draw, rounds));
  context.report(ApartRow("beside.scan_apart" + suffix, "firn apart", draw, rounds));
  context.report(ApartRow("beside.array_apart" + suffix, "array apart", draw, rounds));
}

}  // namespace

void MeasureBeside(const BarContext& context) {
  const SortedArray array(context.workload);
  MeasureDraw(context, array, context.workload.uniform_lookups(), "uniform");
  MeasureDraw(context, array, context.workload.zipf_lookups(), "zipf");
}

}  // namespace firn::bench
