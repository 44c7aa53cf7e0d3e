// Conditional verbs: each is one atomic step with one winner.
#include <atomic>
#include <chrono>
#include <latch>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/point_observer.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Contents;
using test::FailsWith;
using test::IsOk;
using test::NumberedKey;
using test::OpenTestDb;
using test::ValueOf;

using MadeValue = absl::StatusOr<std::string>;

MadeValue NeverCalled() {
  ADD_FAILURE() << "the factory is not needed";
  return "unneeded";
}

// Runs `body(thread)` on `count` threads that start together, and waits for all.
template <class Body>
void OnThreads(int count, Body body) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < count; ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      body(thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(VerbsTest, LoadOrStoreStoresOnce) {
  const auto db = OpenTestDb();
  const LoadOrStoreResult stored = ValueOf(db->LoadOrStore("a", "1"));
  EXPECT_FALSE(stored.loaded);
  EXPECT_EQ(stored.value, "1");
  EXPECT_EQ(stored.commit_ts, db->LatestCommitTs());
  const LoadOrStoreResult loaded = ValueOf(db->LoadOrStore("a", "2"));
  EXPECT_TRUE(loaded.loaded);
  EXPECT_EQ(loaded.value, "1");
  EXPECT_EQ(loaded.commit_ts, stored.commit_ts);
  EXPECT_EQ(db->LatestCommitTs(), stored.commit_ts) << "a load is no commit";
}

TEST(VerbsTest, SwapAndLoadAndDeleteAnswerWhatWasThere) {
  const auto db = OpenTestDb();
  EXPECT_EQ(ValueOf(db->Swap("a", "1")).old, std::nullopt);
  EXPECT_EQ(ValueOf(db->Swap("a", "2")).old, "1");
  const ExchangeResult deleted = ValueOf(db->LoadAndDelete("a"));
  EXPECT_EQ(deleted.old, "2");
  EXPECT_EQ(deleted.commit_ts, db->LatestCommitTs());
  const ExchangeResult again = ValueOf(db->LoadAndDelete("a"));
  EXPECT_EQ(again.old, std::nullopt);
  EXPECT_GT(again.commit_ts, deleted.commit_ts) << "deleting nothing is a commit too";
}

TEST(VerbsTest, CompareAndSwapWritesOnlyWhatItExpected) {
  const auto db = OpenTestDb();
  EXPECT_EQ(ValueOf(db->CompareAndSwap("a", "1", "2")), std::nullopt);
  EXPECT_TRUE(ValueOf(db->CompareAndSwap("a", std::nullopt, "1")).has_value());
  EXPECT_EQ(ValueOf(db->CompareAndSwap("a", std::nullopt, "2")), std::nullopt);
  EXPECT_EQ(ValueOf(db->CompareAndSwap("a", "", "2")), std::nullopt);
  const CommitTs before = db->LatestCommitTs();
  EXPECT_EQ(ValueOf(db->CompareAndSwap("a", "0", "2")), std::nullopt);
  EXPECT_EQ(db->LatestCommitTs(), before) << "a refusal is no commit";
  const std::optional<CommitTs> committed1 = ValueOf(db->CompareAndSwap("a", "1", "1"));
  EXPECT_EQ(committed1, db->LatestCommitTs());
  EXPECT_GT(db->LatestCommitTs(), before) << "the same value is a commit";
}

#ifdef FIRN_INVARIANTS
// Between its stamp and its publishing a commit is judged by others, but nobody can read it yet.
TEST(VerbsTest, ARefusalComesWhenWhatItJudgedCanBeRead) {
  const auto db = OpenTestDb();
  const std::thread::id writer = std::this_thread::get_id();
  std::thread refused;
  std::atomic<bool> answered{false};
  {
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "oracle:before_publish" || std::this_thread::get_id() != writer) return;
      refused = std::thread([&] {
        EXPECT_EQ(ValueOf(db->CompareAndSwap("a", std::nullopt, "2")), std::nullopt);
        EXPECT_EQ(ValueOf(db->Get("a")), "1");
        answered = true;
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      EXPECT_FALSE(answered);
    });
    ValueOf(db->Put("a", "1"));
    refused.join();
  }
  EXPECT_TRUE(answered);
}
#endif  // FIRN_INVARIANTS

