#include "mvcc/older_run.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/failing_spans.h"
#include "tests/support/leaf_builder.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::TestMap;
using test::Writes;

constexpr size_t kKeys = 20;

std::string Key(size_t number) { return "key" + std::to_string(1'000 + number); }

// A leaf that takes all keys, and in its block so many older versions of them.
TuningOptions Tuning() {
  TuningOptions tuning = test::RoomyTuning();
  tuning.block_bytes = 1'024;
  return tuning;
}

// A map whose snapshots are remembered with all that they must show.
class OlderRunTest : public testing::Test {
 protected:
  explicit OlderRunTest(TuningOptions tuning = Tuning()) : map_(tuning) {}
  ~OlderRunTest() override {
    for (const Held& held : held_) map_.Drop(held.slot);
  }

  void Commit(const Writes& writes) {
    map_.Commit(writes);
    for (const auto& [key, value] : writes) content_[key] = value;
  }
  // Round by round: a snapshot, then a new value of every key.
  void OverwriteAllUnderSnapshots(size_t rounds) {
    for (size_t round = 0; round < rounds; ++round) {
      Pin();
      for (size_t i = 0; i < kKeys; ++i) Commit({{Key(i), Value(round, i)}});
    }
  }
  // By a value as large as the one before.
  void OverwriteInKind(size_t i) { Commit({{Key(i), *content_.at(Key(i))}}); }
  static std::string Value(size_t round, size_t i) {
    return std::to_string(round) + "/" + std::to_string(i);
  }
  void Pin() { held_.push_back({map_.Pin(), content_}); }
  void Drop(size_t i) {
    map_.Drop(held_[i].slot);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void CheckSnapshots() const {
    for (const Held& held : held_) {
      for (const auto& [key, value] : content_) {
        const auto then = held.content.find(key);
        const auto expected = then == held.content.end() ? std::nullopt : then->second;
        ASSERT_EQ(map_.Get(key, held.slot->ts), expected) << key << " at " << held.slot->ts;
      }
    }
    for (const auto& [key, value] : content_) ASSERT_EQ(map_.GetLatest(key), value) << key;
    map_.CheckStructure();
  }
  size_t Runs() const {
    size_t runs = 0;
    for (const auto& leaf : map_.Leaves()) runs += leaf.runs;
    return runs;
  }
  // Releases every snapshot; then nothing may be left of what they kept.
  void CheckThatAllIsGivenBack() {
    while (!held_.empty()) Drop(held_.size() / 2);
    map_.Settle();
    EXPECT_EQ(Runs(), 0u);
    size_t live = 0;
    Writes deletions;
    for (const auto& [key, value] : content_) {
      live += value ? 1 : 0;
      deletions[key] = std::nullopt;
    }
    EXPECT_EQ(map_.VersionCount(), live);
    CheckSnapshots();
    map_.Commit(deletions);
    map_.Settle();
    EXPECT_EQ(map_.allocated_bytes(), empty_bytes_);
    EXPECT_EQ(map_.large_count(), 0u);
  }

  struct Held {
    SnapshotSlot* slot;
    Writes content;
  };
  TestMap map_;
  const size_t empty_bytes_ = map_.allocated_bytes();
  Writes content_;
  std::vector<Held> held_;
};

TEST_F(OlderRunTest, SnapshotsDoNotCutALeaf) {
  OverwriteAllUnderSnapshots(1);
  map_.Settle();
  ASSERT_EQ(map_.Leaves().size(), 1u);
  OverwriteAllUnderSnapshots(100);
  map_.Settle();
  EXPECT_EQ(map_.Leaves().size(), 1u);
  EXPECT_GE(Runs(), 2u);
  EXPECT_LE(Runs(), 7u) << "as many as a hundred has binary digits";
  // Of each key: what the 100 snapshots after the first see, and the newest.
  EXPECT_EQ(map_.VersionCount(), 101 * kKeys);
  CheckSnapshots();
  CheckThatAllIsGivenBack();
}

TEST_F(OlderRunTest, AReleasedSnapshotsVersionsLeaveTheRuns) {
  OverwriteAllUnderSnapshots(40);
  map_.Settle();
  const size_t all = map_.VersionCount();
  for (size_t i = held_.size(); i-- > 1;) {
    if (i % 2 == 1) Drop(i);
  }
  map_.Settle();
  EXPECT_EQ(map_.VersionCount(), all - 20 * kKeys);
  CheckSnapshots();
  EXPECT_FALSE(map_.settler().Step()) << "nothing is owed any more";
  CheckThatAllIsGivenBack();
}

TEST_F(OlderRunTest, RunsOfALeafThatIsNeverIdleArePruned) {
  OverwriteAllUnderSnapshots(40);
  for (size_t i = 0; i < 5 * kKeys; ++i) OverwriteInKind(i % kKeys);
  ASSERT_GE(Runs(), 1u);
  ASSERT_EQ(map_.Leaves()[0].older, map_.Leaves()[0].older_in_runs);
  while (!held_.empty()) Drop(0);
  const size_t versions = map_.VersionCount();
  // Runs are looked at once in an eighth as many freezes as they have versions, and a few writes
  // make a freeze.
  for (size_t i = 0; i < versions && Runs() != 0; ++i) OverwriteInKind(i % kKeys);
  EXPECT_EQ(Runs(), 0u);
  CheckThatAllIsGivenBack();
}

// One old snapshot keeps one version of each key. Freezes for writes must not copy these each time;
// readers of a leaf at rest find them in its block.
TEST_F(OlderRunTest, WhatFitsIntoABlockStandsThereWhileTheLeafIsIdle) {
  OverwriteAllUnderSnapshots(1);
  Pin();
  for (size_t i = 0; i < 50 * kKeys; ++i) Commit({{Key(i % kKeys), "newer"}});
  EXPECT_EQ(Runs(), 1u);
  EXPECT_EQ(map_.Leaves()[0].older, map_.Leaves()[0].older_in_runs) << "a rest is copied each time";
  CheckSnapshots();
  map_.Settle();
  EXPECT_EQ(Runs(), 0u);
  EXPECT_EQ(map_.VersionCount(), 2 * kKeys);
  CheckSnapshots();
  for (size_t i = 0; i < 50 * kKeys; ++i) Commit({{Key(i % kKeys), "newest"}});
  EXPECT_EQ(Runs(), 1u);
  CheckThatAllIsGivenBack();
}

// Seen by what a block that was patched keeps of the one before: a time that no version in it has.
TEST_F(OlderRunTest, ABlockIsPatchedAboveItsRuns) {
  OverwriteAllUnderSnapshots(1);
  Pin();
  bool patched = false;
  for (size_t i = 0; i < 50 * kKeys; ++i) {
    const size_t number = i % kKeys;
    OverwriteInKind(number);
    const EpochGuard guard;
    const LeafState& state = *map_.map().FindState("");
    uint64_t oldest = state.block()->commit_ts(0);
    for (uint32_t k = 1; k < state.block()->count(); ++k) {
      oldest = std::min(oldest, state.block()->commit_ts(k));
    }
    EXPECT_LT(state.block()->older_count(), kKeys / 2) << "an eighth of a block's bytes at most";
    patched |= state.older_runs != nullptr && !state.block()->has_older() &&
               state.block()->min_commit_ts() < oldest;
  }
  EXPECT_TRUE(patched);
  CheckSnapshots();
  CheckThatAllIsGivenBack();
}

TEST_F(OlderRunTest, ATombstoneStaysAboveWhatARunHolds) {
  // Until the runs have taken in what was in the block.
  do {
    OverwriteAllUnderSnapshots(1);
    map_.Settle();
    ASSERT_LT(held_.size(), 1'000u);
  } while (Runs() == 0 || map_.Leaves()[0].older != map_.Leaves()[0].older_in_runs);
  // Nobody sees what is deleted here, so all that the tombstones hide is in runs.
  for (const size_t i : {3, 4}) Commit({{Key(i), std::nullopt}});
  map_.Settle();
  EXPECT_EQ(map_.GetLatest(Key(3)), std::nullopt);
  CheckSnapshots();
  // One tombstone is the oldest in the block, seen by a snapshot, and gets into a run itself.
  Pin();
  Commit({{Key(3), "again"}});
  map_.Settle();
  CheckSnapshots();
  OverwriteAllUnderSnapshots(10);
  CheckSnapshots();
  Commit({{Key(3), std::nullopt}});
  // Only the oldest is left: it sees versions that are below the tombstones.
  while (held_.size() > 1) Drop(1);
  map_.Settle();
  CheckSnapshots();
  CheckThatAllIsGivenBack();
}

TEST_F(OlderRunTest, LeavesOfASplitHaveRunsOfTheirOwn) {
  OverwriteAllUnderSnapshots(40);
  Pin();
  Writes more;
  for (size_t i = 0; i < 10 * kKeys; ++i) more[Key(i / 10) + std::to_string(i % 10)] = "more";
  Commit(more);
  map_.Settle();
  EXPECT_GE(map_.Leaves().size(), 5u);
  CheckSnapshots();
  // And joined again.
  for (auto& [key, value] : more) value.reset();
  Commit(more);
  Drop(held_.size() - 1);
  map_.Settle();
  EXPECT_LE(map_.Leaves().size(), 2u);
  CheckSnapshots();
  CheckThatAllIsGivenBack();
}

class OlderRunLargeTest : public OlderRunTest {
 protected:
  OlderRunLargeTest() : OlderRunTest(WithLargeValues()) {}
  static TuningOptions WithLargeValues() {
    TuningOptions tuning = Tuning();
    tuning.large_value_bytes = 16;
    return tuning;
  }
};

TEST_F(OlderRunLargeTest, RunsCountLargeValues) {
  for (size_t round = 0; round < 40; ++round) {
    Pin();
    for (size_t i = 0; i < kKeys; ++i) {
      const bool large = (round + i) % 3 == 0;
      Commit({{Key(i), Value(round, i) + std::string(large ? 20 : 0, 'l')}});
    }
  }
  map_.Settle();
  EXPECT_GE(Runs(), 1u);
  EXPECT_EQ(map_.large_count(), 40 * kKeys / 3 + (40 * kKeys % 3 == 0 ? 0 : 1));
  CheckSnapshots();
  CheckThatAllIsGivenBack();
}

#ifdef FIRN_INVARIANTS
TEST_F(OlderRunTest, WithoutMemoryAFreezeChangesNothing) {
  OverwriteAllUnderSnapshots(30);
  const size_t runs = Runs();
  // Until a freeze makes a run, which then fails at every allocation in turn.
  for (size_t i = 0; Runs() == runs; ++i) {
    ASSERT_LT(i, 1'000u);
    if (i % kKeys == 0) Pin();
    const Writes write{{Key(i % kKeys), "v" + std::to_string(i)}};
    test::WithEveryAllocationFailing([&] { Commit(write); }, [&] { CheckSnapshots(); });
  }
  CheckSnapshots();
  CheckThatAllIsGivenBack();
}
#endif

}  // namespace
}  // namespace firn::internal
