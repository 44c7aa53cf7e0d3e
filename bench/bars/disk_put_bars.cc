// What does a put on disk cost, kBuffered? Varies: engine; one put a commit or 100. Fixed: keys in
// random order into an empty database on disk. Reports: time per put, the content checked by a scan
// afterwards.
//
// Firn and the peer link the same RocksDB; the report says which.
#include <memory>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/disk_db.h"
#include "bench/peers/rocksdb_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

constexpr size_t kBatchEntries = 100;

double FirnPuts(const Workload& workload) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  const std::unique_ptr<Db> db = OpenAt(scratch, Durability::kBuffered);
  const double seconds = SecondsOf([&] { PutSome(*db, workload, 0, workload.entry_count()); });
  CheckEqual(ScanOf(*db), workload.entry_checksum(), "firn on disk");
  return PerEntry(seconds, workload.entry_count());
}

double RocksdbPuts(const Workload& workload, RocksdbPeer::Setup setup) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  RocksdbPeer peer(scratch.path() + "/db", setup);
  const double seconds = SecondsOf([&] {
    for (size_t i = 0; i < workload.entry_count(); ++i)
      peer.Put(workload.key(i), workload.value(i));
  });
  CheckEqual(peer.Scan(), workload.entry_checksum(), "rocksdb");
  return PerEntry(seconds, workload.entry_count());
}

double FirnBatches(const Workload& workload) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  const std::unique_ptr<Db> db = OpenAt(scratch, Durability::kBuffered);
  WriteBatch batch;
  const double seconds = SecondsOf([&] {
    for (size_t i = 0; i < workload.entry_count(); ++i) {
      batch.Put(workload.key(i), workload.value(i));
      if (batch.operation_count() < kBatchEntries && i + 1 < workload.entry_count()) continue;
      CheckOk(db->Write(batch).status());
      batch.Clear();
    }
  });
  CheckEqual(ScanOf(*db), workload.entry_checksum(), "firn on disk, batches");
  return PerEntry(seconds, workload.entry_count());
}

double RocksdbBatches(const Workload& workload) {
  const ScratchDirectory scratch;
  WarmFreeMemory();
  RocksdbPeer peer(scratch.path() + "/db", RocksdbPeer::Setup::kDefault);
  std::vector<KeyValue> batch;
  const double seconds = SecondsOf([&] {
    for (size_t i = 0; i < workload.entry_count(); ++i) {
      batch.push_back(workload.entry(i));
      if (batch.size() < kBatchEntries && i + 1 < workload.entry_count()) continue;
      peer.PutBatch(batch);
      batch.clear();
    }
  });
  CheckEqual(peer.Scan(), workload.entry_checksum(), "rocksdb, batches");
  return PerEntry(seconds, workload.entry_count());
}

}  // namespace

void MeasureDiskPuts(const BarContext& context) {
  const Workload& workload = context.workload;
  const Rounds puts = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return FirnPuts(workload); });
    round.Measure("rocksdb", [&] { return RocksdbPuts(workload, RocksdbPeer::Setup::kDefault); });
    round.Measure("bare", [&] { return RocksdbPuts(workload, RocksdbPeer::Setup::kBare); });
    round.Measure("firn again", [&] { return FirnPuts(workload); });
  });
  Row row = RatioRow("disk.put", "time of rocksdb with default options / firn, kBuffered", "ns/put",
                     puts, {"firn", "rocksdb", "bare", "firn again"}, {"rocksdb", "firn"},
                     {"firn again", "firn"}, Bar::AtLeast(1.3));
  row.note = ChecksumNote(workload.entry_checksum());
  context.report(row);
  context.report(RatioRow("disk.put_bare", "time of rocksdb with firn's options / firn, kBuffered",
                          "ns/put", puts, {"firn", "bare"}, {"bare", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(0.8)));
  const Rounds batches = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn", [&] { return FirnBatches(workload); });
    round.Measure("rocksdb", [&] { return RocksdbBatches(workload); });
    round.Measure("firn again", [&] { return FirnBatches(workload); });
  });
  context.report(RatioRow("disk.batches", "time of rocksdb / firn, 100 puts a commit", "ns/put",
                          batches, {"firn", "rocksdb", "firn again"}, {"rocksdb", "firn"},
                          {"firn again", "firn"}, Bar::AtLeast(3)));
}

}  // namespace firn::bench
