// Handles: after Close, after a move, and outliving the Db in every order.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/every_write.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::CheckingCursor;
using test::FailsWith;
using test::IsOk;
using test::Labelled;
using test::NumberedKey;
using test::OpenTestDb;
using test::ValueOf;

struct DbCall {
  const char* name;
  absl::Status (*run)(Db& db);
};

bool KeepGoing(std::string_view, std::string_view) { return true; }

// Every call that can fail, but for the writes, which test::EveryWrite() has.
const DbCall kDbCalls[] = {
    {"Get", [](Db& db) { return db.Get("a").status(); }},
    {"Get into a string",
     [](Db& db) {
       std::string value;
       return db.Get("a", &value).status();
     }},
    {"GetPinned", [](Db& db) { return db.GetPinned("a").status(); }},
    {"MultiGet",
     [](Db& db) {
       const std::vector<std::string_view> keys = {"a", "b"};
       return db.MultiGet(keys).status();
     }},
    {"MultiGet into a vector",
     [](Db& db) {
       std::vector<std::optional<std::string>> values;
       return db.MultiGet({}, &values);
     }},
    {"MultiGet of nothing", [](Db& db) { return db.MultiGet({}).status(); }},
    {"Contains", [](Db& db) { return db.Contains("a").status(); }},
    {"ApproximateCount", [](Db& db) { return db.ApproximateCount({}).status(); }},
    {"ApproximateBytes", [](Db& db) { return db.ApproximateBytes({}).status(); }},
    {"Write of nothing", [](Db& db) { return db.Write(WriteBatch()).status(); }},
    {"GetSnapshot", [](Db& db) { return db.GetSnapshot().status(); }},
    {"NewIterator", [](Db& db) { return db.NewIterator().status(); }},
    {"Range", [](Db& db) { return db.Range({}, KeepGoing); }},
    {"Settle", [](Db& db) { return db.Settle(); }},
    {"StepBackgroundWork", [](Db& db) { return db.StepBackgroundWork().status(); }},
    {"VerifyInvariants", [](Db& db) { return db.VerifyInvariants(); }},
    {"Stats", [](Db& db) { return db.Stats().status(); }},
    {"LiveSnapshots", [](Db& db) { return db.LiveSnapshots().status(); }},
};

struct SnapshotCall {
  const char* name;
  absl::Status (*run)(const Snapshot& snapshot);
};

const SnapshotCall kSnapshotCalls[] = {
    {"status", [](const Snapshot& snapshot) { return snapshot.status(); }},
    {"Get", [](const Snapshot& snapshot) { return snapshot.Get("a").status(); }},
    {"Get into a string",
     [](const Snapshot& snapshot) {
       std::string value;
       return snapshot.Get("a", &value).status();
     }},
    {"GetPinned", [](const Snapshot& snapshot) { return snapshot.GetPinned("a").status(); }},
    {"MultiGet",
     [](const Snapshot& snapshot) {
       const std::vector<std::string_view> keys = {"a", "b"};
       return snapshot.MultiGet(keys).status();
     }},
    {"MultiGet into a vector",
     [](const Snapshot& snapshot) {
       std::vector<std::optional<std::string>> values;
       return snapshot.MultiGet({}, &values);
     }},
    {"Contains", [](const Snapshot& snapshot) { return snapshot.Contains("a").status(); }},
    {"NewIterator", [](const Snapshot& snapshot) { return snapshot.NewIterator().status(); }},
    {"Range",
     [](const Snapshot& snapshot) {
       EntryRange range = snapshot.Range();
       size_t entries = 0;
       for (auto [key, value] : range) entries += key.empty() ? 0 : 1;
       EXPECT_TRUE(entries == 0 || range.status().ok());
       return range.status();
     }},
    {"Range with bounds",
     [](const Snapshot& snapshot) { return snapshot.Range("a", "b").status(); }},
    {"Range with a callback",
     [](const Snapshot& snapshot) { return snapshot.Range({}, KeepGoing); }},
    {"Clone", [](const Snapshot& snapshot) { return snapshot.Clone().status(); }},
};

struct IteratorMove {
  const char* name;
  void (*run)(Iterator& iterator);
};

const IteratorMove kIteratorSeeks[] = {
    {"Seek", [](Iterator& iterator) { iterator.Seek("a"); }},
    {"SeekForPrev", [](Iterator& iterator) { iterator.SeekForPrev("a"); }},
    {"SeekToFirst", [](Iterator& iterator) { iterator.SeekToFirst(); }},
    {"SeekToLast", [](Iterator& iterator) { iterator.SeekToLast(); }},
};

