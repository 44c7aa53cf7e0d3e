// What does a put on disk cost that need not be synced? Varies: engine; kBuffered or kAsync; one put
// a commit or 100. Fixed: keys in random order into an empty database on disk. Reports: time per put,
// the content checked by a scan afterwards.
//
// Firn and the peer run on the same build of RocksDB; the report says which.
#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/disk_db.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/rocksdb_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

constexpr size_t kBatchEntries = 100;

// How a database is filled.
struct Fill {
  template <class P>
  void operator()(P& peer, const Workload& workload) const {
    if (in_batches) {
      PutAllInBatches(peer, workload, kBatchEntries);
    } else {
      PutAll(peer, workload);
    }
  }
  bool in_batches;
};
constexpr Fill kSingly{false};
constexpr Fill kInBatches{true};

double OfFirn(FirnPeer peer, const Workload& workload, Fill fill, std::string_view who) {
  const double seconds = SecondsOf([&] { fill(peer, workload); });
  FirnPeer::View view = peer.OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), who);
  return PerEntry(seconds, workload.entry_count());
}

double OnDisk(const Workload& workload, Fill fill) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  return OfFirn(FirnPeer(OpenAt(scratch, Durability::kBuffered)), workload, fill, "firn on disk");
}

double InMemory(const Workload& workload, Fill fill) {
  WarmFreeMemory();
  return OfFirn(FirnPeer(), workload, fill, "firn in memory");
}

double OfRocksdb(const Workload& workload, RocksdbPeer::Setup setup, Fill fill) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  RocksdbPeer peer(scratch.path() + "/db", setup);
  const double seconds = SecondsOf([&] { fill(peer, workload); });
  CheckEqual(peer.Scan(), workload.entry_checksum(), "rocksdb");
  return PerEntry(seconds, workload.entry_count());
}

// A queue that has room for all that is put, so that no put ever waits for the store.
Options RoomyAsync(const Workload& workload) {
  constexpr size_t kMostBytesBesideAnEntry = 512;
  Options options = DiskOptions(Durability::kAsync);
  options.async_queue_bytes =
      std::max(options.async_queue_bytes,
               workload.entry_count() * (workload.entry_bytes() + kMostBytesBesideAnEntry));
  return options;
}

// Of puts that the store may be any way behind; `left` of them were not persisted when the last
// one returned.
double Async(const Workload& workload, double& left) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  FirnPeer peer(OpenAt(scratch, RoomyAsync(workload)));
  const double seconds = SecondsOf([&] { PutAll(peer, workload); });
  left = static_cast<double>(peer.Stats().unpersisted_commit_count);
  CheckOk(peer.db().WaitDurable(peer.db().LatestCommitTs()));
  FirnPeer::View view = peer.OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), "firn, kAsync");
  return PerEntry(seconds, workload.entry_count());
}

// What two cores leave of kMemory: the other one writes to a RocksDB all the time, which shares
// nothing with the Db.
double InMemoryBesideBare(const Workload& workload) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  RocksdbPeer bare(scratch.path() + "/db", RocksdbPeer::Setup::kBare);
  std::atomic<bool> is_over = false;  // Relaxed: it only stops the other part.
  std::thread other([&] {
    std::vector<KeyValue> batch;
    for (size_t i = 0; !is_over.load(std::memory_order_relaxed); ++i) {
      batch.push_back(workload.entry(i % workload.entry_count()));
      if (batch.size() < kBatchEntries) continue;
      bare.PutBatch(batch);
      batch.clear();
    }
  });
  FirnPeer peer;
  const double seconds = SecondsOf([&] { PutAll(peer, workload); });
  is_over.store(true, std::memory_order_relaxed);
  other.join();
  FirnPeer::View view = peer.OpenView();
  CheckEqual(ScanForward(view), workload.entry_checksum(), "firn in memory beside rocksdb");
  return PerEntry(seconds, workload.entry_count());
}

