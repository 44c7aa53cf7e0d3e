// What does durability cost? Varies: engine; level; one put a commit or 100; one thread or eight.
// Fixed: keys in random order into an empty database on disk. Reports: time per put, the content
// checked by a scan afterwards. And what does it cost to come back, and to read then?
//
// RocksDB is the packaged one in Firn and peer alike; its assertions are compiled in.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/peers/firn_peer.h"
#include "bench/peers/rocksdb_peer.h"
#include "bench/process.h"
#include "bench/scratch_directory.h"

extern char** environ;

namespace firn::bench {
namespace {

constexpr size_t kBatchEntries = 100;
constexpr size_t kSyncs = 2'000;
constexpr size_t kThreads = 8;
constexpr uint64_t kFullLogBytes = uint64_t{256} << 20;
constexpr uint64_t kOverwriteKeys = 100'000;

Options DiskOptions(Durability level) {
  Options options;
  options.durability = level;
  return options;
}

std::unique_ptr<Db> OpenAt(const ScratchDirectory& scratch, Durability level) {
  return ValueOf(Db::Open(DiskOptions(level), scratch.path() + "/db"));
}

Checksum ScanOf(const Db& db) {
  Checksum checksum;
  Iterator it = db.NewIterator();
  for (it.SeekToFirst(); it.Valid(); it.Next()) checksum.Add(it.key(), it.value());
  CheckOk(it.status());
  return checksum;
}

void PutSome(Db& db, const Workload& workload, size_t begin, size_t end, size_t step = 1) {
  for (size_t i = begin; i < end; i += step) {
    CheckOk(db.Put(workload.key(i), workload.value(i)).status());
  }
}

double PerEntry(double seconds, size_t entries) {
  return seconds * 1e9 / static_cast<double>(entries);
}

// --- Nanoseconds per put ----------------------------------------------------------------

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

// --- Nanoseconds per synced put ---------------------------------------------------------

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

// --- Coming back ------------------------------------------------------------------------

std::string PathOfSelf() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

// Of a Db that may be deleting some.
uint64_t LogBytes(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::error_code vanished;
    const uint64_t size = entry.file_size(vanished);
    if (entry.path().extension() == ".log" && !vanished) bytes += size;
  }
  return bytes;
}

// In a process of its own, which is killed after it has written `bytes`: what it leaves is as much
// log as RocksDB lets grow.
void LeaveFullLog(const std::string& directory, uint64_t bytes) {
  const std::string self = PathOfSelf();
  const std::string amount = std::to_string(bytes);
  const char* const arguments[] = {self.c_str(), "--fill-log", directory.c_str(), amount.c_str(),
                                   nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, self.c_str(), nullptr, nullptr, const_cast<char**>(arguments), environ) !=
      0) {
    Fail("cannot start " + self);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) Fail("the writer was not killed");
}

}  // namespace

void FillLogAndDie(const std::string& directory, uint64_t bytes) {
  const std::unique_ptr<Db> db = ValueOf(Db::Open({}, directory));
  const std::string value(1000, 'x');
  WriteBatch batch;
  // RocksDB flushes, and drops the log, whenever it has a memtable full. So that much is written,
  // and then on until the log is nearly as long as it ever was.
  uint64_t longest = 0;
  for (uint64_t written = 0, now = 0; written < bytes || now < longest / 10 * 9;) {
    for (uint64_t i = 0; i < kBatchEntries; ++i, written += value.size()) {
      batch.Put(OrderedKey(SplitMix64::Mix(written) % kOverwriteKeys), value);
    }
    CheckOk(db->Write(batch).status());
    batch.Clear();
    now = LogBytes(directory);
    longest = std::max(longest, now);
  }
  kill(getpid(), SIGKILL);
}

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