// Two entries, so that there is something to find in every direction.
std::unique_ptr<Db> OpenWithTwoEntries() {
  auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  ValueOf(db->Put("b", std::string(100, '2')));
  return db;
}

// --- After Close.

TEST(AfterCloseTest, EveryCallOfTheDbIsRefused) {
  const auto db = OpenWithTwoEntries();
  const CommitTs latest = db->LatestCommitTs();
  EXPECT_TRUE(IsOk(db->Close()));
  for (const DbCall& call : kDbCalls) {
    EXPECT_TRUE(FailsWith(call.run(*db), ErrorKind::kClosed)) << call.name;
  }
  for (const test::WriteCall& call : test::EveryWrite()) {
    EXPECT_TRUE(FailsWith(call.run(*db, "absent", "1", {}), ErrorKind::kClosed)) << call.name;
  }
  EXPECT_EQ(db->LatestCommitTs(), latest);
}

TEST(AfterCloseTest, ClosingAgainIsFine) {
  const auto db = OpenWithTwoEntries();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsOk(db->Close()));
}

TEST(AfterCloseTest, TwoThreadsMayCloseAtOnce) {
  for (int round = 0; round < 20; ++round) {
    Options options = test::TinyOptions();
    options.background = BackgroundMode::kThread;
    const auto db = OpenTestDb(options);
    ValueOf(db->Put("a", "1"));
    std::thread other([&] { EXPECT_TRUE(IsOk(db->Close())); });
    EXPECT_TRUE(IsOk(db->Close()));
    EXPECT_TRUE(FailsWith(db->Get("a"), ErrorKind::kClosed));
    other.join();
  }
}

TEST(AfterCloseTest, EveryCallOfASnapshotIsRefused) {
  const auto db = OpenWithTwoEntries();
  const Snapshot snapshot = db->GetSnapshot();
  const CommitTs ts = snapshot.ts();
  EXPECT_TRUE(IsOk(db->Close()));
  for (const SnapshotCall& call : kSnapshotCalls) {
    EXPECT_TRUE(FailsWith(call.run(snapshot), ErrorKind::kClosed)) << call.name;
  }
  EXPECT_EQ(snapshot.ts(), ts);
}

TEST(AfterCloseTest, ARefusedSnapshotRefusesEverything) {
  const auto db = OpenWithTwoEntries();
  EXPECT_TRUE(IsOk(db->Close()));
  const Snapshot refused = db->GetSnapshot(Labelled("late"));
  for (const SnapshotCall& call : kSnapshotCalls) {
    EXPECT_TRUE(FailsWith(call.run(refused), ErrorKind::kClosed)) << call.name;
  }
}

TEST(AfterCloseTest, NoIteratorSeeks) {
  for (const bool live : {false, true}) {
    const auto db = OpenWithTwoEntries();
    const Snapshot snapshot = db->GetSnapshot();
    Iterator unpositioned = live ? db->NewIterator() : snapshot.NewIterator();
    Iterator positioned = live ? db->NewIterator() : snapshot.NewIterator();
    positioned.SeekToFirst();
    EXPECT_TRUE(IsOk(db->Close()));
    Iterator late = live ? db->NewIterator() : snapshot.NewIterator();
    for (const IteratorMove& seek : kIteratorSeeks) {
      for (Iterator* iterator : {&unpositioned, &positioned, &late}) {
        seek.run(*iterator);
        EXPECT_FALSE(iterator->Valid()) << seek.name;
        EXPECT_TRUE(FailsWith(iterator->status(), ErrorKind::kClosed)) << seek.name;
        iterator->Next();
        iterator->Prev();
        EXPECT_FALSE(iterator->Valid()) << seek.name;
        EXPECT_TRUE(FailsWith(iterator->status(), ErrorKind::kClosed)) << seek.name;
        EXPECT_EQ(iterator->Refresh().code(), absl::StatusCode::kFailedPrecondition);
        EXPECT_TRUE(FailsWith(iterator->Clone().status(), ErrorKind::kClosed));
      }
    }
  }
}