void MeasureSinglePuts(const BarContext& context) {
  const Workload& workload = context.workload;
  using Setup = RocksdbPeer::Setup;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return OnDisk(workload, kSingly); });
    round.Measure("rocksdb", [&] { return OfRocksdb(workload, Setup::kDefault, kSingly); });
    round.Measure("bare", [&] { return OfRocksdb(workload, Setup::kBare, kSingly); });
    round.Measure("firn in memory", [&] { return InMemory(workload, kSingly); });
    round.Measure("firn again", [&] { return OnDisk(workload, kSingly); });
    round.Note("bare + memory", round.figure("bare") + round.figure("firn in memory"));
  });
  const PairOf itself = {"firn again", "firn"};
  Row row = RatioRow("disk.put", "time of rocksdb with default options / firn, kBuffered", "ns/put",
                     rounds, {"firn", "rocksdb", "bare", "firn again"}, {"rocksdb", "firn"}, itself,
                     Bar::AtLeast(1.5));
  row.note = ChecksumNote(workload.entry_checksum());
  context.report(row);
  context.report(RatioRow("disk.put_bare", "time of rocksdb with firn's options / firn, kBuffered",
                          "ns/put", rounds, {"firn", "bare"}, {"bare", "firn"}, itself,
                          Bar::AtLeast(0.8)));
  context.report(
      RatioRow("disk.put_serial",
               "time of rocksdb with firn's options and firn in memory, added up / firn, kBuffered",
               "ns/put", rounds, {"firn", "bare", "firn in memory", "bare + memory"},
               {"bare + memory", "firn"}, itself, Bar::None()));
}

void MeasureBatches(const BarContext& context) {
  const Workload& workload = context.workload;
  using Setup = RocksdbPeer::Setup;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return OnDisk(workload, kInBatches); });
    round.Measure("rocksdb", [&] { return OfRocksdb(workload, Setup::kDefault, kInBatches); });
    round.Measure("bare", [&] { return OfRocksdb(workload, Setup::kBare, kInBatches); });
    round.Measure("firn in memory", [&] { return InMemory(workload, kInBatches); });
    round.Measure("firn again", [&] { return OnDisk(workload, kInBatches); });
    round.Note("bare + memory", round.figure("bare") + round.figure("firn in memory"));
  });
  const PairOf itself = {"firn again", "firn"};
  context.report(RatioRow("disk.batches", "time of rocksdb / firn, 100 puts a commit", "ns/put",
                          rounds, {"firn", "rocksdb", "firn again"}, {"rocksdb", "firn"}, itself,
                          Bar::AtLeast(3)));
  context.report(RatioRow(
      "disk.batches_serial",
      "time of rocksdb with firn's options and firn in memory, added up / firn, 100 puts a commit",
      "ns/put", rounds, {"firn", "bare", "firn in memory", "bare + memory"},
      {"bare + memory", "firn"}, itself, Bar::AtLeast(0.8)));
}

void MeasureAsync(const BarContext& context) {
  const Workload& workload = context.workload;
  double most_left = 0;
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    const auto measure = [&](const char* name) {
      double left = 0;
      round.Measure(name, [&] { return Async(workload, left); });
      most_left = std::max(most_left, left);
    };
    measure("kAsync");
    round.Measure("kMemory", [&] { return InMemory(workload, kSingly); });
    round.Measure("kMemory beside a bare rocksdb", [&] { return InMemoryBesideBare(workload); });
    measure("kAsync again");
  });
  const PairOf itself = {"kAsync again", "kAsync"};
  Row row = RatioRow("disk.async", "time of kMemory / kAsync, one put a commit", "ns/put", rounds,
                     {"kAsync", "kMemory", "kAsync again"}, {"kMemory", "kAsync"}, itself,
                     Bar::AtLeast(0.6));
  row.note = "the queue has room for all commits; at most " +
             std::to_string(static_cast<uint64_t>(most_left)) + " were in it after the last put";
  context.report(row);
  context.report(RatioRow("disk.async_apart",
                          "time of kMemory / kMemory beside a writer to a bare rocksdb", "ns/put",
                          rounds, {"kMemory", "kMemory beside a bare rocksdb"},
                          {"kMemory", "kMemory beside a bare rocksdb"}, itself, Bar::None()));
}

}  // namespace

void MeasureDiskPuts(const BarContext& context) {
  MeasureSinglePuts(context);
  MeasureBatches(context);
  MeasureAsync(context);
}

}  // namespace firn::bench