TEST(VerbsTest, CompareAndDeleteDeletesOnlyWhatItExpected) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  EXPECT_EQ(ValueOf(db->CompareAndDelete("a", "2")), std::nullopt);
  EXPECT_EQ(ValueOf(db->CompareAndDelete("a", std::nullopt)), std::nullopt);
  EXPECT_EQ(Contents(*db), "a=1");
  const std::optional<CommitTs> committed2 = ValueOf(db->CompareAndDelete("a", "1"));
  EXPECT_EQ(committed2, db->LatestCommitTs());
  EXPECT_EQ(Contents(*db), "");
  const std::optional<CommitTs> committed3 = ValueOf(db->CompareAndDelete("a", std::nullopt));
  EXPECT_EQ(committed3, db->LatestCommitTs());
}

TEST(VerbsTest, ConditionsSeeFrozenFreshAndLargeValues) {
  const auto db = OpenTestDb();
  const std::string large(200, 'x');
  for (const bool settled : {false, true}) {
    for (const std::string& value : {std::string("small"), large}) {
      ValueOf(db->Put("a", value));
      const Snapshot pin = db->GetSnapshot();
      ASSERT_TRUE(!settled || IsOk(db->Settle()));
      EXPECT_EQ(ValueOf(db->CompareAndSwap("a", value + "?", "no")), std::nullopt);
      EXPECT_EQ(ValueOf(db->LoadOrStore("a", "no")).value, value);
      EXPECT_TRUE(ValueOf(db->CompareAndDelete("a", value)).has_value());
      ASSERT_TRUE(!settled || IsOk(db->Settle()));
      EXPECT_EQ(ValueOf(db->CompareAndDelete("a", value)), std::nullopt);
      EXPECT_FALSE(ValueOf(db->LoadOrStore("a", "new")).loaded);
    }
  }
}

TEST(VerbsTest, LoadOrStoreHasOneWinnerAmongThreads) {
  const auto db = OpenTestDb();
  constexpr int kThreads = 4;
  constexpr size_t kKeys = 200;
  std::vector<std::vector<LoadOrStoreResult>> results(kThreads);
  OnThreads(kThreads, [&](int thread) {
    for (size_t i = 0; i < kKeys; ++i) {
      results[static_cast<size_t>(thread)].push_back(
          ValueOf(db->LoadOrStore(NumberedKey(i), std::to_string(thread))));
    }
  });
  for (size_t i = 0; i < kKeys; ++i) {
    int stored = 0;
    for (const auto& of_thread : results) {
      stored += of_thread[i].loaded ? 0 : 1;
      EXPECT_EQ(of_thread[i].value, results[0][i].value);
      EXPECT_EQ(of_thread[i].commit_ts, results[0][i].commit_ts);
    }
    EXPECT_EQ(stored, 1);
  }
}

TEST(VerbsTest, CompareAndSwapLosesNoIncrement) {
  const auto db = OpenTestDb();
  constexpr int kThreads = 4;
  constexpr int kIncrements = 250;
  ValueOf(db->Put("counter", "0"));
  OnThreads(kThreads, [&](int) {
    for (int i = 0; i < kIncrements;) {
      const std::string old = *ValueOf(db->Get("counter"));
      const std::string next = std::to_string(std::stoi(old) + 1);
      if (ValueOf(db->CompareAndSwap("counter", old, next))) ++i;
    }
  });
  EXPECT_EQ(ValueOf(db->Get("counter")), std::to_string(kThreads * kIncrements));
}

