// How soon is memory given back once the snapshot that alone held it is gone? Fixed: one snapshot
// held while every entry is overwritten once, so that it alone sees as many versions as there are
// entries; then it is released, and nobody writes or reads. Reports: seconds until accounted memory
// is within 2% of what it was without the snapshot; a release that takes 10 s counts as 10.
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <thread>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
namespace {

double MemoryBytes(const FirnPeer& peer) { return static_cast<double>(peer.Stats().memory_bytes); }

// Every entry gets the value of the one that is `shift` away.
Checksum OverwriteEach(FirnPeer& peer, const Workload& workload, size_t shift) {
  Checksum content;
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    const std::string_view value = workload.value((i + shift) % workload.entry_count());
    peer.Put(workload.key(i), value);
    content.Add(workload.key(i), value);
  }
  return content;
}

double SecondsUntil(const FirnPeer& peer, double bytes) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  std::chrono::duration<double> waited{};
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    waited = Clock::now() - start;
  } while (MemoryBytes(peer) > bytes && waited.count() < 10);
  return waited.count();
}

void TakeTurn(Round& round, FirnPeer& peer, const Workload& workload, size_t shift) {
  peer.Settle();
  const double before = MemoryBytes(peer);
  std::optional<FirnPeer::View> old = peer.OpenView("holds everything");
  const Checksum old_content = ScanForward(*old);
  const Checksum content = OverwriteEach(peer, workload, shift);
  peer.Settle();
  const DbStats held = peer.Stats();
  CheckEqual(ScanForward(*old), old_content, "the snapshot that holds everything");

  old.reset();
  round.Note("seconds", SecondsUntil(peer, 1.02 * before));
  round.Note("versions", static_cast<double>(held.version_count - held.key_count));
  round.Note("memory before", before);
  round.Note("memory held", static_cast<double>(held.memory_bytes));
  round.Note("memory released", MemoryBytes(peer));
  FirnPeer::View live = peer.OpenView();
  CheckEqual(ScanForward(live), content, "firn after the release");
}

}  // namespace

void MeasureRelease(const BarContext& context) {
  FirnPeer peer;
  PutAll(peer, context.workload);
  size_t shift = 0;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Watch([&] { TakeTurn(round, peer, context.workload, ++shift); });
  });
  Row time = FigureRow("release.time", "until memory is back after a release", "s", rounds,
                       "seconds", {}, Bar::AtMost(2));
  time.note = "versions that the snapshot alone saw: " + SpreadText(rounds.Figures("versions"), "");
  context.report(time);
  Row memory =
      RatioRow("release.memory", "memory while it was held / before", "B", rounds,
               {"memory before", "memory held", "memory released"},
               {"memory held", "memory before"}, {"memory before", "memory before"}, Bar::None());
  memory.itself = rounds.SuccessiveRatios("memory held");
  context.report(memory);
}

}  // namespace firn::bench
