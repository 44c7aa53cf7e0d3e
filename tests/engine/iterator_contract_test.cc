// What iterator.h promises: positions, bounds, direction, anchors, clones and errors.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/oracle.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Bounds;
using test::CheckingCursor;
using test::Entry;
using test::FailsWith;
using test::IsOk;
using test::NumberedKey;
using test::OpenTestDb;
using test::Oracle;
using test::OracleCursor;
using test::ValueOf;

// A Db with a, c, e and a few traps between them, and the oracle that knows it.
struct SmallDb {
  enum class Shape { kFresh, kSettled, kFreshOverSettled };

  explicit SmallDb(Shape shape) : db(OpenTestDb()) {
    for (const char* key : {"a", "b", "c", "d", "e"}) Put(key, "old");
    EXPECT_TRUE(shape == Shape::kFresh || IsOk(db->Settle()));
    pin = db->GetSnapshot();  // Keeps the tombstones in place.
    for (const char* key : {"b", "d"}) oracle.Delete(ValueOf(db->Delete(key)), key);
    Put("c", std::string(100, 'c'));
    EXPECT_TRUE(shape != Shape::kSettled || IsOk(db->Settle()));
  }
  void Put(const std::string& key, const std::string& value) {
    oracle.Put(ValueOf(db->Put(key, value)), key, value);
  }

  std::unique_ptr<Db> db;
  Oracle oracle;
  std::optional<Snapshot> pin;
};

void ExpectSame(const CheckingCursor& cursor, const OracleCursor& expected) {
  EXPECT_TRUE(IsOk(cursor.status()));
  ASSERT_EQ(cursor.Valid(), expected.Valid());
  if (!cursor.Valid()) return;
  EXPECT_EQ((Entry{std::string(cursor.key()), std::string(cursor.value()), cursor.commit_ts()}),
            expected.entry());
}

class EveryShapeTest : public ::testing::TestWithParam<SmallDb::Shape> {};

