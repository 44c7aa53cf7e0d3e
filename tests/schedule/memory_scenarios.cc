#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firn/db.h"
#include "gtest/gtest.h"
#include "tests/schedule/scenario.h"
#include "tests/schedule/trial.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

// The smallest sizes; committers and releasers settle, or only who says so.
Options SomeOptions(Random& random) {
  Options options = TinyOptions();
  options.background = random.OneIn(2) ? BackgroundMode::kInline : BackgroundMode::kManual;
  return options;
}

void PutAll(Witness& witness, const std::vector<size_t>& numbers, const std::string& value) {
  for (const size_t number : numbers) witness.Put(NumberedKey(number), value);
}

void SettleSome(Trial& trial, int steps) {
  for (int i = 0; i < steps; ++i) ValueOf(trial.db().StepBackgroundWork());
}

// What an iterator shows from where it stands, all the way in one direction.
std::vector<Entry> Rest(CheckingCursor& cursor) {
  std::vector<Entry> entries;
  for (; cursor.Valid(); cursor.Next()) {
    entries.push_back({std::string(cursor.key()), std::string(cursor.value()), cursor.commit_ts()});
  }
  EXPECT_TRUE(IsOk(cursor.status()));
  return entries;
}

void TwoWritersSplitALeafUnderAScan(Random& random) {
  Trial trial(SomeOptions(random));
  PutAll(trial.NewWitness(), {0, 4, 8}, "old");
  Witness& left = trial.NewWitness();
  Witness& right = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"left",
                [&] {
                  PutAll(left, {1, 2, 3, 2}, "left");
                }},
               {"right",
                [&] {
                  PutAll(right, {7, 6, 5, 6}, "right");
                }},
               {"reader", [&] {
                  reader.MultiGet({NumberedKey(8), NumberedKey(4), NumberedKey(0)});
                  reader.ScanSnapshot();
                  reader.ScanForward();
                  reader.MultiGet({NumberedKey(8), NumberedKey(4), NumberedKey(0)});
                  reader.ScanBackward();
                }}});
  trial.JudgeAll();
}

void ALeafIsFrozenUnderAnIteratorThatStandsInIt(Random& random) {
  Trial trial(SomeOptions(random));
  PutAll(trial.NewWitness(), {0, 1, 2, 3}, "old");
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"writer",
                [&] {
                  PutAll(writer, {1, 1, 2, 1}, "new");
                  writer.Delete(NumberedKey(2));
                }},
               {"settler", [&] { SettleSome(trial, 3); }},
               {"reader", [&] {
                  CheckingCursor cursor(trial.db().NewIterator());
                  cursor.SeekToFirst();
                  for (int step = 0; step < 2; ++step) {  // There and back.
                    cursor.Next();
                    cursor.Next();
                    cursor.Prev();
                    cursor.Prev();
                  }
                  const CommitTs ts = *cursor.read_ts();
                  reader.Saw(ts, Rest(cursor));
                }}});
  trial.JudgeAll();
}

void LeavesAreMergedUnderAReaderThatHops(Random& random) {
  Trial trial(TinyOptions());
  Witness& before = trial.NewWitness();
  for (size_t i = 0; i < 10; ++i) before.Put(NumberedKey(i), "old");
  ASSERT_TRUE(IsOk(trial.db().Settle()));
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  const bool backward = random.OneIn(2);
  RunTogether({{"writer", [&] { writer.DeleteRange(NumberedKey(2), NumberedKey(8)); }},
               {"settler", [&] { SettleSome(trial, 4); }},
               {"reader", [&] {
                  for (int pass = 0; pass < 2; ++pass) {
                    if (backward) reader.ScanBackward();
                    if (!backward) reader.ScanForward();
                  }
                }}});
  trial.JudgeAll();
}

// Two levels of inner nodes shrink to one while somebody writes where leaves go.
void InnerNodesAreMergedUnderAWriter(Random& random) {
  Trial trial(TinyOptions());
  Witness& before = trial.NewWitness();
  for (size_t i = 0; i < 24; ++i) before.Put(NumberedKey(i), "old");
  ASSERT_TRUE(IsOk(trial.db().Settle()));
  before.DeleteRange(NumberedKey(1), NumberedKey(23));
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  const size_t middle = random.Between(2, 20);
  RunTogether({{"writer",
                [&] {
                  PutAll(writer, {middle, middle + 1, middle + 2}, "new");
                }},
               {"settler", [&] { SettleSome(trial, 3); }},
               {"reader", [&] {
                  reader.ScanForward();
                  reader.ScanBackward();
                  reader.MultiGet({NumberedKey(middle), NumberedKey(23), NumberedKey(0)});
                }}});
  trial.JudgeAll();
}

