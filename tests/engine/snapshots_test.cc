// Snapshots: frozen, priced, and pruned exactly.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/oracle.h"
#include "tests/support/point_observer.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Contents;
using test::IsOk;
using test::Labelled;
using test::NumberedKey;
using test::OpenTestDb;
using test::ValueOf;

TEST(SnapshotsTest, ASnapshotReadsItsMoment) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  ValueOf(db->Put("b", "1"));
  const Snapshot snapshot = db->GetSnapshot();
  EXPECT_TRUE(IsOk(snapshot.status()));
  EXPECT_EQ(snapshot.ts(), db->LatestCommitTs());
  ValueOf(db->Put("a", "2"));
  ValueOf(db->Delete("b"));
  ValueOf(db->Put("c", "2"));
  EXPECT_EQ(ValueOf(snapshot.Get("a")), "1");
  EXPECT_EQ(ValueOf(snapshot.Get("b")), "1");
  EXPECT_EQ(ValueOf(snapshot.Get("c")), std::nullopt);
  EXPECT_TRUE(ValueOf(snapshot.Contains("b")));
  EXPECT_FALSE(ValueOf(snapshot.Contains("c")));
  EXPECT_EQ(Contents(snapshot), "a=1 b=1");
  EXPECT_EQ(Contents(*db), "a=2 c=2");
}

TEST(SnapshotsTest, ASnapshotOfNothingStaysEmpty) {
  const auto db = OpenTestDb();
  const Snapshot snapshot = db->GetSnapshot();
  EXPECT_EQ(snapshot.ts(), kBeforeEverything);
  for (size_t i = 0; i < 50; ++i) ValueOf(db->Put(NumberedKey(i), "1"));
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(Contents(snapshot), "");
  EXPECT_EQ(ValueOf(snapshot.Get(NumberedKey(3))), std::nullopt);
}

TEST(SnapshotsTest, ManyThreadsReadOneSnapshot) {
  const auto db = OpenTestDb();
  WriteBatch batch;
  for (size_t i = 0; i < 100; ++i) batch.Put(NumberedKey(i), "frozen");
  ValueOf(db->Write(batch));
  const Snapshot snapshot = db->GetSnapshot();
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        size_t seen = 0;
        const Snapshot own = snapshot.Clone();
        for (auto [key, value] : (round % 2 == 0 ? snapshot : own).Range()) {
          EXPECT_EQ(value, "frozen");
          ++seen;
        }
        EXPECT_EQ(seen, 100u);
        EXPECT_EQ(ValueOf(snapshot.Get(NumberedKey(7))), "frozen");
      }
    });
  }
  for (size_t i = 0; i < 100; ++i) {
    ValueOf(db->Put(NumberedKey(i), "later"));
    ValueOf(db->Delete(NumberedKey(99 - i)));
  }
  for (std::thread& reader : readers) reader.join();
}

TEST(SnapshotsTest, LiveSnapshotsSayWhoHoldsWhatSinceWhen) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  const auto start = std::chrono::steady_clock::now();
  std::optional<Snapshot> report = db->GetSnapshot(Labelled("report", "billing"));
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  ValueOf(db->Put("a", "2"));
  const Snapshot backup = db->GetSnapshot(Labelled("backup"));

  std::vector<SnapshotInfo> live = ValueOf(db->LiveSnapshots());
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].ts, report->ts());
  EXPECT_EQ(live[0].label, "report");
  EXPECT_EQ(live[0].owner, "billing");
  EXPECT_GT(live[0].age, absl::Milliseconds(40));
  EXPECT_LT(live[0].age,
            absl::FromChrono(std::chrono::steady_clock::now() - start) + absl::Milliseconds(20));
  EXPECT_EQ(live[1].ts, backup.ts());
  EXPECT_EQ(live[1].label, "backup");
  EXPECT_NE(live[1].owner, "") << "the thread that took it";
  EXPECT_LT(live[1].age, live[0].age);
  EXPECT_GE(live[1].age, absl::ZeroDuration());

  report.reset();
  live = ValueOf(db->LiveSnapshots());
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].label, "backup");
  EXPECT_EQ(ValueOf(db->Stats()).live_snapshot_count, 1u);
}

TEST(SnapshotsTest, TwoThreadsAreTwoOwners) {
  const auto db = OpenTestDb();
  const Snapshot mine = db->GetSnapshot();
  std::optional<Snapshot> theirs;
  std::thread([&] { theirs = db->GetSnapshot(); }).join();
  const std::vector<SnapshotInfo> live = ValueOf(db->LiveSnapshots());
  ASSERT_EQ(live.size(), 2u);
  EXPECT_NE(live[0].owner, live[1].owner);
}

