#include "engine/factory_table.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/support/delay_injector.h"
#include "tests/support/failing_new.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using ::firn::test::DelayInjector;
using ::firn::test::FailingAllocations;
using ::firn::test::FailsWith;
using ::firn::test::IsOk;
using ::firn::test::PrintedSeed;
using ::firn::test::Random;

// What a DbCore gives the table: a map with commits and a conditional store.
class FakeDb {
 public:
  absl::StatusOr<std::optional<LoadOrStoreResult>> Load(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto place = entries_.find(key);
    if (place == entries_.end()) return std::nullopt;
    return LoadOrStoreResult{place->second.value, true, place->second.commit_ts};
  }
  absl::StatusOr<LoadOrStoreResult> LoadOrStore(const std::string& key, std::string value) {
    const std::lock_guard lock(mutex_);
    LoadOrStoreResult result{value, false, CommitTs{last_ts_ + 1}};  // All allocation first.
    const auto [place, stored] =
        entries_.try_emplace(key, Entry{std::move(value), result.commit_ts});
    if (!stored) return LoadOrStoreResult{place->second.value, true, place->second.commit_ts};
    ++last_ts_;
    return result;
  }
  void Put(const std::string& key, std::string value) {
    const std::lock_guard lock(mutex_);
    entries_[key] = {std::move(value), CommitTs{++last_ts_}};
  }
  void Delete(const std::string& key) {
    const std::lock_guard lock(mutex_);
    entries_.erase(key);
  }

 private:
  struct Entry {
    std::string value;
    CommitTs commit_ts;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  uint64_t last_ts_ = 0;
};

using MakeValue = std::function<absl::StatusOr<std::string>()>;
using Outcome = absl::StatusOr<LoadOrStoreResult>;

class FactoryTableTest : public ::testing::Test {
 protected:
  Outcome Run(const std::string& key, const MakeValue& factory) {
    return RunOn(table_, db_, key, factory);
  }
  static Outcome RunOn(FactoryTable& table, FakeDb& db, const std::string& key,
                       const MakeValue& factory) {
    return table.Run(
        key, [&] { return db.Load(key); }, factory,
        [&](std::string value) { return db.LoadOrStore(key, std::move(value)); });
  }

  // For factories that end only once others wait for them.
  void UntilWaiting(size_t count) const {
    while (table_.waiting_count() < count) std::this_thread::yield();
  }

  FakeDb db_;
  FactoryTable table_;
};

MakeValue Value(std::string value) {
  return [value] { return value; };
}

TEST_F(FactoryTableTest, PresentKeyIsLoadedAndItsFactoryNotRun) {
  db_.Put("k", "there");
  const Outcome outcome = Run("k", [] {
    ADD_FAILURE() << "the factory ran";
    return "made";
  });
  ASSERT_TRUE(IsOk(outcome));
  EXPECT_EQ(outcome->value, "there");
  EXPECT_TRUE(outcome->loaded);
  EXPECT_EQ(outcome->commit_ts, CommitTs{1});
}

TEST_F(FactoryTableTest, AbsentKeyGetsWhatTheFactoryMakes) {
  const Outcome outcome = Run("k", Value("made"));
  ASSERT_TRUE(IsOk(outcome));
  EXPECT_EQ(outcome->value, "made");
  EXPECT_FALSE(outcome->loaded);
  EXPECT_EQ(outcome->commit_ts, CommitTs{1});
  EXPECT_EQ(db_.Load("k").value()->value, "made");
}

TEST_F(FactoryTableTest, CommitThatLandsDuringTheFactoryWins) {
  const Outcome outcome = Run("k", [&] {
    db_.Put("k", "theirs");
    return "made";
  });
  ASSERT_TRUE(IsOk(outcome));
  EXPECT_EQ(outcome->value, "theirs");
  EXPECT_TRUE(outcome->loaded);
}

TEST_F(FactoryTableTest, FactoryErrorIsReturnedAsItIsAndTheNextCallTriesAgain) {
  const Outcome outcome =
      Run("k", []() -> absl::StatusOr<std::string> { return absl::NotFoundError("no source"); });
  EXPECT_EQ(outcome.status(), absl::NotFoundError("no source"));
  EXPECT_EQ(Run("k", Value("made"))->value, "made");
}

TEST_F(FactoryTableTest, ExceptionOfAFactoryIsAborted) {
  const Outcome outcome =
      Run("k\n", []() -> absl::StatusOr<std::string> { throw std::runtime_error("no source"); });
  EXPECT_TRUE(FailsWith(outcome, ErrorKind::kFactoryThrew));
  EXPECT_EQ(outcome.status().message(),
            "the factory for key \"k\\n\" threw \"no source\"; nothing was stored: return an error "
            "from it instead");
  EXPECT_TRUE(FailsWith(Run("k", []() -> absl::StatusOr<std::string> { throw 7; }),
                        ErrorKind::kFactoryThrew));
  EXPECT_EQ(Run("k", Value("made"))->value, "made");
}

// --- Waiting ----------------------------------------------------------------------------

// Calls Run("k") on `count` threads; the first factory lasts until all others wait.
class SharedFlightTest : public FactoryTableTest {
 protected:
  static constexpr size_t kThreads = 8;

