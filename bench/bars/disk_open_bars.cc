// What does it cost to come back? Varies: after a clean close, or after a kill with a full log.
// Fixed: one Db on disk. Reports: entries a second, peak memory, time; the content checked by a scan.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "bench/bars/bars.h"
#include "bench/bars/disk_db.h"
#include "bench/process.h"

extern char** environ;

namespace firn::bench {
namespace {

constexpr size_t kBatchEntries = 100;
constexpr uint64_t kFullLogBytes = uint64_t{256} << 20;
constexpr uint64_t kOverwriteKeys = 100'000;

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
                           {"M/s", "M/s again"}, Bar::AtLeast(3)));
  context.report(FigureRow("disk.open_peak", "peak memory of the open / settled", "x", opens,
                           "peak", {"peak", "peak again"}, Bar::AtMost(1.3)));

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

}  // namespace firn::bench
