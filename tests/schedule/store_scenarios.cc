#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/async_queue.h"
#include "engine/store.h"
#include "firn/db.h"
#include "gtest/gtest.h"
#include "tests/schedule/scenario.h"
#include "tests/schedule/trial.h"
#include "tests/support/memory_harness.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

// A store without a disk, and the options of Dbs on it.
class StoreWorld {
 public:
  StoreWorld(Durability level, bool failed_writes_land)
      : harness_(failed_writes_land, /*keeps=*/0), opener_(harness_) {
    options_ = TinyOptions();
    options_.durability = level;
    options_.store_opener = &opener_;
    options_.load_threads = 1;
  }

  Options& options() { return options_; }
  MemoryHarness& disk() { return harness_; }
  // What the next Db finds.
  std::vector<Entry> Reopened() {
    const auto db = ValueOf(Db::Open(options_, ""));
    std::vector<Entry> entries = ReadForward(*db);
    EXPECT_TRUE(IsOk(db->Close()));
    return entries;
  }

 private:
  MemoryHarness harness_;
  internal::HarnessOpener opener_;
  Options options_;
};

// What a writer asked for, and what it was told.
struct Asked {
  std::string key;
  absl::StatusOr<CommitTs> answer;
};

// Whatever is acknowledged is visible and on disk; what is not, is not visible, and on disk only
// if its write failed.
void AGroupOfThreeCommitsMeetsAFailingWrite(Random& random) {
  const bool lands = random.OneIn(2);
  StoreWorld world(Durability::kBuffered, lands);
  Trial trial(world.options());
  trial.NewWitness().Put("base", "0");
  world.disk().FailOperation(random.Between(1, 5), internal::StoreFault::kIoError);
  std::vector<Asked> asked[3];
  const auto write_three = [&](size_t writer) {
    for (int i = 0; i < 3; ++i) {
      const std::string key = std::string(1, static_cast<char>('a' + writer)) + std::to_string(i);
      absl::StatusOr<CommitTs> answer = trial.db().Put(key, "1");
      EXPECT_TRUE(!answer.ok() || ValueOf(trial.db().Get(key)) == "1");
      asked[writer].push_back({key, std::move(answer)});
    }
  };
  RunTogether({{"first", [&] { write_three(0); }},
               {"second", [&] { write_three(1); }},
               {"third", [&] { write_three(2); }}});

  std::vector<Entry> acknowledged = {{"base", "0", {1}}};
  std::vector<std::string> unknown;
  for (const std::vector<Asked>& each : asked) {
    for (const auto& [key, answer] : each) {
      if (answer.ok()) acknowledged.push_back({key, "1", *answer});
      if (internal::IsOutcomeUnknown(answer.status())) unknown.push_back(key);
    }
  }
  std::sort(acknowledged.begin(), acknowledged.end(),
            [](const Entry& a, const Entry& b) { return a.key < b.key; });
  EXPECT_EQ(ReadForward(trial.db()), acknowledged);
  trial.CloseDb();

  std::vector<Entry> found = world.Reopened();
  const size_t strays = std::erase_if(found, [&](const Entry& entry) {
    return std::find(unknown.begin(), unknown.end(), entry.key) != unknown.end();
  });
  EXPECT_EQ(found, acknowledged);
  EXPECT_EQ(strays, lands ? unknown.size() : 0) << "a group is all or nothing";
}

constexpr size_t kValueSizes[] = {100, 600, 2000};

// Refused because of what another of its group was about to write: if that came to nothing, the
// refusal would be a lie.
void ARefusalHangsOnAWriteThatMayFail(Random& random) {
  StoreWorld world(Durability::kBuffered, random.OneIn(2));
  Trial trial(world.options());
  trial.NewWitness().Put("k", "0");
  world.disk().FailOperation(random.Between(1, 3), internal::StoreFault::kIoError);
  RunTogether({{"leader", [&] { trial.db().Put("other", "1").status().IgnoreError(); }},
               {"writer",
                [&] {
                  const bool written = trial.db().Put("k", "1").ok();
                  const std::optional<std::string> value = ValueOf(trial.db().Get("k"));
                  EXPECT_TRUE(!written || value != "0");
                }},
               {"swapper", [&] {
                  const absl::StatusOr<std::optional<CommitTs>> swapped =
                      trial.db().CompareAndSwap("k", "0", "2");
                  if (!swapped.ok()) return;
                  const std::optional<std::string> value = ValueOf(trial.db().Get("k"));
                  EXPECT_TRUE(*swapped ? value != "0" : value == "1");
                }}});
}