// The entries it has ready may still be walked over, in either direction, then it fails.
TEST(AfterCloseTest, AnIteratorMayFinishWhatItHasReady) {
  constexpr size_t kKeys = 3000;
  const auto db = ValueOf(Db::OpenInMemory());
  for (size_t i = 0; i < kKeys; ++i) ValueOf(db->Put(NumberedKey(i), "v"));
  const Snapshot snapshot = db->GetSnapshot();
  CheckingCursor forward(snapshot.NewIterator());
  CheckingCursor backward(snapshot.NewIterator());
  forward.SeekToFirst();
  backward.SeekToLast();
  EXPECT_TRUE(IsOk(db->Close()));
  size_t seen = 0;
  for (; forward.Valid(); forward.Next()) EXPECT_EQ(forward.key(), NumberedKey(seen++));
  EXPECT_GE(seen, 1u);
  EXPECT_LT(seen, kKeys);
  EXPECT_TRUE(FailsWith(forward.status(), ErrorKind::kClosed));
  seen = 0;
  for (; backward.Valid(); backward.Prev()) EXPECT_EQ(backward.key(), NumberedKey(kKeys - ++seen));
  EXPECT_GE(seen, 1u);
  EXPECT_LT(seen, kKeys);
  EXPECT_TRUE(FailsWith(backward.status(), ErrorKind::kClosed));
}

TEST(AfterCloseTest, ACloneIsWhereItsOriginalIsOrFails) {
  const auto db = OpenWithTwoEntries();
  Iterator iterator = db->NewIterator();
  iterator.SeekToFirst();
  EXPECT_TRUE(IsOk(db->Close()));
  const Iterator clone = iterator.Clone();
  if (clone.Valid()) {
    EXPECT_EQ(clone.key(), "a");
    EXPECT_EQ(clone.value(), "1");
  } else {
    EXPECT_TRUE(FailsWith(clone.status(), ErrorKind::kClosed));
  }
}

TEST(AfterCloseTest, ACallbackMayClose) {
  const auto db = OpenWithTwoEntries();
  const absl::Status status = db->Range({}, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(IsOk(db->Close()));
    EXPECT_EQ(value, key == "a" ? "1" : std::string(100, '2'));
    return true;
  });
  if (!status.ok()) {
    EXPECT_TRUE(FailsWith(status, ErrorKind::kClosed));
  }
  EXPECT_TRUE(FailsWith(db->Get("a"), ErrorKind::kClosed));
}

// --- After a move.

TEST(AfterMoveTest, EveryCallOfASnapshotIsRefused) {
  const auto db = OpenWithTwoEntries();
  Snapshot snapshot = db->GetSnapshot();
  const Snapshot moved = std::move(snapshot);
  for (const SnapshotCall& call : kSnapshotCalls) {
    EXPECT_TRUE(FailsWith(call.run(snapshot), ErrorKind::kMovedFrom)) << call.name;
    EXPECT_TRUE(IsOk(call.run(moved))) << call.name;
  }
  EXPECT_EQ(ValueOf(db->Stats()).live_snapshot_count, 1u);
}

TEST(AfterMoveTest, AMovedFromSnapshotStaysSoAfterClose) {
  const auto db = OpenWithTwoEntries();
  Snapshot snapshot = db->GetSnapshot();
  const Snapshot moved = std::move(snapshot);
  EXPECT_TRUE(IsOk(db->Close()));
  EXPECT_TRUE(FailsWith(snapshot.status(), ErrorKind::kMovedFrom));
  EXPECT_TRUE(FailsWith(moved.status(), ErrorKind::kClosed));
}

TEST(AfterMoveTest, ARefusalMovesToo) {
  const auto db = OpenWithTwoEntries();
  EXPECT_TRUE(IsOk(db->Close()));
  Snapshot refused = db->GetSnapshot();
  const Snapshot moved = std::move(refused);
  EXPECT_TRUE(FailsWith(moved.Get("a"), ErrorKind::kClosed));
  EXPECT_TRUE(FailsWith(refused.Get("a"), ErrorKind::kMovedFrom));
}

TEST(AfterMoveTest, EveryCallOfAnIteratorIsRefused) {
  const auto db = OpenWithTwoEntries();
  Iterator iterator = db->NewIterator();
  iterator.SeekToFirst();
  const Iterator moved = std::move(iterator);
  const auto refused = [&] {
    EXPECT_FALSE(iterator.Valid());
    EXPECT_TRUE(FailsWith(iterator.status(), ErrorKind::kMovedFrom));
  };
  refused();
  for (const IteratorMove& seek : kIteratorSeeks) {
    seek.run(iterator);
    refused();
    iterator.Next(), refused();
    iterator.Prev(), refused();
  }
  EXPECT_TRUE(FailsWith(iterator.Refresh(), ErrorKind::kMovedFrom));
  EXPECT_TRUE(FailsWith(iterator.Clone().status(), ErrorKind::kMovedFrom));
  EXPECT_EQ(iterator.read_ts(), std::nullopt);
  Iterator clone_of_moved_from = iterator.Clone();
  clone_of_moved_from.SeekToFirst();
  EXPECT_FALSE(clone_of_moved_from.Valid());
  EXPECT_EQ(moved.key(), "a");
  EXPECT_TRUE(IsOk(db->Close()));
  refused();
}

