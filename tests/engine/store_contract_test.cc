// The contract of engine/store.h, sentence by sentence, for every kind of store.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/memory_store.h"
#include "engine/normalized_batch.h"
#include "engine/store.h"
#include "firn/write_batch.h"
#include "gtest/gtest.h"
#include "tests/engine/store_harness.h"
#include "tests/support/memory_harness.h"
#include "tests/support/random.h"
#include "tests/support/rocksdb_harness.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using ::firn::test::FailsWith;
using ::firn::test::IsOk;
using ::firn::test::NumberFromEnv;
using ::firn::test::PrintedSeed;
using ::firn::test::Random;
using ::firn::test::ValueOf;

// --- Kinds of store ---------------------------------------------------------------------

StoreKind MemoryKind(std::string name, bool lands, size_t keeps) {
  return {std::move(name), [=] { return std::make_unique<test::MemoryHarness>(lands, keeps); }};
}

// ThreadSanitizer does not see what orders the threads of the packaged RocksDB.
#ifndef __SANITIZE_THREAD__
StoreKind RocksdbKind() {
  return {"Rocksdb", [] { return test::MakeRocksdbHarness(); }, 8};
}
#endif

// --- States -----------------------------------------------------------------------------

// What a store holds: for each key its value and the commit that wrote it.
using State = std::map<std::string, std::pair<std::string, CommitTs>>;

// "a=1@5 b=2@7"
std::string Shown(const State& state) {
  std::string shown;
  for (const auto& [key, value] : state) {
    if (!shown.empty()) shown += " ";
    shown += key + "=" + value.first + "@" + std::to_string(value.second.value);
  }
  return shown;
}

State LoadedFrom(const Store& store, const KeyRange& range = {}) {
  State state;
  std::optional<std::string> last;
  EXPECT_TRUE(IsOk(store.Load(range, [&](const StoreEntry& entry) {
    EXPECT_TRUE(!last || *last < entry.key) << "keys do not ascend at " << entry.key;
    last = entry.key;
    state[*last] = {std::string(entry.value), entry.commit_ts};
    return absl::OkStatus();
  })));
  return state;
}

std::string Contents(const Store& store, const KeyRange& range = {}) {
  return Shown(LoadedFrom(store, range));
}

// The batch as its documentation reads, for commits of batches that are written as they are.
void Apply(const WriteBatch& batch, CommitTs ts, State& state) {
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const WriteBatch::Operation operation = batch.operation(i);
    switch (operation.type) {
      case WriteBatch::OperationType::kPut:
        state[std::string(operation.key)] = {std::string(operation.value), ts};
        break;
      case WriteBatch::OperationType::kDelete:
        state.erase(std::string(operation.key));
        break;
      case WriteBatch::OperationType::kDeleteRange:
        std::erase_if(state, [&](const auto& entry) {
          return (!operation.range.lower || *operation.range.lower <= entry.first) &&
                 (!operation.range.upper || entry.first < *operation.range.upper);
        });
        break;
    }
  }
}

// --- The suite --------------------------------------------------------------------------

struct TestCommit {
  uint64_t ts;
  WriteBatch batch;
};

TestCommit CommitOf(uint64_t ts, const std::vector<std::pair<std::string, std::string>>& puts) {
  TestCommit commit{ts, {}};
  for (const auto& [key, value] : puts) commit.batch.Put(key, value);
  return commit;
}

absl::Status Write(Store& store, const std::vector<TestCommit>& group,
                   Durability durability = Durability::kBuffered) {
  std::vector<NormalizedBatch> normalized;
  std::vector<StoreCommit> commits;
  normalized.reserve(group.size());
  for (const TestCommit& commit : group) {
    const NormalizedBatch& batch = normalized.emplace_back(Normalize(commit.batch));
    commits.push_back({CommitTs{commit.ts}, batch.points, batch.ranges});
  }
  return store.Write(commits, durability);
}

class StoreContractTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  // Closes nothing: call it with the store closed, destroyed or killed.
  Store& Reopen() {
    store_.reset();
    store_ = ValueOf(harness_->Open());
    return *store_;
  }
  Store& store() { return *store_; }

  // Writes one put as one commit.
  absl::Status Put(uint64_t ts, const std::string& key, const std::string& value,
                   Durability durability = Durability::kBuffered) {
    return Write(store(), {CommitOf(ts, {{key, value}})}, durability);
  }

  const std::unique_ptr<StoreHarness> harness_ = GetParam().make_harness();
  std::unique_ptr<Store> store_ = ValueOf(harness_->Open());
};

TEST_P(StoreContractTest, NewStoreIsEmpty) {
  EXPECT_EQ(Contents(store()), "");
  EXPECT_EQ(store().last_commit_ts(), kBeforeEverything);
  EXPECT_EQ(store().synced_ts(), kBeforeEverything);
  EXPECT_TRUE(IsOk(store().status()));
  EXPECT_TRUE(ValueOf(store().SplitKeys(4)).empty());
}

TEST_P(StoreContractTest, EntriesCarryTheCommitThatWroteThem) {
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(5, {{"b", "1"}, {"a", "2"}})})));
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(7, {{"c", "3"}}), CommitOf(9, {{"a", "4"}})})));
  EXPECT_EQ(Contents(store()), "a=4@9 b=1@5 c=3@7");
  EXPECT_EQ(store().last_commit_ts(), CommitTs{9});
}

TEST_P(StoreContractTest, DeletedKeysAreGone) {
  TestCommit deletion{7, {}};
  deletion.batch.Delete("a");
  deletion.batch.Delete("never there");
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(5, {{"a", "1"}, {"b", "2"}}), deletion})));
  EXPECT_EQ(Contents(store()), "b=2@5");
  EXPECT_EQ(store().last_commit_ts(), CommitTs{7});
}

TEST_P(StoreContractTest, RangesGoBeforeThePointsOfTheirCommit) {
  TestCommit commit{7, {}};
  commit.batch.DeleteRange({.lower = "b", .upper = "d"});
  commit.batch.Put("c", "new");
  ASSERT_TRUE(IsOk(Write(
      store(), {CommitOf(5, {{"a", "1"}, {"b", "2"}, {"bb", "3"}, {"c", "4"}, {"d", "5"}})})));
  ASSERT_TRUE(IsOk(Write(store(), {commit})));
  EXPECT_EQ(Contents(store()), "a=1@5 c=new@7 d=5@5");
}

TEST_P(StoreContractTest, RangeWithoutBoundsDeletesEverythingBeforeIt) {
  TestCommit clear{7, {}};
  clear.batch.DeleteRange({});
  const std::string largest_key(kMaxKeyBytes, '\xff');
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(5, {{"", "1"}, {"a", "2"}, {largest_key, "3"}}), clear,
                                   CommitOf(8, {{"b", "4"}})})));
  EXPECT_EQ(Contents(store()), "b=4@8");
}

TEST_P(StoreContractTest, KeysAndValuesAreAnyBytes) {
  const std::string zero("\0", 1);
  const std::string high("\xff\xff", 2);
  ASSERT_TRUE(IsOk(
      Write(store(),
            {CommitOf(5, {{"", ""}, {zero, high}, {high, zero}, {"\x7f", "x"}, {"\x80", "y"}})})));
  const State expected = {{"", {"", CommitTs{5}}},
                          {zero, {high, CommitTs{5}}},
                          {"\x7f", {"x", CommitTs{5}}},
                          {"\x80", {"y", CommitTs{5}}},
                          {high, {zero, CommitTs{5}}}};
  EXPECT_EQ(LoadedFrom(store()), expected);
  ASSERT_TRUE(IsOk(store().Close()));
  EXPECT_EQ(LoadedFrom(Reopen()), expected);
}