// How many commits of such a value have room in the queue; a larger one goes alone.
uint64_t RoomFor(std::string_view value, size_t queue_bytes) {
  const internal::NormalizedBatch::PointOp point{"k0", value};
  return std::max<uint64_t>(1, queue_bytes / internal::QueuedCommit::BytesOf({&point, 1}, {}));
}

void AFullQueueMakesCommittersWait(Random& random) {
  StoreWorld world(Durability::kAsync, false);
  world.options().async_queue_bytes = 1024;
  // Room for three commits, for one, for less than one, which then goes alone.
  const std::string value(kValueSizes[random.Below(std::size(kValueSizes))], 'x');
  Trial trial(world.options());
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  const uint64_t room = RoomFor(value, world.options().async_queue_bytes);
  const auto put_all = [&](Witness& witness, const std::string& key) {
    for (int i = 0; i < 3; ++i) {
      witness.Put(key + std::to_string(i), value);
      EXPECT_LE(ValueOf(trial.db().Stats()).unpersisted_commit_count, room);
    }
  };
  RunTogether({{"first", [&] { put_all(first, "a"); }},
               {"second", [&] { put_all(second, "b"); }},
               {"reader", [&] {
                  reader.ScanSnapshot();
                  EXPECT_TRUE(IsOk(trial.db().WaitDurable(trial.db().LatestCommitTs())));
                  reader.ScanForward();
                }}});
  trial.JudgeAll();
  const std::vector<Entry> last = ReadForward(trial.db());
  EXPECT_TRUE(IsOk(trial.db().Close()));
  trial.CloseDb();
  EXPECT_EQ(world.Reopened(), last);
}

// Commits are queued in the order of their timestamps, or the store would refuse them; a crash
// leaves a prefix.
void AsyncCommitsArePersistedInOrder(Random& random) {
  StoreWorld world(Durability::kAsync, false);
  Trial trial(world.options());
  const bool flushes = random.OneIn(2);
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  RunTogether({{"first",
                [&] {
                  for (const char* value : {"1", "2", "3"}) first.Swap("a", value);
                }},
               {"second",
                [&] {
                  for (const char* value : {"4", "5", "6"}) second.Swap("a", value);
                }},
               {"flusher", [&] {
                  const CommitTs latest = trial.db().LatestCommitTs();
                  EXPECT_TRUE(IsOk(flushes ? trial.db().Flush() : trial.db().WaitDurable(latest)));
                  EXPECT_GE(ValueOf(trial.db().Stats()).synced_ts, latest);
                }}});
  trial.JudgeAll();
  const CommitTs persisted = ValueOf(trial.db().Stats()).persisted_ts;
  world.disk().KillProcess();
  trial.CloseDb();
  const std::vector<Entry> found = world.Reopened();
  EXPECT_EQ(found.empty() ? kBeforeEverything : found.front().commit_ts, persisted);
}

void OneSyncServesWhoeverWaits(Random& random) {
  StoreWorld world(random.OneIn(2) ? Durability::kBuffered : Durability::kAsync, false);
  Trial trial(world.options());
  const auto write_synced = [&](Witness& witness, const std::string& key) {
    for (int i = 0; i < 2; ++i) {
      const std::string value = std::to_string(i);
      const CommitTs ts = ValueOf(trial.db().Put(key, value, {.durability = Durability::kSync}));
      EXPECT_GE(ValueOf(trial.db().Stats()).synced_ts, ts);
      witness.CommittedPut(ts, key, value);
    }
  };
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& third = trial.NewWitness();
  RunTogether({{"first", [&] { write_synced(first, "a"); }},
               {"second", [&] { write_synced(second, "b"); }},
               {"third", [&] {
                  third.Put("c", "1");
                  EXPECT_TRUE(IsOk(trial.db().WaitDurable(trial.db().LatestCommitTs())));
                  third.ScanSnapshot();
                }}});
  trial.JudgeAll();
  const std::vector<Entry> last = ReadForward(trial.db());
  world.disk().CutPower();
  trial.CloseDb();
  EXPECT_EQ(world.Reopened(), last);
}