TEST(AfterMoveTest, AssigningBringsAHandleBack) {
  const auto db = OpenWithTwoEntries();
  Snapshot snapshot = db->GetSnapshot();
  Iterator iterator = snapshot.NewIterator();
  { const Snapshot gone = std::move(snapshot); }
  { const Iterator gone = std::move(iterator); }
  snapshot = db->GetSnapshot();
  iterator = snapshot.NewIterator();
  EXPECT_EQ(ValueOf(snapshot.Get("a")), "1");
  iterator.SeekToFirst();
  EXPECT_EQ(iterator.key(), "a");
}

TEST(AfterMoveTest, AHandleMayBeAssignedToItself) {
  const auto db = OpenWithTwoEntries();
  Snapshot snapshot = db->GetSnapshot();
  Iterator iterator = snapshot.NewIterator();
  iterator.SeekToFirst();
  PinnedValue pinned = *ValueOf(db->GetPinned("a"));
  Snapshot& same_snapshot = snapshot;
  Iterator& same_iterator = iterator;
  PinnedValue& same_pinned = pinned;
  snapshot = std::move(same_snapshot);
  iterator = std::move(same_iterator);
  pinned = std::move(same_pinned);
  EXPECT_EQ(ValueOf(snapshot.Get("a")), "1");
  EXPECT_EQ(iterator.key(), "a");
  EXPECT_EQ(pinned.view(), "1");
}

TEST(AfterMoveTest, AMovedFromPinnedValueShowsNothing) {
  const auto db = OpenWithTwoEntries();
  for (const char* key : {"a", "b"}) {
    PinnedValue pinned = *ValueOf(db->GetPinned(key));
    const std::string value(pinned.view());
    PinnedValue moved = std::move(pinned);
    EXPECT_EQ(pinned.view(), "");
    EXPECT_EQ(moved.view(), value);
    PinnedValue assigned;
    EXPECT_EQ(assigned.view(), "");
    assigned = std::move(moved);
    EXPECT_EQ(moved.view(), "");
    EXPECT_EQ(assigned.view(), value);
    EXPECT_TRUE(IsOk(db->Delete(key)));
    EXPECT_TRUE(IsOk(db->Settle()));
    EXPECT_EQ(assigned.view(), value);
  }
}

// --- Outliving the Db.

// One of everything that can be let go, and what the rest must still do.
class Household {
 public:
  Household() : db_(OpenTestDb()) {
    for (size_t i = 0; i < kKeys; ++i) ValueOf(db_->Put(NumberedKey(i), Value(i)));
    snapshot_ = db_->GetSnapshot();
    snapshot_clone_ = snapshot_->Clone();
    iterator_.emplace(snapshot_->NewIterator());
    iterator_->Seek(NumberedKey(2));
    iterator_clone_.emplace(iterator_->Clone());
    live_iterator_.emplace(db_->NewIterator());
    live_iterator_->Seek(NumberedKey(1));
    small_value_ = *ValueOf(db_->GetPinned(NumberedKey(2)));
    large_value_ = *ValueOf(snapshot_->GetPinned(NumberedKey(1)));
    ValueOf(db_->Clear());
    for (size_t i = 0; i < kKeys; ++i) ValueOf(db_->Put(NumberedKey(i), "later"));
  }

  // What may go, by number: any order of 0 to kParts - 1.
  static constexpr int kParts = 6;
  void Release(int part) {
    switch (part) {
      case 0:
        EXPECT_TRUE(IsOk(db_->Close()));
        closed_ = true;
        db_.reset();
        break;
      case 1:
        snapshot_.reset();
        break;
      case 2:
        iterator_.reset();
        break;
      case 3:
        iterator_clone_.reset();
        break;
      case 4:
        live_iterator_.reset();
        snapshot_clone_.reset();
        break;
      case 5:
        small_value_ = {};
        large_value_ = {};
        values_held_ = false;
        break;
    }
  }

