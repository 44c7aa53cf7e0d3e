// What does a put cost that is on disk before it returns? Varies: engine; one thread or eight. Fixed:
// an empty database on disk, one put a commit. Reports: wall time per put, the content checked by a
// scan afterwards.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/disk_db.h"
#include "bench/peers/synced_peer.h"

namespace firn::bench {
namespace {

constexpr size_t kSyncs = 2'000;
constexpr size_t kThreads = 8;
constexpr size_t kSyncsAThreadOfEight = kSyncs / 2;

const PairOf kItself = {"firn again", "firn"};

// Entries for each of some threads.
using Shares = std::vector<std::vector<KeyValue>>;
Shares SharesOf(const Workload& workload, size_t threads, size_t syncs_each) {
  const size_t entries = threads * std::min(syncs_each, workload.entry_count() / 10);
  Shares shares(threads);
  for (size_t i = 0; i < entries; ++i) {
    shares[i % threads].push_back(workload.entry(i));
  }
  return shares;
}

struct Put {
  size_t count = 0;
  Checksum content;
};
Put AllOf(const Shares& shares) {
  Put all;
  for (const std::vector<KeyValue>& share : shares) {
    for (const KeyValue& entry : share) all.content.Add(entry.key, entry.value);
    all.count += share.size();
  }
  return all;
}

double NsPerPut(const SyncedKind& kind, const Shares& shares) {
  const ScratchDirectory scratch;
  const std::unique_ptr<SyncedPeer> peer = kind.make(scratch.path());
  const double seconds = SecondsOf([&] {
    std::vector<std::thread> others;
    for (size_t i = 1; i < shares.size(); ++i) {
      others.emplace_back([&peer, &share = shares[i]] { peer->Put(share); });
    }
    peer->Put(shares.front());
    for (std::thread& each : others) each.join();
  });
  const Put all = AllOf(shares);
  CheckEqual(peer->Content(), all.content, kind.name);
  return PerEntry(seconds, all.count);
}

// A file that grows by an entry, then fdatasync(): the least that a synced put can be.
double NsPerBareSync(const Workload& workload, size_t count) {
  const ScratchDirectory scratch;
  const int fd = open((scratch.path() + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Fail("cannot make a file to sync");
  const std::string entry(workload.entry_bytes(), 'x');
  const double seconds = SecondsOf([&] {
    for (size_t i = 0; i < count; ++i) {
      if (write(fd, entry.data(), entry.size()) < 0 || fdatasync(fd) != 0) Fail("cannot sync");
    }
  });
  close(fd);
  return PerEntry(seconds, count);
}

void MeasurePeers(Round& round, const Shares& shares) {
  for (const SyncedKind& kind : SyncedPeerKinds()) {
    round.Measure(kind.name, [&] { return NsPerPut(kind, shares); });
  }
}

std::vector<std::string> Names() {
  std::vector<std::string> names = {"firn"};
  for (const SyncedKind& kind : SyncedPeerKinds()) names.push_back(kind.name);
  names.push_back("firn again");
  return names;
}

void MeasureOneThread(const BarContext& context) {
  const Shares shares = SharesOf(context.workload, 1, kSyncs);
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("firn", [&] { return NsPerPut(SyncedFirn(), shares); });
    round.Measure("fdatasync",
                  [&] { return NsPerBareSync(context.workload, shares.front().size()); });
    MeasurePeers(round, shares);
    round.Measure("firn again", [&] { return NsPerPut(SyncedFirn(), shares); });
  });
  context.report(RatioRow("disk.sync", "time of write + fdatasync / firn, kSync, one thread",
                          "ns/put", rounds, {"firn", "fdatasync", "firn again"},
                          {"fdatasync", "firn"}, kItself, Bar::AtLeast(0.8)));
  Row row = RatioRow("disk.sync_rocksdb", "time of rocksdb / firn, synced, one thread", "ns/put",
                     rounds, Names(), {"rocksdb", "firn"}, kItself, Bar::AtLeast(0.95));
  row.note = ChecksumNote(AllOf(shares).content);
  context.report(row);
}

void MeasureThreads(const BarContext& context) {
  const Shares shares = SharesOf(context.workload, kThreads, kSyncsAThreadOfEight);
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return NsPerPut(SyncedFirn(), shares); });
    MeasurePeers(round, shares);
    round.Measure("firn again", [&] { return NsPerPut(SyncedFirn(), shares); });
    double best = round.figure("rocksdb");
    for (const SyncedKind& kind : SyncedPeerKinds()) best = std::min(best, round.figure(kind.name));
    round.Note("best peer", best);
  });
  Row row = RatioRow("disk.sync_threads",
                     "time of the peer that was best in the round / firn, synced, 8 threads",
                     "ns/put", rounds, Names(), {"best peer", "firn"}, kItself, Bar::AtLeast(1));
  row.note = ChecksumNote(AllOf(shares).content);
  context.report(row);
}

}  // namespace

void MeasureDiskSyncs(const BarContext& context) {
  MeasureOneThread(context);
  MeasureThreads(context);
}

}  // namespace firn::bench