void DurableGroupsAppearAtOnce(Random& random) {
  StoreWorld world(random.OneIn(2) ? Durability::kBuffered : Durability::kSync, false);
  Trial trial(world.options());
  Witness& before = trial.NewWitness();
  for (const char* key : {"a", "b", "y", "z"}) before.Put(key, "0");
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  const auto write_batches = [](Witness& witness, const std::string& value) {
    for (int i = 0; i < 2; ++i) {
      WriteBatch batch;
      batch.Put("a", value + std::to_string(i));
      batch.Delete("b");
      batch.Put("z", value + std::to_string(i));
      witness.Write(batch);
      witness.Put("b", value);
    }
  };
  RunTogether({{"first", [&] { write_batches(first, "1"); }},
               {"second", [&] { write_batches(second, "2"); }},
               {"reader", [&] {
                  for (int i = 0; i < 2; ++i) {
                    reader.ScanForward();
                    reader.MultiGet({"z", "b", "a"});
                    reader.Get("a");
                  }
                }}});
  trial.JudgeAll();
  const std::vector<Entry> last = ReadForward(trial.db());
  trial.CloseDb();
  EXPECT_EQ(world.Reopened(), last);
}

void ConditionsAreJudgedWithinAGroup(Random& random) {
  StoreWorld world(random.OneIn(2) ? Durability::kBuffered : Durability::kSync, false);
  Trial trial(world.options());
  trial.NewWitness().Put("k", "0");
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& third = trial.NewWitness();
  bool won[2][2] = {};
  const auto swap_up = [&](Witness& witness, bool* wins) {
    for (int i = 0; i < 2; ++i) {
      wins[i] = witness.CompareAndSwap("k", std::to_string(i), std::to_string(i + 1));
    }
  };
  RunTogether({{"first", [&] { swap_up(first, won[0]); }},
               {"second", [&] { swap_up(second, won[1]); }},
               {"third", [&] {
                  third.Swap("other", "1");
                  third.DeleteRange("a", "l");
                  third.ScanForward();
                }}});
  // The range delete may come between, and then nobody wins any more.
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(won[0][i] && won[1][i]) << "the swap from " << i;
  trial.JudgeAll();
}

// Whatever was acknowledged before or during Close() is on disk.
void AStoreIsClosedBesideCommits(Random& random) {
  StoreWorld world(random.OneIn(2) ? Durability::kBuffered : Durability::kAsync, false);
  Trial trial(world.options());
  std::vector<Asked> asked[2];
  const auto write = [&](size_t writer) {
    for (int i = 0; i < 3; ++i) {
      const std::string key = std::string(1, static_cast<char>('a' + writer)) + std::to_string(i);
      asked[writer].push_back({key, trial.db().Put(key, "1")});
      const absl::StatusOr<CommitTs>& answer = asked[writer].back().answer;
      EXPECT_TRUE(answer.ok() || FailsWith(answer, ErrorKind::kClosed));
    }
  };
  RunTogether({{"first", [&] { write(0); }},
               {"second", [&] { write(1); }},
               {"closer", [&] { EXPECT_TRUE(IsOk(trial.db().Close())); }}});
  trial.CloseDb();
  std::vector<Entry> acknowledged;
  for (const std::vector<Asked>& each : asked) {
    for (const auto& [key, answer] : each) {
      if (answer.ok()) acknowledged.push_back({key, "1", *answer});
    }
  }
  EXPECT_EQ(world.Reopened(), acknowledged);
}

}  // namespace

std::vector<Scenario> StoreScenarios() {
  return {
      {"AGroupOfThreeCommitsMeetsAFailingWrite", &AGroupOfThreeCommitsMeetsAFailingWrite},
      {"ARefusalHangsOnAWriteThatMayFail", &ARefusalHangsOnAWriteThatMayFail},
      {"AFullQueueMakesCommittersWait", &AFullQueueMakesCommittersWait},
      {"AsyncCommitsArePersistedInOrder", &AsyncCommitsArePersistedInOrder},
      {"OneSyncServesWhoeverWaits", &OneSyncServesWhoeverWaits},
      {"DurableGroupsAppearAtOnce", &DurableGroupsAppearAtOnce},
      {"ConditionsAreJudgedWithinAGroup", &ConditionsAreJudgedWithinAGroup},
      {"AStoreIsClosedBesideCommits", &AStoreIsClosedBesideCommits},
  };
}

}  // namespace firn::test