void ASnapshotIsPinnedWhilePrunersCollect(Random& random) {
  Trial trial(SomeOptions(random));
  PutAll(trial.NewWitness(), {0, 1}, "old");
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"writer",
                [&] {
                  PutAll(writer, {0, 0, 0, 0, 0, 0}, "new");
                }},
               {"settler", [&] { SettleSome(trial, 4); }},
               {"reader", [&] {
                  const Snapshot older = reader.TakeSnapshot();
                  const Snapshot newer = reader.TakeSnapshot();
                  reader.Scan(newer);
                  reader.Scan(older);
                }}});
  trial.JudgeAll();
}

void GetStepsOverWhatIsNotPublished(Random& random) {
  Trial trial(SomeOptions(random));
  PutAll(trial.NewWitness(), {0, 9}, "old");
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"first writer",
                [&] {
                  PutAll(first, {0, 0, 9, 0}, "first");
                }},
               {"second writer",
                [&] {
                  PutAll(second, {9, 0, 0, 0}, "second");
                }},
               {"reader", [&] {
                  for (int i = 0; i < 5; ++i) reader.Get(NumberedKey(0));
                }}});
  trial.JudgeAll();
}

void OneOfTwoCompareAndSwapsWins(Random& random) {
  Trial trial(SomeOptions(random));
  trial.NewWitness().Put("k", "0");
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  bool won[2][3] = {};
  const auto swap_up = [&](Witness& witness, bool* wins) {
    for (int i = 0; i < 3; ++i) {
      wins[i] = witness.CompareAndSwap("k", std::to_string(i), std::to_string(i + 1));
      if (!wins[i]) witness.Get("k");
    }
  };
  RunTogether({{"first", [&] { swap_up(first, won[0]); }},
               {"second", [&] { swap_up(second, won[1]); }},
               {"reader", [&] {
                  for (int i = 0; i < 4; ++i) reader.Get("k");
                }}});
  for (int i = 0; i < 3; ++i) EXPECT_NE(won[0][i], won[1][i]) << "the swap from " << i;
  trial.JudgeAll();
}

void BatchesOverTwoLeavesAreAllOrNothing(Random& random) {
  Trial trial(SomeOptions(random));
  Witness& before = trial.NewWitness();
  PutAll(before, {0, 1, 2, 7, 8, 9}, "old");
  Witness& up = trial.NewWitness();
  Witness& down = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  const auto write_pairs = [](Witness& witness, const std::string& value) {
    for (int i = 0; i < 3; ++i) {
      WriteBatch batch;
      batch.Put(NumberedKey(1), value + std::to_string(i));
      batch.Put(NumberedKey(8), value + std::to_string(i));
      witness.Write(batch);
    }
  };
  RunTogether({{"up", [&] { write_pairs(up, "up"); }},
               {"down", [&] { write_pairs(down, "down"); }},
               {"reader", [&] {
                  const std::vector<std::string> keys = {NumberedKey(8), NumberedKey(1)};
                  for (int i = 0; i < 3; ++i) reader.MultiGet(keys);
                  reader.ScanForward();
                }}});
  trial.JudgeAll();
}

void ARangeIsDeletedWhileAKeyComesIntoIt(Random& random) {
  Trial trial(SomeOptions(random));
  PutAll(trial.NewWitness(), {0, 2, 4, 6, 8}, "old");
  Witness& deleter = trial.NewWitness();
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"deleter",
                [&] {
                  deleter.DeleteRange(NumberedKey(2), NumberedKey(7));
                  deleter.DeleteRange(NumberedKey(0), NumberedKey(4));
                }},
               {"writer",
                [&] {
                  PutAll(writer, {3, 5, 4, 3}, "new");
                }},
               {"reader", [&] {
                  reader.ScanForward();
                  reader.ScanSnapshot();
                }}});
  trial.JudgeAll();
}