TEST(VerbsTest, SwapHandsEachValueToOneCaller) {
  const auto db = OpenTestDb();
  constexpr int kThreads = 4;
  constexpr int kSwaps = 200;
  std::vector<std::multiset<std::string>> old_values(kThreads);
  OnThreads(kThreads, [&](int thread) {
    for (int i = 0; i < kSwaps; ++i) {
      const std::string value = std::to_string(thread * kSwaps + i);
      const auto old = ValueOf(db->Swap("baton", value)).old;
      old_values[static_cast<size_t>(thread)].insert(old.value_or("nothing"));
    }
  });
  std::multiset<std::string> seen = {*ValueOf(db->Get("baton"))};
  for (const auto& of_thread : old_values) seen.insert(of_thread.begin(), of_thread.end());
  EXPECT_EQ(seen.count("nothing"), 1u);
  for (int i = 0; i < kThreads * kSwaps; ++i) EXPECT_EQ(seen.count(std::to_string(i)), 1u);
}

TEST(VerbsTest, DeletesHaveOneWinnerAmongThreads) {
  const auto db = OpenTestDb();
  constexpr size_t kKeys = 200;
  for (size_t i = 0; i < kKeys; ++i) ValueOf(db->Put(NumberedKey(i), "prize"));
  std::atomic<size_t> prizes = 0;
  OnThreads(4, [&](int thread) {
    for (size_t i = 0; i < kKeys; ++i) {
      const bool won = thread % 2 == 0
                           ? ValueOf(db->LoadAndDelete(NumberedKey(i))).old.has_value()
                           : ValueOf(db->CompareAndDelete(NumberedKey(i), "prize")).has_value();
      prizes += won ? 1 : 0;
    }
  });
  EXPECT_EQ(prizes, kKeys);
}

// --- The lazy form.

TEST(LazyLoadOrStoreTest, TheFactoryRunsOnlyIfNeeded) {
  const auto db = OpenTestDb();
  int calls = 0;
  const auto factory = [&]() -> MadeValue {
    ++calls;
    return "made";
  };
  const LoadOrStoreResult stored = ValueOf(db->LoadOrStore("a", factory));
  EXPECT_FALSE(stored.loaded);
  EXPECT_EQ(stored.value, "made");
  const LoadOrStoreResult loaded = ValueOf(db->LoadOrStore("a", factory));
  EXPECT_TRUE(loaded.loaded);
  EXPECT_EQ(loaded.commit_ts, stored.commit_ts);
  EXPECT_EQ(calls, 1);
}

TEST(LazyLoadOrStoreTest, ItRunsOncePerKeyWhileOthersWait) {
  const auto db = OpenTestDb();
  constexpr int kThreads = 4;
  constexpr int kKeys = 20;
  std::vector<std::atomic<int>> calls(kKeys);
  std::atomic<int> stored = 0;
  OnThreads(kThreads, [&](int) {
    for (size_t i = 0; i < kKeys; ++i) {
      const auto factory = [&]() -> MadeValue {
        ++calls[i];
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return "value of " + NumberedKey(i);
      };
      const LoadOrStoreResult result = ValueOf(db->LoadOrStore(NumberedKey(i), factory));
      EXPECT_EQ(result.value, "value of " + NumberedKey(i));
      stored += result.loaded ? 0 : 1;
    }
  });
  for (const std::atomic<int>& count : calls) EXPECT_EQ(count, 1);
  EXPECT_EQ(stored, kKeys);
}

TEST(LazyLoadOrStoreTest, FactoriesOfDifferentKeysRunTogether) {
  const auto db = OpenTestDb();
  std::latch both_inside(2);
  OnThreads(2, [&](int thread) {
    const auto factory = [&]() -> MadeValue {
      both_inside.arrive_and_wait();  // Returns only if the other factory runs as well.
      return "made";
    };
    EXPECT_TRUE(IsOk(db->LoadOrStore(NumberedKey(static_cast<size_t>(thread)), factory)));
  });
}