TEST_P(StoreContractTest, EmptyGroupChangesNothing) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  EXPECT_TRUE(IsOk(Write(store(), {})));
  EXPECT_EQ(store().last_commit_ts(), CommitTs{5});
  EXPECT_TRUE(IsOk(Write(store(), {}, Durability::kSync)));
  EXPECT_EQ(store().synced_ts(), CommitTs{5});
}

TEST_P(StoreContractTest, CommitWithoutEffectMovesTheLastTimestamp) {
  ASSERT_TRUE(IsOk(Write(store(), {{5, {}}})));
  EXPECT_EQ(store().last_commit_ts(), CommitTs{5});
  ASSERT_TRUE(IsOk(store().Close()));
  EXPECT_EQ(Reopen().last_commit_ts(), CommitTs{5});
}

// --- Load -------------------------------------------------------------------------------

TEST_P(StoreContractTest, LoadKeepsToItsRange) {
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(5, {{"", "0"}, {"a", "1"}, {"b", "2"}, {"c", "3"}})})));
  EXPECT_EQ(Contents(store(), {.lower = "a", .upper = "c"}), "a=1@5 b=2@5");
  EXPECT_EQ(Contents(store(), {.lower = "aa", .upper = std::nullopt}), "b=2@5 c=3@5");
  EXPECT_EQ(Contents(store(), {.lower = std::nullopt, .upper = "a"}), "=0@5");
  EXPECT_EQ(Contents(store(), {.lower = "b", .upper = "b"}), "");
  EXPECT_EQ(Contents(store(), {.lower = std::nullopt, .upper = ""}), "");
}

TEST_P(StoreContractTest, LoadEndsWithTheVisitorsError) {
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(5, {{"a", "1"}, {"b", "2"}, {"c", "3"}})})));
  int visits = 0;
  const absl::Status status = store().Load({}, [&](const StoreEntry&) {
    return ++visits == 2 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(status, absl::CancelledError("enough"));
  EXPECT_EQ(visits, 2);
}

TEST_P(StoreContractTest, SplitKeysCutTheEntriesIntoPartsThatLoadAtOnce) {
  TestCommit commit{5, {}};
  for (int i = 0; i < 1000; ++i) commit.batch.Put("key" + std::to_string(i), std::to_string(i));
  ASSERT_TRUE(IsOk(Write(store(), {commit})));
  ASSERT_TRUE(IsOk(store().Flush()));  // A real store knows sizes of what is in files.

  const std::vector<std::string> keys = ValueOf(store().SplitKeys(4));
  ASSERT_LE(keys.size(), 3u);
  for (size_t i = 1; i < keys.size(); ++i) ASSERT_LT(keys[i - 1], keys[i]);
  std::vector<State> parts(keys.size() + 1);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < parts.size(); ++i) {
    threads.emplace_back([&, i] {
      KeyRange range;
      if (i > 0) range.lower = keys[i - 1];
      if (i < keys.size()) range.upper = keys[i];
      parts[i] = LoadedFrom(store(), range);
    });
  }
  for (std::thread& thread : threads) thread.join();
  State whole;
  for (State& part : parts) {
    EXPECT_FALSE(part.empty());
    whole.merge(part);
    EXPECT_TRUE(part.empty()) << "a key in two parts";
  }
  EXPECT_EQ(whole, LoadedFrom(store()));
  EXPECT_EQ(whole.size(), 1000u);
}

TEST_P(StoreContractTest, FewEntriesSplitIntoFewParts) {
  ASSERT_TRUE(IsOk(Write(store(), {CommitOf(5, {{"a", "1"}, {"b", "2"}})})));
  EXPECT_LE(ValueOf(store().SplitKeys(100)).size(), 1u);
  EXPECT_TRUE(ValueOf(store().SplitKeys(1)).empty());
}

