// What does a put cost that is on disk before it returns? Varies: engine; one thread or eight. Fixed:
// an empty database on disk. Reports: time per put.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/disk_db.h"
#include "bench/peers/rocksdb_peer.h"

namespace firn::bench {
namespace {

constexpr size_t kSyncs = 2'000;
constexpr size_t kThreads = 8;

size_t SyncCount(const Workload& workload) { return std::min(kSyncs, workload.entry_count() / 10); }

double FirnSyncs(const Workload& workload) {
  const ScratchDirectory scratch;
  const std::unique_ptr<Db> db = OpenAt(scratch, Durability::kSync);
  const size_t count = SyncCount(workload);
  return PerEntry(SecondsOf([&] { PutSome(*db, workload, 0, count); }), count);
}

// A file that grows by an entry, then fdatasync(): the least that a synced put can be.
double BareSyncs(const Workload& workload) {
  const ScratchDirectory scratch;
  const int fd = open((scratch.path() + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Fail("cannot make a file to sync");
  const size_t count = SyncCount(workload);
  const std::string entry(workload.entry_bytes(), 'x');
  const double seconds = SecondsOf([&] {
    for (size_t i = 0; i < count; ++i) {
      if (write(fd, entry.data(), entry.size()) < 0 || fdatasync(fd) != 0) Fail("cannot sync");
    }
  });
  close(fd);
  return PerEntry(seconds, count);
}

template <class PutOne>
double SyncsOfThreads(const Workload& workload, PutOne put) {
  const size_t count = SyncCount(workload) * 4;
  const double seconds = SecondsOf([&] {
    std::vector<std::thread> threads;
    for (size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t i = thread; i < count; i += kThreads) put(workload.key(i), workload.value(i));
      });
    }
    for (std::thread& each : threads) each.join();
  });
  return PerEntry(seconds, count);
}

double FirnSyncsOfThreads(const Workload& workload) {
  const ScratchDirectory scratch;
  const std::unique_ptr<Db> db = OpenAt(scratch, Durability::kSync);
  return SyncsOfThreads(workload, [&](std::string_view key, std::string_view value) {
    CheckOk(db->Put(key, value).status());
  });
}

double RocksdbSyncsOfThreads(const Workload& workload) {
  const ScratchDirectory scratch;
  RocksdbPeer peer(scratch.path() + "/db", RocksdbPeer::Setup::kDefault, /*sync=*/true);
  return SyncsOfThreads(
      workload, [&](std::string_view key, std::string_view value) { peer.Put(key, value); });
}

}  // namespace

void MeasureDiskSyncs(const BarContext& context) {
  const Workload& workload = context.workload;
  const Rounds one = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return FirnSyncs(workload); });
    round.Measure("fdatasync", [&] { return BareSyncs(workload); });
    round.Measure("firn again", [&] { return FirnSyncs(workload); });
  });
  context.report(RatioRow("disk.sync", "time of write + fdatasync / firn, kSync, one thread",
                          "ns/put", one, {"firn", "fdatasync", "firn again"}, {"fdatasync", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(0.8)));
  const Rounds many = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return FirnSyncsOfThreads(workload); });
    round.Measure("rocksdb", [&] { return RocksdbSyncsOfThreads(workload); });
    round.Measure("firn again", [&] { return FirnSyncsOfThreads(workload); });
  });
  context.report(RatioRow("disk.sync_threads", "time of rocksdb / firn, kSync, 8 threads", "ns/put",
                          many, {"firn", "rocksdb", "firn again"}, {"rocksdb", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(1)));
}

}  // namespace firn::bench