TEST(SnapshotsTest, AClockThatFallsBackMakesNoNegativeAge) {
  test::ManualClock clock(1000);
  Options options = test::TinyOptions();
  options.clock = &clock;
  const auto db = OpenTestDb(options);
  const Snapshot snapshot = db->GetSnapshot();
  clock.Set(10);
  EXPECT_GE(ValueOf(db->LiveSnapshots()).at(0).age, absl::ZeroDuration());
}

TEST(SnapshotsTest, AClonedSnapshotIsOnePin) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  std::optional<Snapshot> original = db->GetSnapshot(Labelled("shared"));
  std::optional<Snapshot> clone = original->Clone();
  EXPECT_EQ(clone->ts(), original->ts());
  EXPECT_EQ(ValueOf(db->LiveSnapshots()).size(), 1u);
  ValueOf(db->Put("a", "2"));
  original.reset();
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(ValueOf(clone->Get("a")), "1");
  EXPECT_EQ(ValueOf(db->LiveSnapshots()).at(0).label, "shared");
  clone.reset();
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(ValueOf(db->LiveSnapshots()).size(), 0u);
  EXPECT_EQ(ValueOf(db->Stats()).version_count, 1u);
}

TEST(SnapshotsTest, AssigningASnapshotReleasesTheOldOne) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  Snapshot snapshot = db->GetSnapshot(Labelled("old"));
  ValueOf(db->Put("a", "2"));
  snapshot = db->GetSnapshot(Labelled("new"));
  EXPECT_EQ(ValueOf(snapshot.Get("a")), "2");
  const std::vector<SnapshotInfo> live = ValueOf(db->LiveSnapshots());
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].label, "new");
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(ValueOf(db->Stats()).version_count, 1u);
}

// The number of versions that stay equals the oracle's after every release, in any order.
TEST(SnapshotsTest, VersionsBetweenSnapshotsArePrunedExactly) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    test::Random random(seed);
    test::Oracle oracle;
    const auto db = OpenTestDb();
    std::vector<Snapshot> snapshots;
    const bool with_deletes = random.OneIn(2);
    for (int i = 0; i < 200; ++i) {
      const std::string key = NumberedKey(random.Below(12));
      if (with_deletes && random.OneIn(4)) {
        oracle.Delete(ValueOf(db->Delete(key)), key);
      } else {
        oracle.Put(ValueOf(db->Put(key, "v")), key, "v");
      }
      if (random.OneIn(12)) snapshots.push_back(db->GetSnapshot());
    }
    while (true) {
      std::set<CommitTs> pins;
      for (const Snapshot& snapshot : snapshots) pins.insert(snapshot.ts());
      const test::Oracle::VersionCount kept = oracle.CountKept(pins);
      ASSERT_TRUE(IsOk(db->Settle()));
      const uint64_t versions = ValueOf(db->Stats()).version_count;
      ASSERT_GE(versions, kept.least) << "seed " << seed;
      ASSERT_LE(versions, kept.most) << "seed " << seed;
      ASSERT_TRUE(with_deletes || kept.least == kept.most);
      for (const Snapshot& snapshot : snapshots) {
        ASSERT_EQ(test::ReadForward(snapshot), oracle.View(snapshot.ts())) << "seed " << seed;
      }
      if (snapshots.empty()) break;
      std::swap(random.Pick(snapshots), snapshots.back());
      snapshots.pop_back();
    }
    EXPECT_EQ(ValueOf(db->Stats()).owing_leaf_count, 0u);
  }
}

TEST(SnapshotsTest, ThePriceCountsWhatOnlyThisSnapshotSees) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    test::Random random(seed);
    test::Oracle oracle;
    const auto db = OpenTestDb();
    std::vector<Snapshot> snapshots;
    std::multiset<CommitTs> pins;
    for (int i = 0; i < 120; ++i) {
      const std::string key = NumberedKey(random.Below(15));
      const std::string value(random.Below(40), 'v');
      oracle.Put(ValueOf(db->Put(key, value)), key, value);
      if (random.OneIn(15)) {
        snapshots.push_back(db->GetSnapshot(Labelled(std::to_string(snapshots.size()))));
        pins.insert(snapshots.back().ts());
        if (random.OneIn(3)) {
          snapshots.push_back(db->GetSnapshot(Labelled(std::to_string(snapshots.size()))));
          pins.insert(snapshots.back().ts());
        }
      }
    }
    for (const bool settled : {false, true}) {
      ASSERT_TRUE(!settled || IsOk(db->Settle()));
      const std::vector<SnapshotInfo> live = ValueOf(db->LiveSnapshots());
      ASSERT_EQ(live.size(), snapshots.size());
      for (size_t i = 0; i < live.size(); ++i) {
        EXPECT_GE(live[i].ts, live[i == 0 ? 0 : i - 1].ts) << "oldest first";
        const std::vector<test::Entry> alone = oracle.SeenOnlyBy(live[i].ts, pins);
        uint64_t bytes = 0;
        for (const test::Entry& entry : alone) bytes += entry.value.size();
        EXPECT_EQ(live[i].price_versions, alone.size()) << "seed " << seed;
        EXPECT_GE(live[i].price_bytes, bytes) << "seed " << seed;
        EXPECT_EQ(live[i].price_bytes == 0, alone.empty()) << "seed " << seed;
      }
    }
  }
}