// Each group puts one value under two keys: a load that shows them different saw half of it.
TEST_P(StoreContractTest, LoadAndSyncBesideAWriterSeeWholeGroupsInOrder) {
  constexpr uint64_t kGroups = 300;
  std::atomic<uint64_t> written{0};
  std::thread writer([&] {
    for (uint64_t ts = 1; ts <= kGroups; ++ts) {
      EXPECT_TRUE(IsOk(Write(store(), {CommitOf(2 * ts, {{"a", std::to_string(ts)}}),
                                       CommitOf(2 * ts + 1, {{"z", std::to_string(ts)}})})));
      written.store(ts);
    }
  });
  std::thread syncer([&] {
    while (written.load() < kGroups) {
      const uint64_t before = written.load();
      const absl::StatusOr<CommitTs> synced = store().Sync();
      ASSERT_TRUE(IsOk(synced));
      if (before > 0) {
        EXPECT_GE(*synced, CommitTs{2 * before + 1});
      }
      EXPECT_LE(*synced, store().last_commit_ts());
    }
  });
  uint64_t last_seen = 0;
  while (written.load() < kGroups) {
    const uint64_t before = written.load();
    State state = LoadedFrom(store());
    if (state.empty()) {
      EXPECT_EQ(before, 0u);
      continue;
    }
    EXPECT_EQ(state["a"].first, state["z"].first);
    const uint64_t seen = std::stoull(state["a"].first);
    EXPECT_GE(seen, before);
    EXPECT_GE(seen, last_seen);
    last_seen = seen;
  }
  writer.join();
  syncer.join();
}

// --- Crashes ----------------------------------------------------------------------------

TEST_P(StoreContractTest, ClosedStoreOpensWithEverything) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  ASSERT_TRUE(IsOk(Put(6, "b", "2")));
  ASSERT_TRUE(IsOk(store().Close()));
  harness_->CutPower();
  EXPECT_EQ(Contents(Reopen()), "a=1@5 b=2@6");
  EXPECT_EQ(store().last_commit_ts(), CommitTs{6});
  EXPECT_EQ(store().synced_ts(), CommitTs{6});
  ASSERT_TRUE(IsOk(Put(7, "c", "3")));
  EXPECT_EQ(Contents(store()), "a=1@5 b=2@6 c=3@7");
}

TEST_P(StoreContractTest, BufferedCommitsSurviveTheDeathOfTheProcess) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  ASSERT_TRUE(IsOk(Put(6, "b", "2")));
  harness_->KillProcess();
  EXPECT_EQ(Contents(Reopen()), "a=1@5 b=2@6");
  EXPECT_EQ(store().last_commit_ts(), CommitTs{6});
}

TEST_P(StoreContractTest, StoreDestroyedWithoutCloseIsAsKilled) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  EXPECT_EQ(Contents(Reopen()), "a=1@5");
}

// More than twice what a store keeps before it moves it to files by itself.
TEST_P(StoreContractTest, ManyMegabytesSurviveTheDeathOfTheProcess) {
  constexpr uint64_t kGroups = 170;
  const std::string megabyte(size_t{1} << 20, 'x');
  for (uint64_t ts = 1; ts <= kGroups; ++ts) {
    ASSERT_TRUE(IsOk(Write(store(), {CommitOf(ts, {{"key" + std::to_string(ts % 3), megabyte},
                                                   {"last", std::to_string(ts)}})})));
  }
  harness_->KillProcess();
  State state = LoadedFrom(Reopen());
  EXPECT_EQ(state["last"], std::pair(std::to_string(kGroups), CommitTs{kGroups}));
  EXPECT_EQ(store().last_commit_ts(), CommitTs{kGroups});
  EXPECT_EQ(state.size(), 4u);
}

TEST_P(StoreContractTest, WhatIsWrittenWhileItCompactsSurvivesTheDeathOfTheProcess) {
  for (uint64_t round = 0; round < 5; ++round) {
    std::atomic<bool> compacted{false};
    uint64_t last = 0;
    std::thread writer([&] {
      last = store().last_commit_ts().value;
      do {
        ++last;
        EXPECT_TRUE(IsOk(Put(last, "key" + std::to_string(last % 100), std::to_string(last))));
      } while (!compacted.load());
    });
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsOk(store().Compact({})));
    compacted.store(true);
    writer.join();
    harness_->KillProcess();
    const State state = LoadedFrom(Reopen());
    EXPECT_EQ(store().last_commit_ts(), CommitTs{last});
    const auto newest = state.find("key" + std::to_string(last % 100));
    ASSERT_NE(newest, state.end());
    EXPECT_EQ(newest->second.first, std::to_string(last));
  }
}