// Every bound in and around the keys, every seek, and a walk out over each end and back.
TEST_P(EveryShapeTest, EveryBoundAndEverySeek) {
  const SmallDb small(GetParam());
  const std::vector<std::optional<std::string>> ends = {std::nullopt, "",   "a", "b",
                                                        "c",          "cc", "e", "f"};
  const std::vector<std::string> targets = {"", "a", "b", "c", "cc", "d", "e", "f"};
  const CommitTs latest = small.db->LatestCommitTs();
  for (const auto& lower : ends) {
    for (const auto& upper : ends) {
      for (const int inclusive : {0, 1, 2, 3}) {
        const Bounds bounds{.lower = lower,
                            .upper = upper,
                            .lower_inclusive = (inclusive & 1) != 0,
                            .upper_inclusive = (inclusive & 2) != 0};
        SCOPED_TRACE(::testing::PrintToString(bounds));
        CheckingCursor cursor(small.db->NewIterator(bounds.options()));
        OracleCursor expected(&small.oracle, bounds, std::nullopt);
        if (bounds.crossed()) {
          EXPECT_TRUE(FailsWith(cursor.status(), ErrorKind::kCrossedBounds));
          continue;
        }
        const auto next = [&] {
          cursor.Next();
          expected.Next();
          ExpectSame(cursor, expected);
        };
        const auto prev = [&] {
          cursor.Prev();
          expected.Prev();
          ExpectSame(cursor, expected);
        };
        for (const std::string& target : targets) {
          SCOPED_TRACE(target);
          cursor.Seek(target);
          expected.Seek(target, latest);
          ExpectSame(cursor, expected);
          prev(), prev(), next(), next(), next();
          cursor.SeekForPrev(target);
          expected.SeekForPrev(target, latest);
          ExpectSame(cursor, expected);
          next(), next(), prev(), prev(), prev();
        }
        cursor.SeekToFirst();
        expected.SeekToFirst(latest);
        ExpectSame(cursor, expected);
        prev(), prev(), next(), next(), prev();
        cursor.SeekToLast();
        expected.SeekToLast(latest);
        ExpectSame(cursor, expected);
        next(), next(), prev(), prev(), next();
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

TEST_P(EveryShapeTest, EveryPrefixWithinBounds) {
  const SmallDb small(GetParam());
  const CommitTs latest = small.db->LatestCommitTs();
  for (const char* prefix : {"", "a", "b", "c", "ca", "e", "f"}) {
    for (const char* lower : {"", "b", "c", "e"}) {
      const Bounds bounds{.lower = lower, .prefix = prefix};
      SCOPED_TRACE(::testing::PrintToString(bounds));
      const std::vector<Entry> view = small.oracle.View(latest, bounds);
      EXPECT_EQ(test::ReadForward(*small.db, bounds), view);
      EXPECT_EQ(test::ReadBackward(*small.db, bounds), view);
    }
  }
}

// What stands after each sequence of five moves, whatever the direction of each.
TEST_P(EveryShapeTest, EveryTurnOfDirection) {
  const SmallDb small(GetParam());
  const CommitTs latest = small.db->LatestCommitTs();
  for (int start = 0; start < 4; ++start) {
    for (int moves = 0; moves < 1 << 7; ++moves) {
      CheckingCursor cursor(small.db->NewIterator());
      OracleCursor expected(&small.oracle, {}, std::nullopt);
      if (start == 1) cursor.SeekToFirst(), expected.SeekToFirst(latest);
      if (start == 2) cursor.SeekToLast(), expected.SeekToLast(latest);
      if (start == 3) cursor.Seek("b"), expected.Seek("b", latest);
      for (int bit = 0; bit < 7; ++bit) {
        if ((moves >> bit & 1) != 0) {
          cursor.Next(), expected.Next();
        } else {
          cursor.Prev(), expected.Prev();
        }
        ExpectSame(cursor, expected);
      }
      ASSERT_FALSE(HasFailure()) << "start " << start << ", moves " << moves;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShapeTest,
                         ::testing::Values(SmallDb::Shape::kFresh, SmallDb::Shape::kSettled,
                                           SmallDb::Shape::kFreshOverSettled));

class IteratorContractTest : public ::testing::Test {
 protected:
  IteratorContractTest() : db_(OpenTestDb()) {
    for (const char* key : {"a", "b", "c"}) ValueOf(db_->Put(key, "1"));
  }

  std::unique_ptr<Db> db_;
};

TEST_F(IteratorContractTest, ANewIteratorIsUnpositioned) {
  const Snapshot snapshot = db_->GetSnapshot();
  for (const bool live : {false, true}) {
    CheckingCursor cursor(live ? db_->NewIterator() : snapshot.NewIterator());
    EXPECT_FALSE(cursor.Valid());
    EXPECT_TRUE(IsOk(cursor.status()));
    cursor.Next();
    EXPECT_FALSE(cursor.Valid());
    cursor.Prev();
    EXPECT_FALSE(cursor.Valid());
    EXPECT_TRUE(IsOk(cursor.status()));
    cursor.SeekToFirst();
    EXPECT_EQ(cursor.key(), "a");
  }
}

TEST_F(IteratorContractTest, BoundsAreCopied) {
  std::optional<Iterator> iterator;
  {
    std::string lower = "b";
    std::string upper = "c";
    std::string prefix = "b";
    const Bounds bounds{.lower = lower, .upper = upper, .prefix = prefix};
    iterator = db_->NewIterator(bounds.options());
    lower = upper = prefix = "zzz";
  }
  CheckingCursor cursor(*std::move(iterator));
  cursor.SeekToFirst();
  ASSERT_TRUE(cursor.Valid());
  EXPECT_EQ(cursor.key(), "b");
  cursor.Next();
  EXPECT_FALSE(cursor.Valid());
}

TEST_F(IteratorContractTest, ATargetMayBeAViewOfTheIteratorsOwnKey) {
  Iterator iterator = db_->NewIterator();
  iterator.SeekToLast();
  iterator.Seek(iterator.key());
  EXPECT_EQ(iterator.key(), "c");
  iterator.SeekForPrev(iterator.key());
  EXPECT_EQ(iterator.key(), "c");
}

TEST_F(IteratorContractTest, TargetsAndBoundsMayBeLongerThanAnyKey) {
  const std::string longest(kMaxKeyBytes, 'b');
  ValueOf(db_->Put(longest, "longest"));
  for (const size_t extra : {1, 2, 65'536, 200'000}) {
    const std::string beyond = longest + std::string(extra, 'b');
    CheckingCursor cursor(db_->NewIterator());
    cursor.Seek(beyond);
    EXPECT_EQ(cursor.key(), "c");
    cursor.SeekForPrev(beyond);
    EXPECT_EQ(cursor.value(), "longest");
    EXPECT_EQ(test::ReadForward(*db_, {.lower = beyond}).size(), 1u);
    EXPECT_EQ(test::ReadBackward(*db_, {.upper = beyond}).size(), 3u);
    EXPECT_EQ(test::ReadForward(*db_, {.prefix = beyond}).size(), 0u);
    EXPECT_EQ(test::ReadForward(*db_, {.prefix = longest}).size(), 1u);
  }
}

TEST_F(IteratorContractTest, KeysOnlyShowsNoValue) {
  ValueOf(db_->Put("d", std::string(5000, 'x')));
  for (const Entry& entry : test::ReadForward(*db_, {.keys_only = true})) {
    EXPECT_EQ(entry.value, "");
  }
  EXPECT_EQ(test::ReadBackward(*db_, {.keys_only = true}).size(), 4u);
}

TEST_F(IteratorContractTest, EachEntryKnowsItsCommit) {
  const CommitTs overwritten = ValueOf(db_->Put("b", "2"));
  const Snapshot snapshot = db_->GetSnapshot();
  ValueOf(db_->Put("b", "3"));
  CheckingCursor cursor(snapshot.NewIterator());
  cursor.Seek("b");
  EXPECT_EQ(cursor.commit_ts(), overwritten);
  EXPECT_EQ(cursor.read_ts(), snapshot.ts());
  cursor.Prev();
  EXPECT_LT(cursor.commit_ts(), overwritten);
}

TEST_F(IteratorContractTest, ADbIteratorAnchorsAtItsFirstSeekOfAnyKind) {
  using Seek = void (*)(CheckingCursor&);
  const std::vector<Seek> seeks = {
      [](CheckingCursor& cursor) { cursor.Seek("late"); },
      [](CheckingCursor& cursor) { cursor.SeekForPrev("late"); },
      [](CheckingCursor& cursor) { cursor.SeekToLast(); },
      [](CheckingCursor& cursor) { cursor.SeekToFirst(); },
  };
  for (const Seek seek : seeks) {
    CheckingCursor cursor(db_->NewIterator());
    EXPECT_EQ(cursor.read_ts(), std::nullopt);
    const CommitTs seen = ValueOf(db_->Put("late", "seen"));
    seek(cursor);
    EXPECT_EQ(cursor.read_ts(), seen);
    ValueOf(db_->Put("late", "not seen"));
    ValueOf(db_->Put("later", "not seen"));
    seek(cursor);
    EXPECT_EQ(cursor.read_ts(), seen);
    cursor.SeekToLast();
    EXPECT_EQ(cursor.key(), "late");
    EXPECT_EQ(cursor.value(), "seen");
    ValueOf(db_->Delete("late"));
    ValueOf(db_->Delete("later"));
  }
}

TEST_F(IteratorContractTest, AFruitlessSeekAnchorsToo) {
  CheckingCursor cursor(db_->NewIterator());
  cursor.Seek("zzz");
  EXPECT_FALSE(cursor.Valid());
  EXPECT_EQ(cursor.read_ts(), db_->LatestCommitTs());
  ValueOf(db_->Put("zzz", "1"));
  cursor.Seek("zzz");
  EXPECT_FALSE(cursor.Valid());
}

TEST_F(IteratorContractTest, RefreshDropsAnchorAndPosition) {
  CheckingCursor cursor(db_->NewIterator());
  cursor.Seek("b");
  ValueOf(db_->Delete("b"));
  EXPECT_TRUE(IsOk(cursor.Refresh()));
  EXPECT_FALSE(cursor.Valid());
  EXPECT_TRUE(IsOk(cursor.status()));
  EXPECT_EQ(cursor.read_ts(), std::nullopt);
  cursor.Next();
  cursor.Prev();
  EXPECT_FALSE(cursor.Valid());
  cursor.Seek("b");
  EXPECT_EQ(cursor.key(), "c");
  EXPECT_EQ(cursor.read_ts(), db_->LatestCommitTs());
}

TEST_F(IteratorContractTest, RefreshOfAnUnanchoredIteratorDoesNothing) {
  CheckingCursor cursor(db_->NewIterator());
  EXPECT_TRUE(IsOk(cursor.Refresh()));
  cursor.SeekToFirst();
  EXPECT_EQ(cursor.key(), "a");
}

TEST_F(IteratorContractTest, ASnapshotsIteratorRefusesToRefreshAndStays) {
  const Snapshot snapshot = db_->GetSnapshot();
  CheckingCursor cursor(snapshot.NewIterator());
  cursor.Seek("b");
  EXPECT_TRUE(FailsWith(cursor.Refresh(), ErrorKind::kFrozenIterator));
  EXPECT_TRUE(IsOk(cursor.status())) << "the refusal is not a failure of the iterator";
  EXPECT_EQ(cursor.key(), "b");
  cursor.Next();
  EXPECT_EQ(cursor.key(), "c");
  EXPECT_EQ(cursor.read_ts(), snapshot.ts());
}

TEST_F(IteratorContractTest, ARefreshedIteratorLetsGoOfOldVersions) {
  CheckingCursor cursor(db_->NewIterator());
  cursor.SeekToFirst();
  ValueOf(db_->Put("a", "2"));
  EXPECT_TRUE(IsOk(db_->Settle()));
  EXPECT_EQ(ValueOf(db_->Stats()).version_count, 4u);
  EXPECT_TRUE(IsOk(cursor.Refresh()));
  EXPECT_TRUE(IsOk(db_->Settle()));
  EXPECT_EQ(ValueOf(db_->Stats()).version_count, 3u);
}

TEST_F(IteratorContractTest, AnUnanchoredIteratorHoldsNothing) {
  const CheckingCursor cursor(db_->NewIterator());
  ValueOf(db_->Put("a", "2"));
  EXPECT_TRUE(IsOk(db_->Settle()));
  EXPECT_EQ(ValueOf(db_->Stats()).version_count, 3u);
  EXPECT_EQ(ValueOf(db_->Stats()).live_snapshot_count, 0u);
}

TEST_F(IteratorContractTest, ACloneKeepsAnchorAndEveryPosition) {
  const Snapshot snapshot = db_->GetSnapshot();
  for (const bool live : {false, true}) {
    CheckingCursor cursor(live ? db_->NewIterator() : snapshot.NewIterator());
    const auto clone_moves = [&cursor](auto move) {
      CheckingCursor clone = cursor.Clone();
      EXPECT_EQ(clone.Valid(), cursor.Valid());
      EXPECT_EQ(clone.read_ts(), cursor.read_ts());
      move(clone);
      return clone.Valid() ? std::string(clone.key()) : "-";
    };
    const auto next = [](CheckingCursor& clone) { clone.Next(); };
    const auto prev = [](CheckingCursor& clone) { clone.Prev(); };
    const auto stay = [](CheckingCursor&) {};
    EXPECT_EQ(clone_moves(next), "-") << "unpositioned";
    EXPECT_EQ(clone_moves(prev), "-") << "unpositioned";
    cursor.Seek("b");
    EXPECT_EQ(clone_moves(stay), "b");
    EXPECT_EQ(clone_moves(next), "c");
    EXPECT_EQ(clone_moves(prev), "a");
    EXPECT_EQ(cursor.key(), "b") << "the clones moved, not this one";
    cursor.SeekToFirst();
    cursor.Prev();
    EXPECT_EQ(clone_moves(prev), "-") << "before the first";
    EXPECT_EQ(clone_moves(next), "a") << "before the first";
    cursor.SeekToLast();
    cursor.Next();
    EXPECT_EQ(clone_moves(next), "-") << "after the last";
    EXPECT_EQ(clone_moves(prev), "c") << "after the last";
  }
}

TEST_F(IteratorContractTest, ACloneIsFrozenWhereItsOriginalIs) {
  CheckingCursor cursor(db_->NewIterator());
  cursor.Seek("b");
  ValueOf(db_->Clear());
  EXPECT_TRUE(IsOk(db_->Settle()));
  std::optional<CheckingCursor> clone = cursor.Clone();
  EXPECT_TRUE(IsOk(cursor.Refresh()));  // Only the clone holds the moment now.
  EXPECT_TRUE(IsOk(db_->Settle()));
  EXPECT_EQ(clone->key(), "b");
  clone->Next();
  EXPECT_EQ(clone->key(), "c");
  clone->SeekToFirst();
  EXPECT_EQ(clone->key(), "a");
  EXPECT_TRUE(IsOk(clone->Refresh())) << "a Db iterator's clone is one too";
  clone->SeekToFirst();
  EXPECT_FALSE(clone->Valid());
}

TEST_F(IteratorContractTest, ACloneKeepsBoundsAndKeysOnly) {
  const Bounds bounds{.lower = "a", .upper = "c", .lower_inclusive = false, .keys_only = true};
  const CheckingCursor cursor(db_->NewIterator(bounds.options()));
  CheckingCursor clone = cursor.Clone();
  clone.SeekToFirst();
  EXPECT_EQ(clone.key(), "b");
  EXPECT_EQ(clone.value(), "");
  clone.Next();
  EXPECT_FALSE(clone.Valid());
}

TEST_F(IteratorContractTest, ACloneOfASnapshotsIteratorRefusesToRefresh) {
  const Snapshot snapshot = db_->GetSnapshot();
  CheckingCursor clone = CheckingCursor(snapshot.NewIterator()).Clone();
  EXPECT_TRUE(FailsWith(clone.Refresh(), ErrorKind::kFrozenIterator));
}

TEST_F(IteratorContractTest, ClonesOfAnUnanchoredIteratorAnchorSeparately) {
  CheckingCursor cursor(db_->NewIterator());
  CheckingCursor clone = cursor.Clone();
  cursor.SeekToFirst();
  ValueOf(db_->Delete("a"));
  clone.SeekToFirst();
  EXPECT_EQ(cursor.key(), "a");
  EXPECT_EQ(clone.key(), "b");
  EXPECT_LT(*cursor.read_ts(), *clone.read_ts());
}

TEST_F(IteratorContractTest, AMoveHandsOverThePosition) {
  Iterator original = db_->NewIterator();
  original.Seek("b");
  ValueOf(db_->Clear());
  Iterator moved = std::move(original);
  EXPECT_TRUE(IsOk(db_->Settle()));
  EXPECT_EQ(moved.key(), "b");
  Iterator assigned = db_->NewIterator();
  assigned.SeekToFirst();
  assigned = std::move(moved);
  EXPECT_EQ(assigned.key(), "b");
  assigned.Next();
  EXPECT_EQ(assigned.key(), "c");
  assigned.Prev();
  assigned.Prev();
  EXPECT_EQ(assigned.key(), "a");
}

TEST_F(IteratorContractTest, CrossedBoundsStay) {
  const Bounds crossed{
      .lower = "c", .upper = "a", .lower_inclusive = true, .upper_inclusive = true};
  const Snapshot snapshot = db_->GetSnapshot();
  for (const bool live : {false, true}) {
    CheckingCursor cursor(live ? db_->NewIterator(crossed.options())
                               : snapshot.NewIterator(crossed.options()));
    const auto still_failed = [&] {
      EXPECT_FALSE(cursor.Valid());
      EXPECT_TRUE(FailsWith(cursor.status(), ErrorKind::kCrossedBounds));
    };
    still_failed();
    cursor.Seek("b"), still_failed();
    cursor.SeekForPrev("b"), still_failed();
    cursor.SeekToFirst(), still_failed();
    cursor.SeekToLast(), still_failed();
    cursor.Next(), still_failed();
    cursor.Prev(), still_failed();
    EXPECT_FALSE(cursor.Refresh().ok());
    still_failed();
    EXPECT_TRUE(FailsWith(cursor.Clone().status(), ErrorKind::kCrossedBounds));
  }
}

TEST_F(IteratorContractTest, AFailedRangeEndsEarlyAndSaysWhy) {
  const Snapshot snapshot = db_->GetSnapshot();
  EntryRange range = snapshot.Range("c", "a");
  for (auto [key, value] : range) FAIL() << key << value;
  EXPECT_TRUE(FailsWith(range.status(), ErrorKind::kCrossedBounds));
  const auto never = [](std::string_view, std::string_view) -> bool {
    ADD_FAILURE();
    return true;
  };
  const Bounds crossed{.lower = "c", .upper = "a"};
  EXPECT_TRUE(FailsWith(snapshot.Range(crossed.options(), never), ErrorKind::kCrossedBounds));
  EXPECT_TRUE(FailsWith(db_->Range(crossed.options(), never), ErrorKind::kCrossedBounds));
}

TEST_F(IteratorContractTest, AWalkOfManyLeavesIsFrozenBothWays) {
  test::Random random(7);
  Oracle oracle;
  const auto db = OpenTestDb();
  for (size_t i = 0; i < 400; ++i) {
    const std::string key = NumberedKey(random.Below(300));
    oracle.Put(ValueOf(db->Put(key, "old")), key, "old");
  }
  const Snapshot snapshot = db->GetSnapshot();
  const std::vector<Entry> view = oracle.View(snapshot.ts());
  CheckingCursor forward(snapshot.NewIterator());
  CheckingCursor backward(snapshot.NewIterator());
  forward.SeekToFirst();
  backward.SeekToLast();
  for (size_t i = 0; i < view.size(); ++i) {
    ASSERT_TRUE(forward.Valid());
    ASSERT_TRUE(backward.Valid());
    ASSERT_EQ(forward.key(), view[i].key);
    ASSERT_EQ(backward.key(), view[view.size() - 1 - i].key);
    // Right at the cursors, before and behind them.
    ValueOf(db->Put(forward.key(), "new"));
    ValueOf(db->Delete(backward.key()));
    ValueOf(db->Put(std::string(forward.key()) + "+", "new"));
    ASSERT_TRUE(i % 16 != 0 || IsOk(db->Settle()));
    if (i % 64 == 0) ValueOf(db->DeleteRange({NumberedKey(i), NumberedKey(i + 40)}));
    forward.Next();
    backward.Prev();
  }
  EXPECT_FALSE(forward.Valid());
  EXPECT_FALSE(backward.Valid());
  EXPECT_TRUE(IsOk(db->VerifyInvariants()));
}

}  // namespace
}  // namespace firn
