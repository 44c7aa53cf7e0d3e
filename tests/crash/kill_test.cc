// A process with writers dies, at any moment or at a named point, or the power goes: the Db opens
// in the state of one commit, and nothing that was promised is missing.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/rocksdb_mapped_log.h"
#include "firn/firn.h"
#include "gtest/gtest.h"
#include "mvcc/schedule_point.h"
#include "rocksdb/file_system.h"
#include "tests/crash/child_process.h"
#include "tests/crash/ledger.h"
#include "tests/crash/seamed_opener.h"
#include "tests/support/random.h"
#include "tests/support/rocksdb_faults.h"
#include "tests/support/temp_directory.h"

// In the packaged library, whose header is not packaged.
namespace rocksdb {
class SyncPoint {
 public:
  static SyncPoint* GetInstance();
  void SetCallBack(const std::string& point, const std::function<void(void*)>& callback);
  void EnableProcessing();
};
}  // namespace rocksdb

namespace firn::test {
namespace {

namespace fs = std::filesystem;

// Ours and RocksDB's. Most are passed while a Db writes, flushes or compacts; some in an open.
constexpr const char* kNamedPoints[] = {
    "durable:before_store",
    "durable:after_store",
    "async:before_store",
    "async:after_store",
    "oracle:before_publish",
    "commit:before_link",
    "leaf:before_swap",
    "structure:before_swap",
    "DBImpl::WriteImpl:BeforeLeaderEnters",
    "WriteThread::EnterAsBatchGroupLeader:End",
    "DBImpl::AtomicFlushMemTables:AfterScheduleFlush",
    "DBImpl::AtomicFlushMemTables:BeforeWaitForBgFlush",
    "DBImpl::AtomicFlushMemTablesToOutputFiles:WaitToCommit",
    "DBImpl::BackgroundCallFlush:start",
    "DBImpl::BackgroundCallFlush:FlushFinish:0",
    "DBImpl::BackgroundCallFlush:FilesFound",
    "DBImpl::BackgroundCallFlush:ContextCleanedUp",
    "DBImpl::BGWorkFlush:done",
    "FlushJob::WriteLevel0Table",
    "FlushJob::Start",
    "DBImpl::FlushJob:SSTFileCreated",
    "BuildTable:BeforeFinishBuildTable",
    "BuildTable:BeforeSyncTable",
    "BuildTable:BeforeCloseTableFile",
    "VersionSet::LogAndApply:WriteManifest",
    "VersionSet::LogAndApply:WriteManifestDone",
    "VersionSet::ProcessManifestWrites:BeforeNewManifest",
    "VersionSet::ProcessManifestWrites:AfterSyncManifest",
    "DBImpl::DeleteObsoleteFileImpl::BeforeDeletion",
    "DBImpl::DeleteObsoleteFileImpl:AfterDeletion",
    "DBImpl::PurgeObsoleteFiles:Begin",
    "DBImpl::BackgroundCompaction:Start",
    "DBImpl::BackgroundCompaction:NonTrivial:AfterRun",
    "CompactionJob::FinishCompactionOutputFile1",
    "DBImpl::SyncClosedLogs:Start",
    "DBImpl::RecoverLogFiles:BeforeFlushFinalMemtable",
    "DBImpl::SyncWAL:Begin",
    "DBImpl::SyncWAL:BeforeMarkLogsSynced:1",
    "WritableFileWriter::Flush:BeforeAppend",
    "WritableFileWriter::SyncInternal:0",
    "SetCurrentFile:BeforeRename",
    "SetCurrentFile:AfterRename",
};

// Kills the process the nth time that a thread stands at a point.
class DeathAtPoint final : public internal::ScheduleObserver {
 public:
  DeathAtPoint(std::string point, uint64_t nth) : point_(std::move(point)), left_(nth) {
#ifdef FIRN_INVARIANTS  // Otherwise only the points of RocksDB are there.
    internal::schedule_observer.store(this, std::memory_order_release);
#endif
    rocksdb::SyncPoint::GetInstance()->SetCallBack(point_, [this](void*) { Pass(); });
    rocksdb::SyncPoint::GetInstance()->EnableProcessing();
  }
  void AtPoint(const char* name) override {
    if (name == point_) Pass();
  }
  void OnBlocked(const void*) override {}
  void OnUnblocked(const void*) override {}