enum class SyncBy { kWrite, kEmptyWrite, kSync, kFlush, kResume };

TEST_P(StoreContractTest, SyncedCommitsSurviveAPowerCut) {
  for (const SyncBy by :
       {SyncBy::kWrite, SyncBy::kEmptyWrite, SyncBy::kSync, SyncBy::kFlush, SyncBy::kResume}) {
    const uint64_t ts = store().last_commit_ts().value;
    ASSERT_TRUE(IsOk(Put(ts + 1, "a", "buffered" + std::to_string(ts))));
    switch (by) {
      case SyncBy::kWrite:
        ASSERT_TRUE(IsOk(Put(ts + 2, "b", "synced", Durability::kSync)));
        break;
      case SyncBy::kEmptyWrite:
        ASSERT_TRUE(IsOk(Write(store(), {}, Durability::kSync)));
        break;
      case SyncBy::kSync:
        EXPECT_EQ(ValueOf(store().Sync()), store().last_commit_ts());
        break;
      case SyncBy::kFlush:
        ASSERT_TRUE(IsOk(store().Flush()));
        break;
      case SyncBy::kResume:
        ASSERT_TRUE(IsOk(store().Resume()));
        break;
    }
    EXPECT_EQ(store().synced_ts(), store().last_commit_ts());
    const State before = LoadedFrom(store());
    harness_->CutPower();
    EXPECT_EQ(LoadedFrom(Reopen()), before);
  }
}

TEST_P(StoreContractTest, PowerCutLeavesWholeGroupsUpToSomePoint) {
  ASSERT_TRUE(IsOk(Put(1, "synced", "1", Durability::kSync)));
  std::vector<State> allowed = {LoadedFrom(store())};
  for (uint64_t ts = 2; ts < 20; ts += 2) {
    const std::string value = std::to_string(ts);
    ASSERT_TRUE(
        IsOk(Write(store(), {CommitOf(ts, {{"a", value}}), CommitOf(ts + 1, {{"z", value}})})));
    allowed.push_back(LoadedFrom(store()));
  }
  harness_->CutPower();
  const State after = LoadedFrom(Reopen());
  EXPECT_NE(std::find(allowed.begin(), allowed.end(), after), allowed.end()) << Shown(after);
}

// --- Failures ---------------------------------------------------------------------------

// What holds of every failed store, whatever made it fail.
void ExpectFailed(Store& store, absl::StatusCode code) {
  const std::string contents = Contents(store);
  const uint64_t ts = store.last_commit_ts().value + 100;
  for (const absl::Status& refused :
       {store.status(), Write(store, {CommitOf(ts, {{"refused", "x"}})}),
        Write(store, {CommitOf(ts, {{"refused", "x"}})}, Durability::kSync),
        Write(store, {}, Durability::kSync), store.Sync().status(), store.Flush()}) {
    EXPECT_EQ(refused.code(), code) << refused;
    EXPECT_FALSE(IsOutcomeUnknown(refused)) << refused;
    EXPECT_FALSE(refused.message().empty());
  }
  EXPECT_EQ(Contents(store), contents) << "reads go on";
  EXPECT_TRUE(IsOk(store.SplitKeys(4)));
}

