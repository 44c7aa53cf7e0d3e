// Threads against invariants that hold at every moment, for ThreadSanitizer and for the eye:
// tiny leaves, a background thread, and delays at the schedule points.
//
//   FIRN_STRESS_SECONDS=n   how long each test runs (default 4)
//   FIRN_SEED=n             the seed of all random choices; threads still race
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/delay_injector.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::CheckingCursor;
using test::Entry;
using test::FailsWith;
using test::IsOk;
using test::NumberedKey;
using test::Random;
using test::ValueOf;

class StressTest : public ::testing::Test {
 protected:
  StressTest() : seed_(test::PrintedSeed()), delays_(seed_) {
    Options options = test::TinyOptions();
    options.background = BackgroundMode::kThread;
    options.tuning.settle_idle_us = 200;
    options.tuning.block_bytes = 256;
    options.tuning.block_entries = 4;
    options.tuning.delta_slots = 3;
    db_ = test::OpenTestDb(options);
  }
  ~StressTest() override { JoinAll(); }

  // Runs `body(random)` again and again on a thread of its own until the time is up.
  void Start(std::function<void(Random&)> body) {
    threads_.emplace_back([this, body, seed = seed_ + 1000 * (threads_.size() + 1)] {
      Random random(seed);
      while (!done_.load(std::memory_order_relaxed) && !HasFailure()) body(random);
    });
  }
  void LetThemRun() {
    const auto end = std::chrono::steady_clock::now() + time_;
    while (std::chrono::steady_clock::now() < end && !HasFailure()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void JoinAll() {
    done_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  // The structure is sound, and nothing that nobody sees has stayed.
  void CheckTheEnd() {
    const DbStats stats = test::ExpectNothingStays(*db_);
    RecordProperty("commits", static_cast<int>(stats.commit_count));
    RecordProperty("freezes", static_cast<int>(stats.freeze_count));
    std::printf("%llu commits, %llu freezes, %llu splits, %llu merges, %llu schedule points\n",
                static_cast<unsigned long long>(stats.commit_count),
                static_cast<unsigned long long>(stats.freeze_count),
                static_cast<unsigned long long>(stats.split_count),
                static_cast<unsigned long long>(stats.merge_count),
                static_cast<unsigned long long>(delays_.points_passed()));
  }

  const std::chrono::milliseconds time_{
      1000 * static_cast<int64_t>(test::NumberFromEnv("FIRN_STRESS_SECONDS", 4))};
  const uint64_t seed_;
  test::DelayInjector delays_;
  std::unique_ptr<Db> db_;
  std::atomic<bool> done_{false};  // Writer: JoinAll(). relaxed: only ends loops.
  std::vector<std::thread> threads_;
};

// --- Accounts: each writer moves money between accounts of its own, which stand between
// everybody else's. So the total never changes.

class AccountsTest : public StressTest {
 protected:
  static constexpr size_t kWriters = 2;
  static constexpr size_t kAccounts = 48;
  static constexpr int64_t kTotal = 1000 * static_cast<int64_t>(kAccounts);

  AccountsTest() {
    WriteBatch batch;
    for (size_t i = 0; i < kAccounts; ++i) batch.Put(NumberedKey(i), "1000");
    ValueOf(db_->Write(batch));
  }

  // Does nothing once the Db is closed.
  void Transfer(size_t writer, Random& random) {
    const auto own = [&] {
      return NumberedKey(random.Below(kAccounts / kWriters) * kWriters + writer);
    };
    const std::string from = own();
    const std::string to = own();
    if (from == to) return;
    const absl::StatusOr<std::optional<std::string>> from_value = db_->Get(from);
    const absl::StatusOr<std::optional<std::string>> to_value = db_->Get(to);
    if (!from_value.ok() || !to_value.ok()) return;
    const auto amount = static_cast<int64_t>(random.Below(100));
    WriteBatch batch;
    batch.Put(from, Padded(Balance(**from_value) - amount, random));
    batch.Put(to, Padded(Balance(**to_value) + amount, random));
    const absl::Status status = db_->Write(batch).status();
    EXPECT_TRUE(status.ok() || FailsWith(status, ErrorKind::kClosed));
  }
  // Spaces behind the number make some values large.
  static std::string Padded(int64_t balance, Random& random) {
    return std::to_string(balance) + std::string(random.OneIn(4) ? random.Below(40) : 0, ' ');
  }
  static int64_t Balance(std::string_view value) { return std::stoll(std::string(value)); }
};

TEST_F(AccountsTest, EverySnapshotSeesTheSameTotal) {
  for (size_t writer = 0; writer < kWriters; ++writer) {
    Start([this, writer](Random& random) { Transfer(writer, random); });
  }
  Start([this, last = CommitTs{}](Random& random) mutable {
    const Snapshot snapshot = db_->GetSnapshot();
    EXPECT_GE(snapshot.ts(), last) << "time runs forward";
    last = snapshot.ts();
    const std::vector<Entry> forward = test::ReadForward(snapshot);
    int64_t total = 0;
    for (const Entry& entry : forward) total += Balance(entry.value);
    EXPECT_EQ(forward.size(), kAccounts);
    EXPECT_EQ(total, kTotal);
    EXPECT_EQ(test::ReadBackward(snapshot), forward);
    const Entry& picked = forward[random.Below(forward.size())];
    EXPECT_EQ(ValueOf(snapshot.Get(picked.key)), picked.value);
  });
  Start([this](Random& random) {
    EXPECT_TRUE(!random.OneIn(10) || ValueOf(db_->Stats()).key_count == kAccounts);
    EXPECT_TRUE(!random.OneIn(10) || IsOk(db_->VerifyInvariants()));
    EXPECT_TRUE(!random.OneIn(10) || IsOk(db_->Settle()));
    int64_t total = 0;
    EXPECT_TRUE(IsOk(db_->Range({}, [&](std::string_view, std::string_view value) {
      total += Balance(value);
      return true;
    })));
    EXPECT_EQ(total, kTotal);
    const std::vector<SnapshotInfo> live = ValueOf(db_->LiveSnapshots());
    EXPECT_TRUE(std::is_sorted(live.begin(), live.end(),
                               [](const auto& a, const auto& b) { return a.ts < b.ts; }));
  });
  LetThemRun();
  JoinAll();
  CheckTheEnd();
}

TEST_F(AccountsTest, MultiGetSeesOneMoment) {
  for (size_t writer = 0; writer < kWriters; ++writer) {
    Start([this, writer](Random& random) { Transfer(writer, random); });
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < kAccounts; ++i) names.push_back(NumberedKey(i));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  for (int reader = 0; reader < 2; ++reader) {
    Start([this, &keys](Random&) {
      int64_t total = 0;
      for (const auto& value : ValueOf(db_->MultiGet(keys))) total += Balance(*value);
      EXPECT_EQ(total, kTotal);
    });
  }
  LetThemRun();
  JoinAll();
  CheckTheEnd();
}

// Iterators that stop half way, lie about, change hands, and go on where they stood, forward
// or backward, until each has seen the whole. At the end the Db closes under all of them.
TEST_F(AccountsTest, ParkedIteratorsGoOnAndCloseSparesNobody) {
  struct Parked {
    CheckingCursor cursor;
    bool forward;
    int64_t total;
    size_t seen;
  };
  std::mutex mutex;
  std::vector<Parked> parked;
  std::vector<Snapshot> held;
  std::atomic<uint64_t> finished = 0;

  for (size_t writer = 0; writer < kWriters; ++writer) {
    Start([this, writer](Random& random) { Transfer(writer, random); });
  }
  for (int reader = 0; reader < 2; ++reader) {
    Start([&](Random& random) {
      std::optional<Parked> own;
      {
        const std::lock_guard<std::mutex> lock(mutex);
        if (parked.size() > 8) {
          std::swap(random.Pick(parked), parked.back());
          own.emplace(std::move(parked.back()));
          parked.pop_back();
        }
        if (held.size() > 4) held.erase(held.begin());
      }
      if (!own) {
        Snapshot snapshot = db_->GetSnapshot();
        if (!snapshot.status().ok()) return;
        const bool live = random.OneIn(2);
        own.emplace(Parked{CheckingCursor(live ? db_->NewIterator() : snapshot.NewIterator()),
                           random.OneIn(2), 0, 0});
        own->forward ? own->cursor.SeekToFirst() : own->cursor.SeekToLast();
        if (random.OneIn(4)) {
          const std::lock_guard<std::mutex> lock(mutex);
          held.push_back(std::move(snapshot));
        }
      }
      if (random.OneIn(8)) own->cursor = own->cursor.Clone();
      for (uint64_t steps = random.Below(kAccounts); steps > 0 && own->cursor.Valid(); --steps) {
        own->total += Balance(own->cursor.value());
        ++own->seen;
        own->forward ? own->cursor.Next() : own->cursor.Prev();
        if (random.OneIn(6) && own->cursor.Valid()) {  // There and back again.
          const std::string here(own->cursor.key());
          own->forward ? own->cursor.Prev() : own->cursor.Next();
          own->forward ? own->cursor.Next() : own->cursor.Prev();
          EXPECT_TRUE(!own->cursor.Valid() || own->cursor.key() == here);
        }
      }
      if (own->cursor.Valid()) {
        const std::lock_guard<std::mutex> lock(mutex);
        parked.push_back(*std::move(own));
      } else if (own->cursor.status().ok()) {
        EXPECT_EQ(own->total, kTotal);
        EXPECT_EQ(own->seen, kAccounts);
        ++finished;
      } else {
        EXPECT_TRUE(FailsWith(own->cursor.status(), ErrorKind::kClosed));
      }
    });
  }
  LetThemRun();
  EXPECT_GT(finished, 0u);
  EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
  EXPECT_TRUE(IsOk(db_->Close()));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // They go on against a closed Db.
  done_.store(true, std::memory_order_relaxed);
  JoinAll();
  db_.reset();
  for (Parked& waiting : parked) {
    EXPECT_TRUE(waiting.cursor.Valid());
    EXPECT_NE(waiting.cursor.value(), "");
    waiting.cursor.SeekToFirst();
    EXPECT_TRUE(FailsWith(waiting.cursor.status(), ErrorKind::kClosed));
  }
  for (const Snapshot& snapshot : held) {
    EXPECT_TRUE(FailsWith(snapshot.Get("a"), ErrorKind::kClosed));
  }
}

// --- Range deletes: each commit replaces all entries under a prefix by others.

TEST_F(StressTest, ARangeDeleteAndWhatReplacesItAreOneStep) {
  constexpr size_t kPrefixes = 3;
  const auto prefix = [](size_t i) { return std::string(1, static_cast<char>('a' + i)); };
  // Each value says how many entries its generation has.
  const auto replace = [this, prefix](size_t i, Random& random) {
    WriteBatch batch;
    const std::string lower = prefix(i);
    const std::string upper = prefix(i + 1);
    batch.Put(lower + "covered by the range delete", "never seen");
    batch.DeleteRange({lower, upper});
    const size_t count = random.Below(30);
    for (size_t k = 0; k < count; ++k) {
      batch.Put(lower + NumberedKey(random.Below(1000) * 1000 + k), std::to_string(count));
    }
    ValueOf(db_->Write(batch));
  };
  for (size_t i = 0; i < kPrefixes; ++i) {
    Start([replace, i](Random& random) { replace(i, random); });
  }
  Start([this](Random& random) {
    if (random.OneIn(4)) {
      ValueOf(db_->Clear());
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (int reader = 0; reader < 2; ++reader) {
    Start([this, prefix](Random& random) {
      const Snapshot snapshot = db_->GetSnapshot();
      const std::string chosen = prefix(random.Below(kPrefixes));
      const std::vector<Entry> entries = test::ReadForward(snapshot, {.prefix = chosen});
      for (const Entry& entry : entries) {
        EXPECT_EQ(entry.value, std::to_string(entries.size()));
        EXPECT_EQ(entry.commit_ts, entries.front().commit_ts);
      }
      EXPECT_EQ(test::ReadBackward(snapshot, {.prefix = chosen}), entries);
      std::this_thread::yield();
      EXPECT_EQ(test::ReadForward(snapshot, {.prefix = chosen}), entries);
    });
  }
  LetThemRun();
  JoinAll();
  CheckTheEnd();
}

// --- Counters.

TEST_F(StressTest, CountersLoseNothingAndNeverRunBackward) {
  constexpr size_t kCounters = 6;
  constexpr size_t kThreads = 3;
  std::vector<std::atomic<int64_t>> counted(kCounters);
  std::vector<std::atomic<int>> factory_calls(4096);
  for (size_t thread = 0; thread < kThreads; ++thread) {
    Start([&](Random& random) {
      const size_t which = random.Below(kCounters);
      const std::string key = NumberedKey(which);
      const std::optional<std::string> old = ValueOf(db_->Get(key));
      const std::string next = std::to_string(old ? std::stoll(*old) + 1 : 1);
      const auto expected = old ? std::optional<std::string_view>(*old) : std::nullopt;
      if (ValueOf(db_->CompareAndSwap(key, expected, next))) ++counted[which];

      const size_t lazy = random.Below(factory_calls.size());
      const LoadOrStoreResult made = ValueOf(db_->LoadOrStore("lazy" + NumberedKey(lazy), [&] {
        ++factory_calls[lazy];
        return absl::StatusOr<std::string>("made " + std::to_string(lazy));
      }));
      EXPECT_EQ(made.value, "made " + std::to_string(lazy));
    });
  }
  Start([this, last = std::map<std::string, int64_t>()](Random&) mutable {
    const Snapshot snapshot = db_->GetSnapshot();
    for (auto [key, value] : snapshot.Range(NumberedKey(0), NumberedKey(kCounters))) {
      int64_t& seen = last[std::string(key)];
      const int64_t count = std::stoll(std::string(value));
      EXPECT_GE(count, seen);
      seen = count;
    }
  });
  LetThemRun();
  JoinAll();
  for (size_t which = 0; which < kCounters; ++which) {
    const std::optional<std::string> value = ValueOf(db_->Get(NumberedKey(which)));
    EXPECT_EQ(value.value_or("0"), std::to_string(counted[which]));
  }
  for (const std::atomic<int>& calls : factory_calls) EXPECT_LE(calls, 1);
  CheckTheEnd();
}

// --- Latest reads: what Get() answers was the newest value at some moment between
// LatestCommitTs() just before and just after.

TEST_F(StressTest, GetAnswersWhatWasNewestMeanwhile) {
  constexpr size_t kKeys = 8;
  constexpr size_t kWriters = 2;
  constexpr size_t kMostReads = 300'000;
  struct Sighting {
    size_t key;
    CommitTs before;
    CommitTs after;
    std::optional<std::string> value;
  };
  using History = std::map<CommitTs, std::optional<std::string>>;
  std::vector<History> written(kWriters * kKeys);  // By writer and key.
  std::vector<std::vector<Sighting>> sightings(2);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    Start([this, writer, &written, count = uint64_t{0}](Random& random) mutable {
      const size_t key = random.Below(kKeys);
      if (random.OneIn(4)) {
        written[writer * kKeys + key][ValueOf(db_->Delete(NumberedKey(key)))] = std::nullopt;
        return;
      }
      std::string value = std::to_string(writer) + ":" + std::to_string(++count);
      value.resize(value.size() + (random.OneIn(4) ? 30 : 0), ' ');
      written[writer * kKeys + key][ValueOf(db_->Put(NumberedKey(key), value))] = value;
    });
  }
  for (std::vector<Sighting>& own : sightings) {
    Start([this, &own](Random& random) {
      if (own.size() == kMostReads) return std::this_thread::yield();
      const size_t key = random.Below(kKeys);
      const CommitTs before = db_->LatestCommitTs();
      std::optional<std::string> value;
      if (random.OneIn(2)) {
        value = ValueOf(db_->Get(NumberedKey(key)));
      } else if (const auto pinned = ValueOf(db_->GetPinned(NumberedKey(key)))) {
        value = std::string(pinned->view());
      }
      own.push_back({key, before, db_->LatestCommitTs(), std::move(value)});
    });
  }
  LetThemRun();
  JoinAll();
  std::vector<History> histories(kKeys);
  for (size_t i = 0; i < written.size(); ++i) {
    histories[i % kKeys].insert(written[i].begin(), written[i].end());
  }
  for (const std::vector<Sighting>& own : sightings) {
    EXPECT_GT(own.size(), 0u);
    for (const Sighting& sighting : own) {
      const History& history = histories[sighting.key];
      auto version = history.upper_bound(sighting.before);
      const auto end = history.upper_bound(sighting.after);
      bool explained = version == history.begin() ? !sighting.value.has_value()
                                                  : std::prev(version)->second == sighting.value;
      for (; version != end; ++version) explained |= version->second == sighting.value;
      ASSERT_TRUE(explained) << NumberedKey(sighting.key) << " was "
                             << sighting.value.value_or("absent") << " between " << sighting.before
                             << " and " << sighting.after;
    }
  }
  CheckTheEnd();
}

}  // namespace
}  // namespace firn