TEST(SnapshotsTest, ThePriceIsWhatClosingGivesBack) {
  for (const size_t value_bytes : {size_t{500}, size_t{3000}}) {  // Inside blocks; outside.
    Options options;
    options.background = BackgroundMode::kManual;
    const auto db = OpenTestDb(options);
    constexpr size_t kKeys = 2000;
    for (size_t i = 0; i < kKeys; ++i) {
      ValueOf(db->Put(NumberedKey(i), std::string(value_bytes, 'a')));
    }
    std::optional<Snapshot> snapshot = db->GetSnapshot();
    for (size_t i = 0; i < kKeys; ++i) {
      ValueOf(db->Put(NumberedKey(i), std::string(value_bytes, 'b')));
    }
    ASSERT_TRUE(IsOk(db->Settle()));
    const SnapshotInfo info = ValueOf(db->LiveSnapshots()).at(0);
    const uint64_t held = ValueOf(db->Stats()).memory_bytes;
    snapshot.reset();
    ASSERT_TRUE(IsOk(db->Settle()));
    const uint64_t freed = held - ValueOf(db->Stats()).memory_bytes;
    EXPECT_EQ(info.price_versions, kKeys);
    EXPECT_GE(info.price_bytes, kKeys * value_bytes);
    EXPECT_GT(static_cast<double>(freed), 0.8 * static_cast<double>(info.price_bytes));
    EXPECT_LT(static_cast<double>(freed), 1.25 * static_cast<double>(info.price_bytes));
  }
}

#ifdef FIRN_INVARIANTS
// A deleted range, and left of it two keys that keep more versions than the range will give back.
struct HollowDb {
  std::unique_ptr<Db> db = OpenTestDb();
  std::vector<Snapshot> snapshots;

  HollowDb() {
    for (size_t i = 0; i < 10; ++i) ValueOf(db->Put(NumberedKey(i), "old"));
    EXPECT_TRUE(IsOk(db->Settle()));
    ValueOf(db->DeleteRange({NumberedKey(2), NumberedKey(8)}));
    for (int round = 0; round < 8; ++round) {
      snapshots.push_back(db->GetSnapshot());
      for (const size_t i : {0, 1}) ValueOf(db->Put(NumberedKey(i), "new"));
    }
  }
};

// Once, when `call` is about to look for its leaf number `leaf`: settles, and overwrites the first
// key, so that leaves are merged and the first has a fresh version. False if that never comes.
template <class Call>
bool SettleBeforeLeaf(Db& db, int leaf, const Call& call) {
  bool settled = false;
  const test::PointObserver observer([&](std::string_view point) {
    if (point != "epoch:before_announce" || settled || leaf-- > 0) return;
    settled = true;
    EXPECT_TRUE(IsOk(db.Settle()));
    ValueOf(db.Put(NumberedKey(0), "new"));
  });
  call();
  return settled;
}

// A leaf that has been counted may be merged with the next one, which has not.
TEST(SnapshotsTest, LeavesMergedMeanwhileAreCountedAndPricedOnce) {
  bool settled = true;
  for (int leaf = 0; settled; ++leaf) {
    HollowDb hollow;
    const DbStats before = ValueOf(hollow.db->Stats());
    const std::vector<SnapshotInfo> prices = ValueOf(hollow.db->LiveSnapshots());
    DbStats beside;
    settled = SettleBeforeLeaf(*hollow.db, leaf, [&] { beside = ValueOf(hollow.db->Stats()); });
    EXPECT_EQ(beside.key_count, before.key_count) << leaf;
    EXPECT_EQ(beside.logical_bytes, before.logical_bytes) << leaf;
    EXPECT_LE(beside.version_count, before.version_count) << leaf;

    HollowDb again;
    std::vector<SnapshotInfo> prices_beside;
    SettleBeforeLeaf(*again.db, leaf, [&] { prices_beside = ValueOf(again.db->LiveSnapshots()); });
    ASSERT_EQ(prices_beside.size(), prices.size());
    for (size_t i = 0; i < prices.size(); ++i) {
      EXPECT_EQ(prices_beside[i].price_bytes, prices[i].price_bytes) << leaf;
      EXPECT_EQ(prices_beside[i].price_versions, prices[i].price_versions) << leaf;
    }
  }
}
#endif  // FIRN_INVARIANTS

}  // namespace
}  // namespace firn