  std::vector<Outcome> RunOnManyThreads(const MakeValue& factory) {
    std::vector<Outcome> outcomes(kThreads, absl::UnknownError("not run"));
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        outcomes[i] = Run("k", [&] {
          ++factory_runs_;
          UntilWaiting(kThreads - 1);
          return factory();
        });
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(factory_runs_, 1);
    EXPECT_EQ(table_.waiting_count(), 0u);
    return outcomes;
  }

  std::atomic<int> factory_runs_{0};
};

TEST_F(SharedFlightTest, OneFactoryRunsAndAllShareItsValue) {
  int stored = 0;
  for (const Outcome& outcome : RunOnManyThreads(Value("made"))) {
    ASSERT_TRUE(IsOk(outcome));
    EXPECT_EQ(outcome->value, "made");
    EXPECT_EQ(outcome->commit_ts, CommitTs{1});
    stored += !outcome->loaded;
  }
  EXPECT_EQ(stored, 1);
}

TEST_F(SharedFlightTest, AllShareTheCommitThatLandedFirst) {
  const auto factory = [&] {
    db_.Put("k", "theirs");
    return "made";
  };
  for (const Outcome& outcome : RunOnManyThreads(factory)) {
    ASSERT_TRUE(IsOk(outcome));
    EXPECT_EQ(outcome->value, "theirs");
    EXPECT_TRUE(outcome->loaded);
  }
}

TEST_F(SharedFlightTest, AllShareTheFactoryError) {
  for (const Outcome& outcome : RunOnManyThreads(
           []() -> absl::StatusOr<std::string> { return absl::NotFoundError("no source"); })) {
    EXPECT_EQ(outcome.status(), absl::NotFoundError("no source"));
  }
}

TEST_F(SharedFlightTest, AllShareTheException) {
  for (const Outcome& outcome : RunOnManyThreads(
           []() -> absl::StatusOr<std::string> { throw std::runtime_error("no source"); })) {
    EXPECT_TRUE(FailsWith(outcome, ErrorKind::kFactoryThrew));
  }
}

TEST_F(FactoryTableTest, SharersGetTheErrorOfTheOwnersCommit) {
  const auto run = [&](const MakeValue& factory) {
    return table_.Run(
        "k", [&] { return db_.Load("k"); }, factory,
        [&](std::string) -> Outcome { return absl::UnavailableError("disk gone"); });
  };
  Outcome shared;
  std::thread sharer;
  const Outcome owned = run([&] {
    sharer = std::thread([&] { shared = run(Value("not run")); });
    UntilWaiting(1);
    return "made";
  });
  sharer.join();
  EXPECT_EQ(owned.status(), absl::UnavailableError("disk gone"));
  EXPECT_EQ(shared.status(), absl::UnavailableError("disk gone"));
}

TEST_F(FactoryTableTest, SharerGetsTheStoredValueThoughItIsDeletedAtOnce) {
  Outcome shared;
  std::thread sharer;
  const Outcome owned = table_.Run(
      "k", [&] { return db_.Load("k"); },
      [&] {
        sharer = std::thread([&] { shared = Run("k", Value("second")); });
        UntilWaiting(1);
        return "first";
      },
      [&](std::string value) {
        Outcome stored = db_.LoadOrStore("k", std::move(value));
        db_.Delete("k");
        return stored;
      });
  sharer.join();
  ASSERT_TRUE(IsOk(shared));
  EXPECT_EQ(shared->value, "first");
  EXPECT_TRUE(shared->loaded);
}

TEST_F(FactoryTableTest, WhoComesAfterTheCommitDoesNotGetAValueDeletedBeforeItsCall) {
  Outcome late;
  std::thread latecomer;
  const Outcome owned = table_.Run(
      "k", [&] { return db_.Load("k"); }, Value("first"),
      [&](std::string value) {
        Outcome stored = db_.LoadOrStore("k", std::move(value));
        db_.Delete("k");
        latecomer = std::thread([&] { late = Run("k", Value("second")); });
        UntilWaiting(1);
        return stored;
      });
  latecomer.join();
  EXPECT_EQ(owned->value, "first");
  ASSERT_TRUE(IsOk(late));
  EXPECT_EQ(late->value, "second");
  EXPECT_FALSE(late->loaded);
}

// The key gets its value between the call's load and its turn.
TEST_F(FactoryTableTest, FactoryIsNotRunIfTheValueArrivesBeforeItsTurn) {
  const Outcome outcome = table_.Run(
      "k",
      [&] {
        auto loaded = db_.Load("k");
        db_.Put("k", "theirs");
        return loaded;
      },
      [&]() -> absl::StatusOr<std::string> {
        ADD_FAILURE() << "the factory ran";
        return "made";
      },
      [&](std::string value) { return db_.LoadOrStore("k", std::move(value)); });
  ASSERT_TRUE(IsOk(outcome));
  EXPECT_EQ(outcome->value, "theirs");
}

TEST_F(FactoryTableTest, WaiterDoesNotGetAFoundValueDeletedBeforeItsCall) {
  Outcome late;
  std::thread latecomer;
  int loads = 0;
  const Outcome owned = table_.Run(
      "k",
      [&] {
        if (++loads == 1) return db_.Load("k");
        db_.Put("k", "theirs");
        auto found = db_.Load("k");
        db_.Delete("k");
        latecomer = std::thread([&] { late = Run("k", Value("second")); });
        UntilWaiting(1);
        return found;
      },
      Value("not made"), [&](std::string value) { return db_.LoadOrStore("k", std::move(value)); });
  latecomer.join();
  EXPECT_EQ(owned->value, "theirs");
  ASSERT_TRUE(IsOk(late));
  EXPECT_EQ(late->value, "second");
}

TEST_F(FactoryTableTest, KeysDoNotWaitForEachOther) {
  std::thread other;
  const Outcome outcome = Run("a", [&] {
    other = std::thread([&] { EXPECT_EQ(Run("b", Value("2"))->value, "2"); });
    other.join();  // While this factory runs.
    return "1";
  });
  EXPECT_EQ(outcome->value, "1");
}

// --- Cycles -----------------------------------------------------------------------------

TEST_F(FactoryTableTest, NestedFactoriesOnDifferentKeysAreLegal) {
  const Outcome outcome = Run("a", [&]() -> absl::StatusOr<std::string> {
    const Outcome inner = Run(
        "b", [&]() -> absl::StatusOr<std::string> { return Run("c", Value("3"))->value + "2"; });
    return inner->value + "1";
  });
  EXPECT_EQ(outcome->value, "321");
  EXPECT_EQ(db_.Load("b").value()->value, "32");
}

TEST_F(FactoryTableTest, FactoryThatAsksForItsOwnKeyIsRefused) {
  const Outcome outcome = Run("k", [&]() -> absl::StatusOr<std::string> {
    const Outcome inner = Run("k", Value("inner"));
    EXPECT_TRUE(FailsWith(inner, ErrorKind::kFactoryCycle));
    return inner.status();
  });
  EXPECT_TRUE(FailsWith(outcome, ErrorKind::kFactoryCycle));
  EXPECT_EQ(Run("k", Value("made"))->value, "made");
}

TEST_F(FactoryTableTest, FactoryMayRecoverFromARefusedRecursion) {
  const Outcome outcome = Run("a", [&] {
    const Outcome inner = Run("b", [&] {
      EXPECT_TRUE(FailsWith(Run("a", Value("inner")), ErrorKind::kFactoryCycle));
      return "b without a";
    });
    return inner->value;
  });
  EXPECT_EQ(outcome->value, "b without a");
}

// Thread i makes key i and needs key i + 1 for it; the last one needs key 0.
class CycleTest : public FactoryTableTest, public ::testing::WithParamInterface<size_t> {
 protected:
  std::vector<Outcome> RunRing(
      const std::function<absl::StatusOr<std::string>(size_t thread, const Outcome& needed)>&
          make) {
    const size_t count = GetParam();
    std::vector<Outcome> outcomes(count, absl::UnknownError("not run"));
    std::vector<std::thread> threads;
    std::atomic<size_t> begun{0};
    for (size_t i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        outcomes[i] = Run(std::to_string(i), [&, i] {
          ++begun;
          while (begun < count) std::this_thread::yield();
          return make(i, Run(std::to_string((i + 1) % count), Value("alone")));
        });
      });
    }
    for (std::thread& thread : threads) thread.join();
    return outcomes;
  }
};