TEST_P(StoreContractTest, FailedWriteLeavesItsOutcomeOpenUntilReopened) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  harness_->FailOperation(1, StoreFault::kIoError);
  const absl::Status failed = Put(6, "b", "2");
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsOutcomeUnknown(failed));
  EXPECT_EQ(Contents(store()), "a=1@5");
  EXPECT_EQ(store().last_commit_ts(), CommitTs{5});
  ExpectFailed(store(), absl::StatusCode::kUnavailable);

  const absl::Status closed = store().Close();
  EXPECT_EQ(closed.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsOutcomeUnknown(closed));
  const std::string reopened = Contents(Reopen());
  EXPECT_TRUE(reopened == "a=1@5" || reopened == "a=1@5 b=2@6") << reopened;
  EXPECT_TRUE(IsOk(Put(7, "c", "3")));
}

TEST_P(StoreContractTest, FailedSyncMakesTheStoreFail) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  harness_->FailOperation(1, StoreFault::kIoError);
  const absl::Status failed = store().Sync().status();
  EXPECT_TRUE(IsOutcomeUnknown(failed));
  EXPECT_LT(store().synced_ts(), CommitTs{5});
  ExpectFailed(store(), absl::StatusCode::kUnavailable);
  harness_->KillProcess();
  EXPECT_EQ(Contents(Reopen()), "a=1@5");
}

TEST_P(StoreContractTest, StoreThatFailedOfAnIoErrorDoesNotResume) {
  harness_->FailOperation(1, StoreFault::kIoError);
  ASSERT_FALSE(IsOk(Put(5, "a", "1")));
  harness_->Heal();
  EXPECT_EQ(store().Resume().code(), absl::StatusCode::kUnavailable);
  ExpectFailed(store(), absl::StatusCode::kUnavailable);
}

TEST_P(StoreContractTest, StoreThatFailedOnAFullDiskResumesWithExactlyWhatItAcknowledged) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  harness_->FailOperation(1, StoreFault::kDiskFull);
  const absl::Status failed = Put(6, "b", "2");
  EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(IsOutcomeUnknown(failed));
  ExpectFailed(store(), absl::StatusCode::kResourceExhausted);

  EXPECT_EQ(store().Resume().code(), absl::StatusCode::kResourceExhausted) << "still full";
  ExpectFailed(store(), absl::StatusCode::kResourceExhausted);

  harness_->Heal();
  ASSERT_TRUE(IsOk(store().Resume()));
  EXPECT_TRUE(IsOk(store().status()));
  EXPECT_EQ(Contents(store()), "a=1@5");
  EXPECT_EQ(store().synced_ts(), CommitTs{5});
  ASSERT_TRUE(IsOk(Put(7, "c", "3", Durability::kSync)));
  harness_->CutPower();
  EXPECT_EQ(Contents(Reopen()), "a=1@5 c=3@7") << "the failed write came back";
}

TEST_P(StoreContractTest, AcknowledgedCommitsSurviveAResumeAndAPowerCut) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  harness_->FailOperation(1, StoreFault::kDiskFull);
  ASSERT_FALSE(IsOk(store().Sync()));
  harness_->Heal();
  ASSERT_TRUE(IsOk(store().Resume()));
  harness_->CutPower();
  EXPECT_EQ(Contents(Reopen()), "a=1@5");
}