TEST(LazyLoadOrStoreTest, TheFactoryHoldsNoLock) {
  const auto db = OpenTestDb();
  const auto factory = [&]() -> MadeValue {
    std::thread([&] {
      ValueOf(db->Put("b", "1"));
      EXPECT_EQ(ValueOf(db->Get("a")), std::nullopt);
      EXPECT_TRUE(IsOk(db->Settle()));
      EXPECT_TRUE(IsOk(db->VerifyInvariants()));
    }).join();
    return "made";
  };
  EXPECT_EQ(ValueOf(db->LoadOrStore("a", factory)).value, "made");
  EXPECT_EQ(Contents(*db), "a=made b=1");
}

TEST(LazyLoadOrStoreTest, ACommitThatLandsFirstWins) {
  const auto db = OpenTestDb();
  CommitTs overtook;
  const auto factory = [&]() -> MadeValue {
    std::thread([&] { overtook = ValueOf(db->Put("a", "overtaker")); }).join();
    return "dropped";
  };
  const LoadOrStoreResult result = ValueOf(db->LoadOrStore("a", factory));
  EXPECT_TRUE(result.loaded);
  EXPECT_EQ(result.value, "overtaker");
  EXPECT_EQ(result.commit_ts, overtook);
  EXPECT_EQ(db->LatestCommitTs(), overtook);
}

// Starts a factory for "a" on another thread and, once it runs, a caller that waits for it.
// Answers what the owner and the waiter got.
std::pair<absl::Status, absl::Status> OwnerAndWaiter(Db& db, MadeValue (*factory)()) {
  std::latch running(1);
  std::atomic<bool> waiter_started = false;
  absl::Status owner;
  std::thread owner_thread([&] {
    owner = db.LoadOrStore("a", [&]() -> MadeValue {
                running.count_down();
                while (!waiter_started) std::this_thread::yield();
                // Long enough for the other to fall asleep on us, nearly always.
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                return factory();
              }).status();
  });
  running.wait();
  waiter_started = true;
  // A waiter that came too late runs a factory of its own.
  const absl::Status waiter = db.LoadOrStore("a", factory).status();
  owner_thread.join();
  return {owner, waiter};
}

TEST(LazyLoadOrStoreTest, AnErrorGoesToEverybodyWaiting) {
  const auto db = OpenTestDb();
  const auto [owner, waiter] =
      OwnerAndWaiter(*db, []() -> MadeValue { return absl::NotFoundError("no recipe"); });
  EXPECT_EQ(owner, absl::NotFoundError("no recipe"));
  EXPECT_EQ(waiter, absl::NotFoundError("no recipe"));
  EXPECT_EQ(Contents(*db), "");
  EXPECT_EQ(ValueOf(db->LoadOrStore("a", [] { return MadeValue("now"); })).value, "now");
}

TEST(LazyLoadOrStoreTest, AnExceptionIsAbortedForEverybody) {
  const auto db = OpenTestDb();
  const auto [owner, waiter] =
      OwnerAndWaiter(*db, []() -> MadeValue { throw std::runtime_error("broken"); });
  EXPECT_TRUE(FailsWith(owner, ErrorKind::kFactoryThrew));
  EXPECT_TRUE(FailsWith(waiter, ErrorKind::kFactoryThrew));
  EXPECT_TRUE(
      FailsWith(db->LoadOrStore("a", []() -> MadeValue { throw 42; }), ErrorKind::kFactoryThrew));
  EXPECT_EQ(ValueOf(db->LoadOrStore("a", [] { return MadeValue("now"); })).value, "now");
}

TEST(LazyLoadOrStoreTest, AnErrorOfItsOwnCommitGoesToEverybody) {
  const auto db = OpenTestDb();
  WriteOptions in_the_past;
  in_the_past.commit_ts = CommitTs{1};
  ValueOf(db->Put("b", "1"));
  const auto factory = [] { return MadeValue("made"); };
  EXPECT_TRUE(FailsWith(db->LoadOrStore("a", factory, in_the_past), ErrorKind::kTimestampInPast));
  EXPECT_EQ(ValueOf(db->LoadOrStore("a", factory)).value, "made");
}