  void CheckTheRest() {
    EXPECT_EQ(small_value_.view(), values_held_ ? Value(2) : "");
    EXPECT_EQ(large_value_.view(), values_held_ ? Value(1) : "");
    for (const auto* snapshot : {&snapshot_, &snapshot_clone_}) {
      if (!*snapshot) continue;
      const auto value = (*snapshot)->Get(NumberedKey(3));
      if (closed_) {
        EXPECT_TRUE(FailsWith(value, ErrorKind::kClosed));
      } else {
        EXPECT_EQ(ValueOf(value), Value(3));
      }
    }
    for (auto* iterator : {&iterator_, &iterator_clone_}) {
      if (*iterator) CheckEntry(**iterator, 2);
    }
    if (live_iterator_) CheckEntry(*live_iterator_, 1);
    if (!db_) return;
    EXPECT_EQ(ValueOf(db_->Get(NumberedKey(1))), "later");
    EXPECT_TRUE(IsOk(db_->Settle()));
    EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
  }

 private:
  static constexpr size_t kKeys = 6;
  static std::string Value(size_t i) { return std::string(i % 2 == 0 ? 3 : 40, 'a' + char(i)); }

  static void CheckEntry(const CheckingCursor& cursor, size_t i) {
    ASSERT_TRUE(cursor.Valid());
    EXPECT_EQ(cursor.key(), NumberedKey(i));
    EXPECT_EQ(cursor.value(), Value(i));
  }

  std::unique_ptr<Db> db_;
  bool closed_ = false;
  std::optional<Snapshot> snapshot_;
  std::optional<Snapshot> snapshot_clone_;
  std::optional<CheckingCursor> iterator_;
  std::optional<CheckingCursor> iterator_clone_;
  std::optional<CheckingCursor> live_iterator_;
  PinnedValue small_value_;
  PinnedValue large_value_;
  bool values_held_ = true;
};

std::vector<std::vector<int>> EveryOrder(int parts) {
  std::vector<int> order;
  for (int part = 0; part < parts; ++part) order.push_back(part);
  std::vector<std::vector<int>> orders;
  do {
    orders.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  return orders;
}

TEST(OutlivingTest, HandlesMayGoInEveryOrder) {
  for (const std::vector<int>& order : EveryOrder(Household::kParts)) {
    Household household;
    for (const int part : order) {
      household.Release(part);
      household.CheckTheRest();
    }
    ASSERT_FALSE(HasFailure()) << ::testing::PrintToString(order);
  }
}

TEST(OutlivingTest, EachOnAThreadOfItsOwn) {
  const std::vector<std::vector<int>> orders = EveryOrder(Household::kParts);
  for (size_t i = 0; i < orders.size(); i += 17) {
    std::unique_ptr<Household> household;
    std::thread([&] { household = std::make_unique<Household>(); }).join();
    for (const int part : orders[i]) {
      std::thread([&] {
        household->Release(part);
        household->CheckTheRest();
      }).join();
    }
    ASSERT_FALSE(HasFailure()) << ::testing::PrintToString(orders[i]);
  }
}

TEST(OutlivingTest, AllAtOnceOnManyThreads) {
  for (int round = 0; round < 30; ++round) {
    auto household = std::make_unique<Household>();
    std::vector<std::thread> threads;
    for (int part = 0; part < Household::kParts; ++part) {
      threads.emplace_back([&household, part] { household->Release(part); });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(OutlivingTest, ManyDbsWithHandlesBesideEachOther) {
  std::vector<Snapshot> snapshots;
  std::vector<CheckingCursor> cursors;
  for (size_t i = 0; i < 20; ++i) {
    const auto db = OpenTestDb();
    ValueOf(db->Put("a", NumberedKey(i)));
    snapshots.push_back(db->GetSnapshot());
    cursors.emplace_back(snapshots.back().NewIterator());
    cursors.back().SeekToFirst();
    if (i % 3 == 0) snapshots.pop_back();
  }
  for (size_t i = 0; i < cursors.size(); ++i) EXPECT_EQ(cursors[i].value(), NumberedKey(i));
  for (const Snapshot& snapshot : snapshots) {
    EXPECT_TRUE(FailsWith(snapshot.status(), ErrorKind::kClosed));
  }
}

TEST(OutlivingTest, DbsComeAndGoOnThreadsThatComeAndGo) {
  for (int round = 0; round < 30; ++round) {
    std::optional<Snapshot> snapshot;
    std::thread([&] {
      Options options = test::TinyOptions();
      options.background = BackgroundMode::kThread;
      const auto db = OpenTestDb(options);
      for (size_t i = 0; i < 20; ++i) ValueOf(db->Put(NumberedKey(i), "v"));
      snapshot = db->GetSnapshot();
      ValueOf(db->Clear());
    }).join();
    EXPECT_TRUE(FailsWith(snapshot->Get("a"), ErrorKind::kClosed));
  }
}

}  // namespace
}  // namespace firn