 private:
  void Pass() {
    if (left_.fetch_sub(1, std::memory_order_relaxed) == 1) kill(getpid(), SIGKILL);
  }

  const std::string point_;
  std::atomic<uint64_t> left_;
};

// One life of the process.
struct Life {
  Durability level = Durability::kBuffered;
  Lie lie = Lie::kNone;
  std::string path;
  std::string boot_id = "boot";
  std::string point;  // Where it dies; empty: it is killed.
  uint64_t nth = 1;
  std::string after_power_cut;  // Where the files then are; empty: no power cut.
  uint64_t cut_after_us = 0;
  uint64_t number = 0;
  uint64_t seed = 0;
};

Options RandomOptions(const Life& life, Random& random) {
  Options options;
  options.durability = life.level;
  options.load_threads = random.Below(4);
  options.async_interval_us = random.Between(100, 10'000);
  options.async_queue_bytes = random.OneIn(2) ? size_t{64} << 20 : size_t{16} << 10;
  if (random.OneIn(2)) {
    options.tuning.block_bytes = random.Between(256, 8192);
    options.tuning.delta_slots = random.Between(4, 64);
    options.tuning.inner_fanout = random.Between(4, 96);
  }
  if (random.OneIn(4)) options.background = BackgroundMode::kInline;
  return options;
}

// In the child: opens, says in which state, and writes until it dies.
void Live(const Life& life, Ledger& ledger, ChildProcess& parent) {
  std::unique_ptr<DeathAtPoint> death;
  if (!life.point.empty()) death = std::make_unique<DeathAtPoint>(life.point, life.nth);
  const std::shared_ptr<FaultyFileSystem> files =
      life.after_power_cut.empty()
          ? nullptr
          : std::make_shared<FaultyFileSystem>(internal::FilesWithMappedLogs());
  SeamedOpener opener({.file_system = files, .boot_id = life.boot_id}, life.lie);
  Random random(life.seed);
  Options options = RandomOptions(life, random);
  options.store_opener = &opener;
  absl::StatusOr<std::unique_ptr<Db>> opened = Db::Open(options, life.path);
  if (!opened.ok()) return parent.Send("refused: " + opened.status().ToString());
  Db& db = **opened;
  if (absl::Status sound = db.VerifyInvariants(); !sound.ok()) {
    return parent.Send("unsound: " + sound.ToString());
  }
  const RecoveredState state = StateOf(db);
  DiskHistory history;
  history.last_buffered = state.ts;
  history.states[state.ts] = state.entries;
  parent.Send(history.Encode());
  std::string go;
  if (!parent.Receive(&go)) return;

  std::vector<std::thread> threads;
  for (uint32_t writer = 0; writer < Ledger::kWriters; ++writer) {
    WriterOptions writing{
        .writer = writer, .level = life.level, .raise = true, .id_base = life.number << 24};
    threads.emplace_back([&db, &ledger, writing, each = Random(random.Next())] {
      const absl::Status status = WriteAtRandom(db, ledger, writing, each);
      if (!status.ok()) {
        std::fprintf(stderr, "writer: %s\n", status.ToString().c_str());
        _exit(97);
      }
    });
  }
  threads.emplace_back([&db, each = Random(random.Next())]() mutable {
    while (true) {
      std::this_thread::sleep_for(std::chrono::milliseconds(each.Below(20)));
      const absl::Status status = each.OneIn(3) ? db.Compact() : db.Flush();
      if (!status.ok()) {
        std::fprintf(stderr, "flush: %s\n", status.ToString().c_str());
        _exit(96);
      }
    }
  });
  if (files != nullptr) {
    std::this_thread::sleep_for(std::chrono::microseconds(life.cut_after_us));
    ledger.promises_ended().store(true, std::memory_order_seq_cst);
    files->CopyAsAfterPowerCut(life.path, life.after_power_cut, random);
    kill(getpid(), SIGKILL);
  }
  for (std::thread& thread : threads) thread.join();
}

class KillTest : public ::testing::Test {
 protected:
  KillTest() : random_(PrintedSeed()) { path_ = root_ + "/0"; }
  ~KillTest() override {
    std::printf("%llu lives, %llu operations\n", static_cast<unsigned long long>(lives_),
                static_cast<unsigned long long>(operations_));
  }

  Life NextLife(Durability level, Lie lie = Lie::kNone) {
    Life life;
    life.level = level;
    life.lie = lie;
    life.path = path_;
    life.number = ++lives_;
    life.seed = random_.Next();
    return life;
  }

  // One life and its end; then what the next one finds is judged. Returns what is wrong.
  std::string Trial(const Life& life, Durability survives) {
    ChildProcess child([&](ChildProcess& self) { Live(life, ledger_, self); });
    if (life.point.empty() && life.after_power_cut.empty() && random_.OneIn(6)) {
      // In the middle of the open.
      std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(30'000)));
      child.Kill();
      child.Wait();
      return "";
    }
    std::string text;
    if (!child.Receive(&text)) {
      const int status = child.Wait();
      reached_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;  // A point in the open.
      if (reached_) return "";
      return "ended in the open: wait status " + std::to_string(status);
    }
    if (text.starts_with("refused") || text.starts_with("unsound")) return text;
    const DiskHistory history = DiskHistory::Decode(text);
    RecoveredState recovered{history.last_buffered, history.states.at(history.last_buffered)};
    if (std::string wrong = Judge(state_, ledger_, survives, recovered); !wrong.empty())
      return wrong;
    state_ = std::move(recovered);
    ledger_.Clear();
    child.Send("go");
    const bool alone = !life.point.empty() || !life.after_power_cut.empty();
    if (alone) {
      reached_ = child.Ended(1500);
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(60'000)));
    }
    child.Kill();
    const int status = child.Wait();
    operations_ += ledger_.operation_count();
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
      return "the writers ended: wait status " + std::to_string(status);
    }
    return "";
  }

  // Whether a store that tells `lie` is found out within some lives.
  bool Finds(Lie lie, Durability level) {
    std::string wrong;
    for (int trial = 0; trial < 50 && wrong.empty(); ++trial) {
      wrong = Trial(NextLife(level, lie), Durability::kBuffered);
    }
    std::printf("found: %s\n", wrong.c_str());
    // That the process failed in another way would prove nothing.
    return !wrong.empty() && !wrong.starts_with("ended") && !wrong.starts_with("the writers");
  }

  // A Db that is not there yet.
  void StartAnew(Life& life) {
    life.path = path_ = root_ + "/anew" + std::to_string(lives_);
    life.nth = 1;
    state_ = {};
    ledger_.Clear();
  }

  const TempDirectory directory_;
  const std::string& root_ = directory_.path();
  std::string path_;
  Random random_;
  Ledger ledger_;
  RecoveredState state_;  // Before what the ledger says.
  uint64_t lives_ = 0;
  uint64_t operations_ = 0;
  bool reached_ = false;
};

Durability BufferedOrSync(Random& random) {
  return random.OneIn(2) ? Durability::kBuffered : Durability::kSync;
}

TEST_F(KillTest, AtRandom) {
  const uint64_t trials = NumberFromEnv("FIRN_KILL_TRIALS", 60);
  for (uint64_t trial = 0; trial <= trials; ++trial) {
    ASSERT_EQ(Trial(NextLife(BufferedOrSync(random_)), Durability::kBuffered), "")
        << "life " << lives_;
  }
}

TEST_F(KillTest, AtRandomWithTheQueueOfAsync) {
  const uint64_t trials = NumberFromEnv("FIRN_ASYNC_KILL_TRIALS", 30);
  for (uint64_t trial = 0; trial <= trials; ++trial) {
    ASSERT_EQ(Trial(NextLife(Durability::kAsync), Durability::kBuffered), "") << "life " << lives_;
  }
}

TEST_F(KillTest, AtNamedPoints) {
  const uint64_t rounds = NumberFromEnv("FIRN_POINT_ROUNDS", 0);
  uint64_t reached = 0;
  // CI takes half of the points, others each time.
  std::vector<std::string> points(std::begin(kNamedPoints), std::end(kNamedPoints));
  for (size_t i = points.size(); i > 1; --i) std::swap(points[i - 1], points[random_.Below(i)]);
  if (rounds == 0) points.resize(20);
  for (uint64_t round = 0; round < std::max<uint64_t>(rounds, 1); ++round) {
    for (const std::string& point : points) {
      SCOPED_TRACE(point);
      Life life =
          NextLife(point.starts_with("async") ? Durability::kAsync : BufferedOrSync(random_));
      life.point = point;
      // Those of an open are passed once.
      life.nth = random_.OneIn(2) ? 1 : random_.Between(2, 8);
      if (point.starts_with("SetCurrentFile")) StartAnew(life);
      reached_ = false;
      ASSERT_EQ(Trial(life, Durability::kBuffered), "") << "life " << lives_;
      reached += reached_;
      if (!reached_) std::printf("not reached: %s\n", point.c_str());
    }
  }
  ASSERT_EQ(Trial(NextLife(Durability::kBuffered), Durability::kBuffered), "");
  std::printf("%llu deaths at a point\n", static_cast<unsigned long long>(reached));
#ifdef FIRN_INVARIANTS
  EXPECT_GT(reached, points.size() / 2);
#endif
}

class PowerCutTest : public KillTest {
 protected:
  std::string CutPower(Durability level, Lie lie = Lie::kNone) {
    Life life = NextLife(level, lie);
    life.boot_id = "boot " + std::to_string(lives_);
    life.after_power_cut = root_ + "/" + std::to_string(lives_);
    life.cut_after_us = random_.Below(60'000);
    std::string wrong = Trial(life, Durability::kSync);
    if (!wrong.empty()) return wrong;
    fs::remove_all(path_);
    path_ = life.after_power_cut;
    return "";
  }
};

TEST_F(PowerCutTest, SyncedCommitsStay) {
  const uint64_t trials = NumberFromEnv("FIRN_POWER_TRIALS", 30);
  constexpr Durability kLevels[] = {Durability::kAsync, Durability::kBuffered, Durability::kSync};
  for (uint64_t trial = 0; trial <= trials; ++trial) {
    ASSERT_EQ(CutPower(kLevels[random_.Below(3)]), "") << "life " << lives_;
  }
}

// --- These tests can fail --------------------------------------------------------------

TEST_F(KillTest, FindsALostGroup) { EXPECT_TRUE(Finds(Lie::kLoseGroup, Durability::kBuffered)); }

TEST_F(KillTest, FindsATornGroup) { EXPECT_TRUE(Finds(Lie::kTearGroup, Durability::kBuffered)); }

TEST_F(KillTest, FindsAHoleInTheQueueOfAsync) {
  EXPECT_TRUE(Finds(Lie::kLoseGroup, Durability::kAsync));
}

TEST_F(PowerCutTest, FindsASkippedSync) {
  std::string wrong;
  for (int trial = 0; trial < 50 && wrong.empty(); ++trial) {
    wrong = CutPower(Durability::kSync, Lie::kSkipSync);
  }
  EXPECT_NE(wrong, "");
}

}  // namespace
}  // namespace firn::test
