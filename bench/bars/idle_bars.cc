// Does a Db at rest use any CPU? Fixed: every entry loaded and settled, one fresh write after
// that, a snapshot and an iterator held. Reports: CPU time of all threads but the sleeping main
// one, and how often one of them woke.
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {

void MeasureIdle(const BarContext& context) {
  using std::chrono::milliseconds;
  const milliseconds to_rest(IsSmokeRun() ? 100 : 500);
  const milliseconds watched(IsSmokeRun() ? 50 : 2000);

  FirnPeer peer;
  PutAll(peer, context.workload);
  peer.Settle();
  FirnPeer::View held = peer.OpenView("held");
  Iterator parked = peer.db().NewIterator();
  parked.SeekToFirst();

  int thread_count = 0;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    peer.Put(context.workload.key(0), context.workload.value(0));
    std::this_thread::sleep_for(to_rest);
    const OtherThreads before = OtherThreadsNow();
    std::this_thread::sleep_for(watched);
    const OtherThreads after = OtherThreadsNow();
    thread_count = after.count;
    round.Note("cpu", static_cast<double>(after.run_ns - before.run_ns) / 1000);
    round.Note("wakeups", static_cast<double>(after.wakeups - before.wakeups));
  });
  const std::string period = std::to_string(watched.count()) + " ms at rest";
  Row cpu = FigureRow("idle.cpu", "CPU time used during " + period, "us", rounds, "cpu", {},
                      Bar::AtMost(0));
  cpu.itself.clear();
  cpu.note = std::to_string(thread_count) + " background threads";
  context.report(cpu);
  Row wakeups = FigureRow("idle.wakeups", "background threads woken during " + period, "", rounds,
                          "wakeups", {}, Bar::AtMost(0));
  wakeups.itself.clear();
  context.report(wakeups);
}

}  // namespace firn::bench