void MeasureDiskOpen(const BarContext& context) {
  const Workload& workload = context.workload;
  const ScratchDirectory scratch;
  {
    const std::unique_ptr<Db> db = OpenAt(scratch, Durability::kBuffered);
    PutSome(*db, workload, 0, workload.entry_count());
    CheckOk(db->Close());
  }
  const Rounds opens = RunRounds(context.plan, [&](Round& round) {
    const auto measure = [&](const char* rate, const char* memory) {
      ReturnFreeMemory();
      const uint64_t before = ResidentBytes();
      ResetPeakResident();
      std::unique_ptr<Db> db;
      round.Measure(rate, [&] {
        const double seconds = SecondsOf([&] { db = OpenAt(scratch, Durability::kBuffered); });
        return static_cast<double>(workload.entry_count()) / seconds / 1e6;
      });
      const uint64_t peak = PeakResidentBytes();
      CheckEqual(ScanOf(*db), workload.entry_checksum(), "firn opened again");
      CheckOk(db->Settle());
      ReturnFreeMemory();
      const uint64_t settled = ResidentBytes();
      round.Note(memory,
                 static_cast<double>(peak - before) / static_cast<double>(settled - before));
      CheckOk(db->Close());
    };
    measure("M/s", "peak");
    measure("M/s again", "peak again");
  });
  context.report(FigureRow("disk.open", "entries a second after a clean close", "M/s", opens, "M/s",
                           {"M/s", "M/s again"}, Bar::AtLeast(1)));
  context.report(FigureRow("disk.open_peak", "peak memory of the open / settled", "x", opens,
                           "peak", {"peak", "peak again"}, Bar::AtMost(1.5)));

  const Rounds replays = RunRounds(context.plan, [&](Round& round) {
    const auto measure = [&](const char* name) {
      const ScratchDirectory killed;
      const std::string directory = killed.path() + "/db";
      LeaveFullLog(directory, context.Scaled(kFullLogBytes));
      round.Note("MiB of log", static_cast<double>(LogBytes(directory)) / (1 << 20));
      round.Measure(name,
                    [&] { return SecondsOf([&] { CheckOk(Db::Open({}, directory).status()); }); });
    };
    measure("s");
    measure("s again");
  });
  context.report(FigureRow("disk.replay", "seconds to open after a kill with a full log", "s",
                           replays, "s", {"s", "MiB of log"}, Bar::AtMost(10)));
}

void MeasureDiskReads(const BarContext& context) {
  const Workload& workload = context.workload;
  const ScratchDirectory scratch;
  FirnPeer memory, memory_again;
  FirnPeer disk(OpenAt(scratch, Durability::kBuffered));
  for (FirnPeer* each : {&memory, &memory_again, &disk}) {
    PutAll(*each, workload);
    each->Settle();
  }
  FirnPeer::View in_memory = memory.OpenView();
  FirnPeer::View in_memory_again = memory_again.OpenView();
  FirnPeer::View on_disk = disk.OpenView();
  const auto get = [&](FirnPeer::View& view) {
    const double seconds = SecondsOf([&] {
      CheckEqual(LookUpAll(view, workload), workload.uniform_lookups().checksum(), "firn");
    });
    return PerEntry(seconds, workload.entry_count());
  };
  const auto scan = [&](FirnPeer::View& view) {
    const double seconds = MeanSecondsPerPass(IsSmokeRun() ? 0 : 0.2, [&] {
      CheckEqual(ScanForward(view), workload.entry_checksum(), "firn");
    });
    return PerEntry(seconds, workload.entry_count());
  };
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Measure("memory", [&] { return get(in_memory); });
    round.Measure("disk", [&] { return get(on_disk); });
    round.Measure("memory again", [&] { return get(in_memory_again); });
    round.Measure("scan memory", [&] { return scan(in_memory); });
    round.Measure("scan disk", [&] { return scan(on_disk); });
    round.Measure("scan memory again", [&] { return scan(in_memory_again); });
  });
  context.report(RatioRow("disk.get", "time of a get on a Db on disk / in memory", "ns/get", rounds,
                          {"memory", "disk", "memory again"}, {"disk", "memory"},
                          {"memory again", "memory"}, Bar::AtMost(1.05)));
  context.report(RatioRow("disk.scan", "time of a scan on a Db on disk / in memory", "ns/entry",
                          rounds, {"scan memory", "scan disk", "scan memory again"},
                          {"scan disk", "scan memory"}, {"scan memory again", "scan memory"},
                          Bar::AtMost(1.05)));
}

}  // namespace firn::bench