TEST_P(StoreContractTest, ClosedStoreRefusesEverythingAndClosesAgain) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  ASSERT_TRUE(IsOk(store().Close()));
  EXPECT_TRUE(IsOk(store().Close()));
  EXPECT_TRUE(FailsWith(Put(6, "b", "2"), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(Write(store(), {}, Durability::kSync), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(store().Sync(), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(store().Flush(), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(store().Resume(), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(store().status(), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(store().SplitKeys(2), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(store().Load({}, [](const StoreEntry&) { return absl::OkStatus(); }),
                        ErrorKind::kClosed));
}

TEST_P(StoreContractTest, CloseThatFailsSaysSoEachTimeAndLetsGo) {
  ASSERT_TRUE(IsOk(Put(5, "a", "1")));
  harness_->FailOperation(1, StoreFault::kIoError);
  const absl::Status first = store().Close();
  EXPECT_EQ(first.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsOutcomeUnknown(first));
  EXPECT_EQ(store().Close(), first);
  EXPECT_TRUE(FailsWith(store().status(), ErrorKind::kClosed));
  EXPECT_EQ(Contents(Reopen()), "a=1@5");
}

// --- Against a model ----------------------------------------------------------------------

// The states that a store went through, by the last commit of each, and how far they are
// sure to survive. Slow and obviously right.
class StoreHistory {
 public:
  const State& newest() const { return states_.rbegin()->second; }
  CommitTs last() const { return states_.rbegin()->first; }

  void Written(CommitTs ts, State state) { states_[ts] = std::move(state); }
  void Synced() { synced_ = last(); }
  // A write whose outcome is open.
  void MayBeWritten(CommitTs ts, State state) { open_ = {ts, std::move(state)}; }
  void WasNotWritten() { open_.reset(); }

  // Checks what a reopened store holds, after a power cut or else, and goes on from there.
  void ExpectAfter(const Store& store, bool power_cut) {
    const CommitTs last_before = last();
    if (open_) states_.insert(*std::exchange(open_, std::nullopt));
    const CommitTs found = store.last_commit_ts();
    EXPECT_GE(found, power_cut ? synced_ : last_before);
    EXPECT_GE(found, store.synced_ts());
    ASSERT_TRUE(states_.contains(found)) << "not a state at the end of a group: " << found;
    EXPECT_EQ(Shown(LoadedFrom(store)), Shown(states_[found]));
    states_.erase(states_.upper_bound(found), states_.end());
    if (power_cut) Synced();  // What stayed then was on disk.
  }

 private:
  std::map<CommitTs, State> states_ = {{kBeforeEverything, {}}};
  CommitTs synced_ = kBeforeEverything;
  std::optional<std::pair<CommitTs, State>> open_;
};

std::vector<TestCommit> RandomGroup(Random& random, uint64_t ts) {
  std::vector<TestCommit> group;
  for (uint64_t i = random.Between(1, 4); i > 0; --i) {
    ts += random.Between(1, 5);
    TestCommit commit{ts, {}};
    for (uint64_t n = random.Below(6); n > 0; --n) {
      const std::string key = std::to_string(random.Below(30));
      if (random.OneIn(8)) {
        const std::string upper = key + std::to_string(random.Below(10));
        commit.batch.DeleteRange({.lower = key, .upper = upper});
      } else if (random.OneIn(4)) {
        commit.batch.Delete(key);
      } else {
        commit.batch.Put(key, std::to_string(random.Below(1000)));
      }
    }
    group.push_back(std::move(commit));
  }
  return group;
}

TEST_P(StoreContractTest, RandomLifeAgreesWithTheModel) {
  const uint64_t first_seed = PrintedSeed();
  const uint64_t seed_count = NumberFromEnv("FIRN_STORE_SEEDS", GetParam().seed_count);
  for (uint64_t seed = first_seed; seed < first_seed + seed_count; ++seed) {
    SCOPED_TRACE("FIRN_SEED=" + std::to_string(seed));
    Random random(seed);
    store_.reset();
    const std::unique_ptr<StoreHarness> harness = GetParam().make_harness();
    store_ = ValueOf(harness->Open());
    StoreHistory history;
    bool readable = true;
    for (int step = 0; step < 150; ++step) {
      if (random.OneIn(20)) {
        harness->FailOperation(random.Between(1, 10),
                               random.OneIn(2) ? StoreFault::kDiskFull : StoreFault::kIoError);
      }
      switch (random.Below(8)) {
        default: {
          const std::vector<TestCommit> group = RandomGroup(random, history.last().value);
          State state = history.newest();
          for (const TestCommit& commit : group) Apply(commit.batch, CommitTs{commit.ts}, state);
          const bool sync = random.OneIn(3);
          const absl::Status status =
              Write(store(), group, sync ? Durability::kSync : Durability::kBuffered);
          const CommitTs ts{group.back().ts};
          if (status.ok()) history.Written(ts, std::move(state));
          if (status.ok() && sync) history.Synced();
          if (IsOutcomeUnknown(status)) history.MayBeWritten(ts, std::move(state));
          break;
        }
        case 1:
          if (store().Sync().ok()) history.Synced();
          break;
        case 2:
          if (store().Flush().ok()) history.Synced();
          break;
        case 3: {
          if (random.OneIn(2)) harness->Heal();
          if (store().Resume().ok()) {
            history.WasNotWritten();
            history.Synced();
          }
          readable = store().SplitKeys(2).ok();
          break;
        }
        case 4: {
          if (!random.OneIn(3)) break;
          harness->Heal();
          const bool power_cut = random.OneIn(2);
          if (random.OneIn(3)) {
            if (store().Close().ok()) history.Synced();
          }
          if (power_cut) {
            harness->CutPower();
          } else if (random.OneIn(2)) {
            harness->KillProcess();
          }
          store_.reset();
          store_ = ValueOf(harness->Open());
          readable = true;
          ASSERT_NO_FATAL_FAILURE(history.ExpectAfter(store(), power_cut));
          break;
        }
      }
      if (readable) {
        ASSERT_EQ(Shown(LoadedFrom(store())), Shown(history.newest()));
      }
      ASSERT_EQ(store().last_commit_ts(), history.last());
    }
    store_.reset();  // Before its harness goes.
  }
}

// Every operation of one script fails once, in both ways: nothing acknowledged is lost.
TEST_P(StoreContractTest, AnyOperationMayFail) {
  for (const StoreFault fault : {StoreFault::kIoError, StoreFault::kDiskFull}) {
    bool passed = false;
    for (uint64_t nth = 1; !passed; ++nth) {
      ASSERT_LT(nth, 1000u);
      SCOPED_TRACE("operation " + std::to_string(nth) + " fails");
      store_.reset();
      const std::unique_ptr<StoreHarness> harness = GetParam().make_harness();
      harness->FailOperation(nth, fault);
      absl::StatusOr<std::unique_ptr<Store>> opened = harness->Open();
      if (!opened.ok()) {
        EXPECT_FALSE(opened.status().message().empty());
        harness->Heal();
        opened = harness->Open();
      }
      store_ = ValueOf(std::move(opened));
      StoreHistory history;
      passed = true;
      for (uint64_t ts = 1; ts <= 20; ++ts) {
        const std::vector<TestCommit> group = {CommitOf(ts, {{"k", std::to_string(ts)}})};
        State state = history.newest();
        Apply(group[0].batch, CommitTs{ts}, state);
        const bool sync = ts % 3 == 0;
        const absl::Status status =
            Write(store(), group, sync ? Durability::kSync : Durability::kBuffered);
        if (status.ok()) history.Written(CommitTs{ts}, state);
        if (status.ok() && sync) history.Synced();
        if (IsOutcomeUnknown(status)) history.MayBeWritten(CommitTs{ts}, state);
        passed &= status.ok();
        if (ts % 5 == 0 && store().Sync().ok()) history.Synced();
        passed &= store().status().ok();
      }
      harness->Heal();
      harness->CutPower();
      store_.reset();
      store_ = ValueOf(harness->Open());
      ASSERT_NO_FATAL_FAILURE(history.ExpectAfter(store(), true));
      store_.reset();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreContractTest,
                         ::testing::Values(MemoryKind("FailuresLand", true, 0),
                                           MemoryKind("FailuresDoNot", false, 0),
                                           MemoryKind("PowerCutsKeepSome", true, 1)),
                         [](const ::testing::TestParamInfo<StoreKind>& kind) {
                           return kind.param.name;
                         });
#ifndef __SANITIZE_THREAD__
INSTANTIATE_TEST_SUITE_P(Disk, StoreContractTest, ::testing::Values(RocksdbKind()),
                         [](const ::testing::TestParamInfo<StoreKind>& kind) {
                           return kind.param.name;
                         });
#endif

}  // namespace
}  // namespace firn::internal