TEST_P(CycleTest, ExactlyOneCallIsRefusedAndTheOthersGoOn) {
  std::atomic<int> refused{0};
  const std::vector<Outcome> outcomes =
      RunRing([&](size_t thread, const Outcome& needed) -> absl::StatusOr<std::string> {
        if (needed.ok()) return needed->value + std::to_string(thread);
        EXPECT_TRUE(FailsWith(needed, ErrorKind::kFactoryCycle));
        ++refused;
        return std::to_string(thread);
      });
  EXPECT_EQ(refused, 1);
  size_t longest = 0;
  for (const Outcome& outcome : outcomes) {
    ASSERT_TRUE(IsOk(outcome));
    longest = std::max(longest, outcome->value.size());
  }
  EXPECT_EQ(longest, GetParam());
}

TEST_P(CycleTest, RefusalHandedOnReachesEverybodyInTheRing) {
  const std::vector<Outcome> outcomes =
      RunRing([](size_t, const Outcome& needed) -> absl::StatusOr<std::string> {
        if (!needed.ok()) return needed.status();
        return needed->value;
      });
  for (const Outcome& outcome : outcomes) {
    EXPECT_TRUE(FailsWith(outcome, ErrorKind::kFactoryCycle));
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, CycleTest, ::testing::Values(2, 3, 7));

TEST_F(FactoryTableTest, CycleThroughAnotherDbIsRefusedToo) {
  FakeDb other_db;
  FactoryTable other_table;
  const Outcome outcome = Run("k", [&]() -> absl::StatusOr<std::string> {
    const Outcome inner = RunOn(other_table, other_db, "k", [&]() -> absl::StatusOr<std::string> {
      return Run("k", Value("inner")).status();
    });
    return inner.status();
  });
  EXPECT_TRUE(FailsWith(outcome, ErrorKind::kFactoryCycle));
}

TEST_F(FactoryTableTest, WaitingForAnEndedFlightIsNoCycle) {
  // The left thread ends "a" and at once wants "b", whose maker waits for "a" and may not
  // have woken up yet.
  const DelayInjector delays(PrintedSeed());
  for (int round = 0; round < 300; ++round) {
    const std::string a = "a" + std::to_string(round);
    const std::string b = "b" + std::to_string(round);
    std::thread right([&] {
      EXPECT_TRUE(IsOk(Run(b, [&]() -> absl::StatusOr<std::string> {
        const Outcome inner = Run(a, Value("1"));
        EXPECT_TRUE(IsOk(inner));
        return inner->value;
      })));
    });
    EXPECT_TRUE(IsOk(Run(a, Value("1"))));
    EXPECT_TRUE(IsOk(Run(b, Value("1"))));
    right.join();
  }
}

// --- Everything at once -------------------------------------------------------------------

TEST_F(FactoryTableTest, RandomNestingEndsAndRunsOneFactoryPerKeyAtATime) {
  constexpr size_t kThreads = 6;
  constexpr size_t kKeys = 5;
  constexpr int kRounds = 150;
  const uint64_t seed = PrintedSeed();
  const DelayInjector delays(seed);
  std::vector<std::atomic<int>> running(kKeys);
  std::atomic<uint64_t> refused{0};

  std::function<Outcome(Random&, size_t, int)> run = [&](Random& random, size_t key, int depth) {
    return Run(std::to_string(key), [&, key, depth]() -> absl::StatusOr<std::string> {
      EXPECT_EQ(running[key].fetch_add(1), 0) << "two factories on one key";
      absl::StatusOr<std::string> made = std::to_string(key);
      if (depth < 4 && !random.OneIn(3)) {
        const Outcome inner = run(random, random.Below(kKeys), depth + 1);
        if (KindOf(inner.status()) == ErrorKind::kFactoryCycle) ++refused;
        if (!inner.ok() && random.OneIn(2)) made = inner.status();
      }
      running[key].fetch_sub(1);
      if (random.OneIn(20)) throw std::runtime_error("at random");
      return made;
    });
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Random random(seed + i);
      for (int round = 0; round < kRounds; ++round) {
        const size_t key = random.Below(kKeys);
        const Outcome outcome = run(random, key, 0);
        if (outcome.ok()) {
          EXPECT_EQ(outcome->value, std::to_string(key));
        } else {
          EXPECT_TRUE(FailsWith(outcome, KindOf(outcome.status())));
        }
        db_.Delete(std::to_string(random.Below(kKeys)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(table_.waiting_count(), 0u);
}

TEST_F(FactoryTableTest, FailedAllocationStoresNothingAndLeavesTheTableUsable) {
  const std::string key = "a key too long for any small string of the library";
  bool passed = false;
  for (int succeeding = 0; !passed; ++succeeding) {
    ASSERT_LT(succeeding, 100);
    Outcome outcome;
    {
      const FailingAllocations failing(succeeding);
      outcome = Run(key, [] { return std::string(100, 'v'); });
    }
    passed = outcome.ok();
    if (!passed) {
      const ErrorKind kind = KindOf(outcome.status());
      EXPECT_TRUE(kind == ErrorKind::kOutOfMemory || kind == ErrorKind::kFactoryThrew);
      EXPECT_FALSE(db_.Load(key)->has_value());
    }
  }
  EXPECT_TRUE(db_.Load(key)->has_value());
}

}  // namespace
}  // namespace firn::internal
