#include "mvcc/pruner.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/leaf_builder.h"

namespace firn::internal {
namespace {

using test::ToString;

struct PruneCase {
  const char* name;
  const char* chain;
  std::vector<uint64_t> pins;
  uint64_t horizon;
  const char* left;
};

const PruneCase kCases[] = {
    {"ALoneValueStays", "7:a", {}, 9, "7:a"},
    {"WithoutSnapshotsOnlyTheNewestStays", "9:c 7:b 4:a", {}, 9, "9:c"},
    {"ASnapshotKeepsTheOneItSees", "9:c 7:b 4:a", {8}, 9, "9:c 7:b"},
    {"ASnapshotAtAVersionsTsSeesIt", "9:c 7:b 4:a", {7}, 9, "9:c 7:b"},
    {"ASnapshotJustBelowSeesTheOlder", "9:c 7:b 4:a", {6}, 9, "9:c 4:a"},
    {"BetweenTwoSnapshotsVersionsGo", "9:d 7:c 5:b 3:a", {3, 8}, 9, "9:d 7:c 3:a"},
    {"TwoSnapshotsOfOneVersionKeepIt", "9:b 4:a", {4, 5, 8}, 9, "9:b 4:a"},
    {"ASnapshotBelowAllKeepsNothing", "9:b 4:a", {3}, 9, "9:b"},
    {"ASnapshotAboveAllKeepsNothingOlder", "9:b 4:a", {9}, 9, "9:b"},
    {"WhatEndsAboveTheHorizonStays", "9:b 7:a", {}, 8, "9:b 7:a"},
    {"WhatEndsAtTheHorizonGoes", "9:b 7:a", {}, 9, "9:b"},
    {"AboveTheHorizonAllStay", "9:c 8:b 7:a", {}, 6, "9:c 8:b 7:a"},
    {"OnlyWhatEndedBelowTheHorizonGoes", "9:d 8:c 5:b 3:a", {}, 6, "9:d 8:c 5:b"},
    {"AVisibleTombstoneGoesWithItsKey", "9:- 7:a", {}, 9, ""},
    {"ALoneTombstoneGoes", "9:-", {}, 9, ""},
    {"ATombstoneAboveTheHorizonStays", "9:-", {}, 8, "9:-"},
    {"ATombstoneStaysWhileASnapshotSeesBelow", "9:- 7:a", {8}, 9, "9:- 7:a"},
    {"ASnapshotOfTheTombstoneDoesNotKeepIt", "9:- 7:a", {9}, 9, ""},
    {"ATombstoneAtTheEndSaysNothing", "9:b 7:- 4:a", {8}, 9, "9:b"},
    {"ATombstoneAboveAKeptValueIsNeeded", "9:b 7:- 4:a", {5, 8}, 9, "9:b 7:- 4:a"},
    {"ATombstoneBetweenThatNobodySeesGoes", "9:b 7:- 4:a", {5}, 9, "9:b 4:a"},
    {"TombstonesAtTheEndGoOneAfterTheOther", "9:c 7:- 5:- 4:a", {6, 8}, 9, "9:c"},
    {"ADeadKeyWithTwoLivesGoes", "9:- 7:b 5:- 4:a", {}, 9, ""},
    {"ADeadKeyStaysForAnOldSnapshot", "9:- 7:b 5:- 4:a", {4}, 9, "9:- 4:a"},
    {"AnUnpublishedTombstoneKeepsItsKey", "9:- 7:a", {}, 7, "9:- 7:a"},
    {"TombstonesBelowAnUnpublishedValueGo", "9:b 7:- 4:a", {}, 8, "9:b"},
    {"TheFarthestTimestamps",
     "9223372036854775807:b 1:a",
     {9223372036854775806u},
     9223372036854775807u,
     "9223372036854775807:b 1:a"},
};

class PruneVersionsTest : public testing::TestWithParam<PruneCase> {
 protected:
  SpanAllocator allocator_;
  LargeValueHeap heap_;
  test::LeafBuilder values_{allocator_, heap_};
};

TEST_P(PruneVersionsTest, Leaves) {
  std::vector<VersionView> versions;
  for (const auto& version : test::ParseChain(GetParam().chain)) {
    versions.push_back(values_.View(version));
  }
  const size_t before = versions.size();
  const size_t gone = PruneVersions({GetParam().horizon, GetParam().pins}, false, &versions);
  std::string left;
  for (const VersionView& version : versions) {
    left += (left.empty() ? "" : " ") + ToString(version);
  }
  EXPECT_EQ(left, GetParam().left);
  EXPECT_EQ(gone, before - versions.size());
}

// Pruning again, with the same snapshots or with fewer, never has to bring anything back.
TEST_P(PruneVersionsTest, AgainChangesNothing) {
  std::vector<VersionView> versions;
  for (const auto& version : test::ParseChain(GetParam().chain)) {
    versions.push_back(values_.View(version));
  }
  const PinnedSet pins{GetParam().horizon, GetParam().pins};
  PruneVersions(pins, false, &versions);
  if (!versions.empty()) {
    EXPECT_EQ(PruneVersions(pins, false, &versions), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(, PruneVersionsTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(row.param.name); });

// So many that a list is shared.
constexpr size_t kMany = 300;

class PrunerTest : public testing::Test {
 protected:
  SnapshotSlot* Pin() { return registry_.Pin(oracle_, "", ""); }
  void CommitTo(uint64_t ts) {
    Stamp stamp;
    ASSERT_EQ(oracle_.At(ts, ts, &stamp), GivenTs::kOk);
    oracle_.Publish(stamp);
  }
  PinnedSet Collected() {
    PinnedSet pins;
    pruner_.Collect(&pins);
    return pins;
  }

  TimestampOracle oracle_;
  SnapshotRegistry registry_;
  Pruner pruner_{oracle_, registry_};
};

TEST_F(PrunerTest, TheHorizonIsWhatIsVisible) {
  EXPECT_EQ(Collected().horizon, 0u);
  CommitTo(7);
  EXPECT_EQ(Collected().horizon, 7u);
  Stamp unpublished;
  ASSERT_EQ(oracle_.At(9, 9, &unpublished), GivenTs::kOk);
  EXPECT_EQ(Collected().horizon, 7u);
  oracle_.Publish(unpublished);
  EXPECT_EQ(Collected().horizon, 9u);
}

TEST_F(PrunerTest, FewSnapshotsAreCollectedAnewEachTime) {
  CommitTo(5);
  SnapshotSlot* first = Pin();
  SnapshotSlot* twin = Pin();
  CommitTo(7);
  SnapshotSlot* second = Pin();
  EXPECT_EQ(Collected().ts, (std::vector<uint64_t>{5, 7}));
  registry_.DropHandle(first);
  EXPECT_EQ(Collected().ts, (std::vector<uint64_t>{5, 7}));
  registry_.DropHandle(twin);
  EXPECT_EQ(Collected().ts, (std::vector<uint64_t>{7}));
  registry_.DropHandle(second);
  EXPECT_TRUE(Collected().ts.empty());
}

// A hundred versions of a key, as many as a leaf keeps without a thought, are no reason to judge by
// an old list: what was overwritten since would stay.
TEST_F(PrunerTest, AHundredSnapshotsAreCollectedAnewEachTime) {
  std::vector<SnapshotSlot*> slots;
  for (uint64_t ts = 1; ts <= 100; ++ts) {
    CommitTo(ts);
    slots.push_back(Pin());
  }
  for (uint64_t ts = 101; ts <= 200; ++ts) {
    CommitTo(ts);
    EXPECT_EQ(Collected().horizon, ts);
  }
  for (SnapshotSlot* slot : slots) registry_.DropHandle(slot);
}

TEST_F(PrunerTest, OfManySnapshotsASharedListKeepsMoreNeverLess) {
  std::vector<SnapshotSlot*> slots;
  for (uint64_t ts = 1; ts <= kMany; ++ts) {
    CommitTo(ts);
    slots.push_back(Pin());
  }
  Collected();  // Finds that they are many.
  for (uint64_t ts = kMany + 1; ts <= kMany + 50; ++ts) {
    const PinnedSet before = Collected();
    CommitTo(ts);
    slots.push_back(Pin());
    registry_.DropHandle(slots[ts - kMany - 1]);
    // Whatever was live before the call and reads below its horizon must be in it.
    const PinnedSet after = Collected();
    EXPECT_GE(after.horizon, before.horizon);
    for (uint64_t live = ts - kMany + 1; live <= ts; ++live) {
      const bool found = after.Seen(live, live + 1);
      EXPECT_TRUE(found || live >= after.horizon) << live;
    }
    PinnedSet fresh;
    pruner_.CollectFresh(&fresh);
    EXPECT_EQ(fresh.horizon, ts);
    EXPECT_EQ(fresh.ts.size(), kMany);
  }
  for (size_t i = 50; i < slots.size(); ++i) registry_.DropHandle(slots[i]);
}

TEST_F(PrunerTest, ASharedListIsGivenUpWhenSnapshotsAreFewAgain) {
  CommitTo(1);
  std::vector<SnapshotSlot*> slots;
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 10; ++j) slots.push_back(Pin());
    CommitTo(oracle_.visible() + 1);
  }
  for (size_t i = 0; i < kMany; ++i) {
    CommitTo(oracle_.visible() + 1);
    slots.push_back(Pin());
  }
  Collected();
  Collected();
  for (SnapshotSlot* slot : slots) registry_.DropHandle(slot);
  while (!Collected().ts.empty()) {  // A millisecond at the most, or this never ends.
  }
  CommitTo(oracle_.visible() + 1);
  SnapshotSlot* late = Pin();
  EXPECT_EQ(Collected().ts, (std::vector<uint64_t>{late->ts}));
  registry_.DropHandle(late);
}

}  // namespace
}  // namespace firn::internal