void LazyFactoriesMakeAKeyThatIsDeleted(Random& random) {
  Trial trial(SomeOptions(random));
  trial.NewWitness().Put("other", "1");
  Witness& first = trial.NewWitness();
  Witness& second = trial.NewWitness();
  Witness& deleter = trial.NewWitness();
  int factories_running = 0;
  const auto load_or_make = [&](Witness& witness, const std::string& value) {
    const auto factory = [&]() -> absl::StatusOr<std::string> {
      EXPECT_EQ(++factories_running, 1) << "two factories of one key at once";
      witness.Get("other");
      --factories_running;
      return value;
    };
    for (int i = 0; i < 2; ++i) witness.LoadOrStore("k", factory);
  };
  RunTogether({{"first", [&] { load_or_make(first, "first"); }},
               {"second", [&] { load_or_make(second, "second"); }},
               {"deleter", [&] {
                  for (int i = 0; i < 3; ++i) deleter.Delete("k");
                }}});
  trial.JudgeAll();
}

// A commit that had passed the check may finish after Close(); nothing that an iterator shows is
// wrong for that.
void TheDbIsClosedBesideACommitAndAnIterator(Random& random) {
  Trial trial(SomeOptions(random));
  Witness& before = trial.NewWitness();
  PutAll(before, {0, 1, 2, 3, 4}, "old");
  const std::vector<Entry> all = ReadForward(trial.db());
  RunTogether({{"closer",
                [&] {
                  EXPECT_TRUE(IsOk(trial.db().Close()));
                  EXPECT_TRUE(FailsWith(trial.db().Put("late", ""), ErrorKind::kClosed));
                }},
               {"writer",
                [&] {
                  absl::StatusOr<CommitTs> written;
                  do {
                    written = trial.db().Put(NumberedKey(9), "new");
                  } while (written.ok() && written->value < 9);
                  EXPECT_TRUE(written.ok() || FailsWith(written, ErrorKind::kClosed));
                }},
               {"reader", [&] {
                  CheckingCursor cursor(trial.db().NewIterator({.upper_bound = NumberedKey(9)}));
                  size_t seen = 0;
                  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) {
                    ASSERT_LT(seen, all.size());
                    EXPECT_EQ(cursor.key(), all[seen].key);
                    EXPECT_EQ(cursor.value(), all[seen].value);
                    ++seen;
                  }
                  EXPECT_TRUE(FailsWith(cursor.status(), ErrorKind::kClosed) || seen == all.size());
                }}});
}

void IteratorsAreClonedAndMovedBesideFreezes(Random& random) {
  Trial trial(SomeOptions(random));
  PutAll(trial.NewWitness(), {0, 1, 2, 3, 4, 5}, "old");
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"writer",
                [&] {
                  PutAll(writer, {2, 3, 2, 3, 2}, "new");
                }},
               {"settler", [&] { SettleSome(trial, 3); }},
               {"reader", [&] {
                  CheckingCursor cursor(trial.db().NewIterator());
                  cursor.Seek(NumberedKey(2));
                  CheckingCursor clone = cursor.Clone();
                  const CommitTs ts = *cursor.read_ts();
                  EXPECT_EQ(clone.read_ts(), ts);
                  const Bounds from_here{.lower = NumberedKey(2)};
                  reader.Saw(ts, Rest(cursor), from_here);
                  cursor = std::move(clone);
                  CheckingCursor again = cursor.Clone();
                  reader.Saw(ts, Rest(again), from_here);
                  reader.Saw(ts, Rest(cursor), from_here);
                  ASSERT_TRUE(IsOk(cursor.Refresh()));
                  cursor.SeekToFirst();
                  const CommitTs refreshed = *cursor.read_ts();
                  EXPECT_GE(refreshed, ts);
                  reader.Saw(refreshed, Rest(cursor));
                }}});
  trial.JudgeAll();
}

void ASnapshotIsReleasedBesideASettle(Random& random) {
  Trial trial(SomeOptions(random));
  Witness& before = trial.NewWitness();
  PutAll(before, {0, 1, 2}, "old");
  std::optional<Snapshot> held = before.TakeSnapshot();
  PutAll(before, {0, 1}, "newer");
  Witness& holder = trial.NewWitness();
  Witness& writer = trial.NewWitness();
  RunTogether({{"holder",
                [&] {
                  Snapshot clone = held->Clone();
                  held.reset();
                  holder.Saw(clone.ts(), ReadForward(clone));
                  const std::vector<SnapshotInfo> live = ValueOf(trial.db().LiveSnapshots());
                  EXPECT_FALSE(live.empty());
                }},
               {"writer",
                [&] {
                  writer.Delete(NumberedKey(1));
                  PutAll(writer, {0, 2}, "newest");
                  writer.ScanSnapshot();
                }},
               {"settler", [&] {
                  SettleSome(trial, 3);
                  ValueOf(trial.db().LiveSnapshots());
                }}});
  trial.JudgeAll();
}