TEST(LazyLoadOrStoreTest, WaitingForItselfIsRefused) {
  const auto db = OpenTestDb();
  absl::Status inner;
  const auto factory = [&]() -> MadeValue {
    inner = db->LoadOrStore("a", NeverCalled).status();
    return "outer";
  };
  EXPECT_EQ(ValueOf(db->LoadOrStore("a", factory)).value, "outer");
  EXPECT_TRUE(FailsWith(inner, ErrorKind::kFactoryCycle));
}

TEST(LazyLoadOrStoreTest, WaitingForItselfThroughAnotherKeyIsRefused) {
  const auto db = OpenTestDb();
  absl::Status innermost;
  const auto factory = [&]() -> MadeValue {
    const auto nested = [&]() -> MadeValue {
      innermost = db->LoadOrStore("a", NeverCalled).status();
      return "b";
    };
    return ValueOf(db->LoadOrStore("b", nested)).value + "+a";
  };
  EXPECT_EQ(ValueOf(db->LoadOrStore("a", factory)).value, "b+a");
  EXPECT_TRUE(FailsWith(innermost, ErrorKind::kFactoryCycle));
  EXPECT_EQ(Contents(*db), "a=b+a b=b");
}

// A ring of threads, each making one key out of the next: the one that would close the
// ring is refused, and with what it makes instead all others finish.
TEST(LazyLoadOrStoreTest, ARingOfThreadsIsBrokenOnce) {
  for (const int ring : {2, 3, 4}) {
    const auto db = OpenTestDb();
    std::latch all_inside(ring);
    std::atomic<int> refused = 0;
    OnThreads(ring, [&](int thread) {
      const auto factory = [&]() -> MadeValue {
        all_inside.arrive_and_wait();
        const size_t next = static_cast<size_t>((thread + 1) % ring);
        const auto other = db->LoadOrStore(NumberedKey(next), NeverCalled);
        if (other.ok()) return other->value + "+";
        EXPECT_TRUE(FailsWith(other, ErrorKind::kFactoryCycle));
        ++refused;
        return "start";
      };
      EXPECT_TRUE(IsOk(db->LoadOrStore(NumberedKey(static_cast<size_t>(thread)), factory)));
    });
    EXPECT_EQ(refused, 1);
    std::multiset<size_t> lengths;
    for (const test::Entry& entry : test::ReadForward(*db)) lengths.insert(entry.value.size());
    std::multiset<size_t> expected;
    for (int i = 0; i < ring; ++i) expected.insert(std::string("start").size() + i);
    EXPECT_EQ(lengths, expected);
  }
}

TEST(LazyLoadOrStoreTest, AFactoryMayUseOtherKeysOfTheDb) {
  const auto db = OpenTestDb();
  const auto fibonacci = [&](auto& self, size_t n) -> MadeValue {
    if (n < 2) return std::to_string(n);
    const auto make = [&](size_t k) {
      return std::stoull(
          ValueOf(db->LoadOrStore(NumberedKey(k), [&, k] { return self(self, k); })).value);
    };
    return std::to_string(make(n - 1) + make(n - 2));
  };
  const auto result =
      ValueOf(db->LoadOrStore(NumberedKey(60), [&] { return fibonacci(fibonacci, 60); }));
  EXPECT_EQ(result.value, "1548008755920");
  EXPECT_EQ(ValueOf(db->Stats()).key_count, 61u);
}

TEST(LazyLoadOrStoreTest, CloseWhileAFactoryRuns) {
  const auto db = OpenTestDb();
  const auto factory = [&]() -> MadeValue {
    EXPECT_TRUE(IsOk(db->Close()));
    return "too late";
  };
  EXPECT_TRUE(FailsWith(db->LoadOrStore("a", factory), ErrorKind::kClosed));
}

}  // namespace
}  // namespace firn
