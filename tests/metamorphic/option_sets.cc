#include "tests/metamorphic/option_sets.h"

#include <utility>

#include "rocksdb/file_system.h"
#include "tests/crash/seamed_opener.h"
#include "tests/support/random.h"
#include "tests/support/rocksdb_faults.h"
#include "tests/support/status_checks.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

class DiskHome final : public DbHome {
 public:
  DiskHome(const OptionSet& set, uint64_t seed)
      : options_(set.options), ending_(set.ending), random_(seed) {}

  std::unique_ptr<Db> Open(Clock& clock) override {
    options_.clock = &clock;
    return OpenAgain();
  }

  std::unique_ptr<Db> Reopen(std::unique_ptr<Db> db) override {
    const std::string before = path();
    switch (ending_) {
      case Ending::kNone:
        return db;
      case Ending::kClose:
        CheckOk(db->Close());
        break;
      case Ending::kKill:
        // What was queued may be lost; here nothing is to be.
        if (options_.durability == Durability::kAsync) CheckOk(db->WaitDurable(Latest(*db)));
        ++incarnation_;
        files_->CopyAsAfterKill(before, path());
        break;
      case Ending::kPowerCut:
        if (options_.durability != Durability::kSync) CheckOk(db->WaitDurable(Latest(*db)));
        ++incarnation_;
        ++boot_;
        files_->CopyAsAfterPowerCut(before, path(), random_);
        break;
    }
    db.reset();
    return OpenAgain();
  }

  bool on_disk() const override { return true; }

 private:
  static void CheckOk(const absl::Status& status) {
    ValueOf(status.ok() ? absl::StatusOr<bool>(true) : status);
  }
  static CommitTs Latest(const Db& db) { return db.LatestCommitTs(); }

  std::string path() const { return directory_.path() + "/" + std::to_string(incarnation_); }

  std::unique_ptr<Db> OpenAgain() {
    opener_ = std::make_unique<SeamedOpener>(
        internal::RocksdbSeams{.file_system = files_, .boot_id = "boot " + std::to_string(boot_)});
    options_.store_opener = opener_.get();
    return ValueOf(Db::Open(options_, path()));
  }

  const TempDirectory directory_;
  Options options_;
  const Ending ending_;
  Random random_;
  int incarnation_ = 0;
  int boot_ = 0;
  const std::shared_ptr<FaultyFileSystem> files_ =
      std::make_shared<FaultyFileSystem>(rocksdb::FileSystem::Default());
  std::unique_ptr<SeamedOpener> opener_;
};

TuningOptions TinyTuning() { return TinyOptions().tuning; }

// Nothing is frozen, split or moved out of a block before it is asked for.
TuningOptions LargeTuning() {
  TuningOptions tuning;
  tuning.block_bytes = size_t{1} << 20;
  tuning.block_entries = 65'536;
  tuning.delta_slots = 256;
  tuning.inner_fanout = 1024;
  tuning.large_value_bytes = size_t{64} << 10;
  return tuning;
}

TuningOptions TinyDeltasInLargeLeaves() {
  TuningOptions tuning = LargeTuning();
  tuning.delta_slots = 2;
  return tuning;
}

TuningOptions LargeDeltasInTinyLeaves() {
  TuningOptions tuning = TinyTuning();
  tuning.delta_slots = 256;
  return tuning;
}

// Settles leaves that were not written to for `idle_us`.
TuningOptions Hasty(TuningOptions tuning, uint64_t idle_us = 0) {
  tuning.settle_idle_us = idle_us;
  return tuning;
}

Options MakeOptions(Durability durability, BackgroundMode background, const TuningOptions& tuning) {
  Options options;
  options.durability = durability;
  options.background = background;
  options.tuning = tuning;
  return options;
}

// Committers have to wait for the queue.
Options WithNarrowQueue(Options options) {
  options.async_interval_us = 0;
  options.async_queue_bytes = 1024;
  return options;
}

Options LoadedBy(size_t threads, Options options) {
  options.load_threads = threads;
  return options;
}

}  // namespace

std::vector<OptionSet> AllOptionSets() {
  using enum Durability;
  using enum BackgroundMode;
  return {
      {"MemoryAsItComes", MakeOptions(kMemory, kThread, TuningOptions())},
      {"MemoryTinyUnsettled", MakeOptions(kMemory, kManual, TinyTuning())},
      {"MemoryTinyInline", MakeOptions(kMemory, kInline, Hasty(TinyTuning()))},
      {"MemoryTinyByThread", MakeOptions(kMemory, kThread, Hasty(TinyTuning()))},
      {"MemoryLargeUnsettled", MakeOptions(kMemory, kManual, LargeTuning())},
      {"MemoryTinyDeltasInline",
       MakeOptions(kMemory, kInline, Hasty(TinyDeltasInLargeLeaves(), 20))},
      {"MemoryLargeDeltasByThread",
       MakeOptions(kMemory, kThread, Hasty(LargeDeltasInTinyLeaves(), 200))},
      {"AsyncTinyByThreadClosed", MakeOptions(kAsync, kThread, Hasty(TinyTuning())),
       Ending::kClose},
      {"AsyncNarrowInlineKilled",
       WithNarrowQueue(MakeOptions(kAsync, kInline, Hasty(TinyTuning()))), Ending::kKill},
      {"AsyncLargePowerCut", MakeOptions(kAsync, kManual, LargeTuning()), Ending::kPowerCut},
      {"BufferedAsItComesClosed", MakeOptions(kBuffered, kThread, TuningOptions()), Ending::kClose},
      {"BufferedTinyByThreadStaying", MakeOptions(kBuffered, kThread, Hasty(TinyTuning()))},
      {"BufferedTinyUnsettledKilled", LoadedBy(1, MakeOptions(kBuffered, kManual, TinyTuning())),
       Ending::kKill},
      {"BufferedTinyInlinePowerCut",
       LoadedBy(5, MakeOptions(kBuffered, kInline, Hasty(TinyTuning()))), Ending::kPowerCut},
      {"SyncLargeByThreadKilled", MakeOptions(kSync, kThread, Hasty(LargeTuning())), Ending::kKill},
      {"SyncTinyInlinePowerCut", MakeOptions(kSync, kInline, Hasty(TinyTuning())),
       Ending::kPowerCut},
  };
}

std::unique_ptr<DbHome> MakeHome(const OptionSet& set, uint64_t seed) {
  if (set.options.durability == Durability::kMemory) {
    return std::make_unique<MemoryHome>(set.options);
  }
  return std::make_unique<DiskHome>(set, seed);
}

}  // namespace firn::test