void ALargeValueIsReplacedUnderItsReaders(Random& random) {
  Trial trial(SomeOptions(random));
  const std::string large(40, 'x');
  PutAll(trial.NewWitness(), {0, 1, 2}, large);
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  RunTogether({{"writer",
                [&] {
                  PutAll(writer, {1, 1}, large + "y");
                  writer.Delete(NumberedKey(1));
                }},
               {"settler", [&] { SettleSome(trial, 4); }},
               {"reader", [&] {
                  const auto pinned = ValueOf(trial.db().GetPinned(NumberedKey(1)));
                  const std::string seen(pinned ? pinned->view() : "");
                  CheckingCursor cursor(trial.db().NewIterator());
                  cursor.SeekToFirst();
                  const CommitTs ts = *cursor.read_ts();
                  reader.Saw(ts, Rest(cursor));
                  reader.ScanBackward();
                  EXPECT_TRUE(!pinned || pinned->view() == seen);
                }}});
  trial.JudgeAll();
}

// The last one to go frees the map, whoever that is.
void HandlesOutliveTheDb(Random& random) {
  auto trial = std::make_unique<Trial>(SomeOptions(random));
  Witness& before = trial->NewWitness();
  PutAll(before, {0, 1, 2, 3}, "old");
  std::optional<Snapshot> snapshot = before.TakeSnapshot();
  before.Put(NumberedKey(1), "new");
  std::optional<CheckingCursor> cursor(trial->db().NewIterator());
  cursor->Seek(NumberedKey(1));
  const std::string here(cursor->value());
  RunTogether({{"owner", [&] { trial->CloseDb(); }},
               {"snapshot's",
                [&] {
                  std::optional<Iterator> iterator = snapshot->NewIterator();
                  iterator->SeekToFirst();
                  EXPECT_TRUE(!iterator->Valid() || iterator->value() == "old");
                  snapshot.reset();
                  iterator.reset();
                }},
               {"iterator's", [&] {
                  {
                    const CheckingCursor clone = cursor->Clone();
                    EXPECT_TRUE(!clone.Valid() || clone.value() == here);
                  }
                  EXPECT_EQ(cursor->value(), here);
                  cursor.reset();
                }}});
}

}  // namespace

std::vector<Scenario> MemoryScenarios() {
  return {
      {"TwoWritersSplitALeafUnderAScan", &TwoWritersSplitALeafUnderAScan},
      {"ALeafIsFrozenUnderAnIteratorThatStandsInIt", &ALeafIsFrozenUnderAnIteratorThatStandsInIt},
      {"LeavesAreMergedUnderAReaderThatHops", &LeavesAreMergedUnderAReaderThatHops},
      {"InnerNodesAreMergedUnderAWriter", &InnerNodesAreMergedUnderAWriter},
      {"ASnapshotIsPinnedWhilePrunersCollect", &ASnapshotIsPinnedWhilePrunersCollect},
      {"GetStepsOverWhatIsNotPublished", &GetStepsOverWhatIsNotPublished},
      {"OneOfTwoCompareAndSwapsWins", &OneOfTwoCompareAndSwapsWins},
      {"BatchesOverTwoLeavesAreAllOrNothing", &BatchesOverTwoLeavesAreAllOrNothing},
      {"ARangeIsDeletedWhileAKeyComesIntoIt", &ARangeIsDeletedWhileAKeyComesIntoIt},
      {"LazyFactoriesMakeAKeyThatIsDeleted", &LazyFactoriesMakeAKeyThatIsDeleted},
      {"TheDbIsClosedBesideACommitAndAnIterator", &TheDbIsClosedBesideACommitAndAnIterator},
      {"IteratorsAreClonedAndMovedBesideFreezes", &IteratorsAreClonedAndMovedBesideFreezes},
      {"ASnapshotIsReleasedBesideASettle", &ASnapshotIsReleasedBesideASettle},
      {"ALargeValueIsReplacedUnderItsReaders", &ALargeValueIsReplacedUnderItsReaders},
      {"HandlesOutliveTheDb", &HandlesOutliveTheDb},
  };
}

}  // namespace firn::test
