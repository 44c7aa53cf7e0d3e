#include "mvcc/versioned_map.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/point_read.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::TestMap;

// Under AddressSanitizer a map that is not deleted is a leak, and one deleted twice or too early
// is an error.
TEST(VersionedMapTest, WithoutHandlesItGoesWhenItIsAbandoned) {
  TestMap map;
  map.Put("key", "value");
  map.Release()->Abandon();
}

TEST(VersionedMapTest, TheLastHandleOfAnAbandonedMapDeletesIt) {
  for (const bool hazard_last : {false, true}) {
    TestMap map;
    map.Put("key", "a value that is large");
    SnapshotSlot* snapshot = map.Pin();
    HazardSlot* hazard = map.versioned().ClaimHazard();
    ASSERT_NE(hazard, nullptr);
    VersionedMap* versioned = map.Release();
    versioned->Close();
    versioned->Abandon();
    {
      const EpochGuard guard;
      const LeafState& state = *versioned->map().FindState("key");
      EXPECT_EQ(FindVersion(state, "key", SnapshotView(snapshot->ts)).bytes(),
                "a value that is large");
    }
    if (hazard_last) versioned->DropSnapshot(snapshot);
    versioned->ReleaseHazard(hazard);
    if (!hazard_last) versioned->DropSnapshot(snapshot);
  }
}

TEST(VersionedMapTest, ASharedSnapshotGoesWithItsLastHandle) {
  TestMap map;
  map.Put("key", "old");
  SnapshotSlot* snapshot = map.Pin();
  map.versioned().ShareSnapshot(snapshot);
  map.Put("key", "new");
  map.Drop(snapshot);
  map.Settle();
  EXPECT_EQ(map.ChainOf("key"), "2:new 1:old");
  map.Drop(snapshot);
  map.Settle();
  EXPECT_EQ(map.ChainOf("key"), "2:new");
}

TEST(VersionedMapTest, SharedHandlesOutliveTheMapTogether) {
  TestMap map;
  SnapshotSlot* snapshot = map.Pin();
  map.versioned().ShareSnapshot(snapshot);
  VersionedMap* versioned = map.Release();
  versioned->Close();
  versioned->Abandon();
  versioned->DropSnapshot(snapshot);
  EXPECT_EQ(snapshot->ts, 0u);  // Still there.
  versioned->DropSnapshot(snapshot);
}

TEST(VersionedMapTest, AClosedMapGivesNoHazardSlots) {
  TestMap map;
  HazardSlot* before = map.versioned().ClaimHazard();
  ASSERT_NE(before, nullptr);
  EXPECT_FALSE(map.versioned().closed());
  EXPECT_FALSE(map.versioned().Close());
  EXPECT_TRUE(map.versioned().closed());
  EXPECT_TRUE(map.versioned().Close());
  EXPECT_EQ(map.versioned().ClaimHazard(), nullptr);
  EXPECT_EQ(map.map().hazards().claimed_count(), 1u) << "the refused slot was given back";
  map.versioned().ReleaseHazard(before);
}

TEST(VersionedMapTest, ASnapshotPinsWhatIsVisible) {
  TestMap map;
  const Stamp unpublished = map.CommitUnpublished(7, {{"key", "value"}});
  SnapshotSlot* before = map.Pin();
  map.Publish(unpublished);
  SnapshotSlot* after = map.Pin();
  EXPECT_EQ(before->ts, 0u);
  EXPECT_EQ(after->ts, 7u);
  EXPECT_EQ(map.Get("key", before->ts), std::nullopt);
  EXPECT_EQ(map.Get("key", after->ts), "value");
  map.Drop(before);
  map.Drop(after);
}

TEST(VersionedMapTest, AReleaseIsNotedOnlyIfSomethingWasSuperseded) {
  TestMap map;
  map.Put("key", "old");
  SnapshotSlot* holder = map.Pin();
  map.Put("key", "new");
  map.Settle();  // The leaf is held.
  SnapshotSlot* fresh = map.Pin();
  map.Drop(fresh);
  EXPECT_FALSE(map.settler().Step()) << "a snapshot of the present holds nothing";
  map.Drop(holder);
  EXPECT_TRUE(map.settler().Step());
  EXPECT_EQ(map.ChainOf("key"), "2:new");
}

TEST(VersionedMapTest, UnderInlineWorkAReleasePaysItsDebtAtOnce) {
  for (const BackgroundMode mode : {BackgroundMode::kInline, BackgroundMode::kManual}) {
    TestMap map(test::TinyTuning(), nullptr, mode);
    map.Put("key", "old");
    SnapshotSlot* snapshot = map.Pin();
    map.Put("key", "new");
    map.versioned().WorkInline();
    map.Drop(snapshot);
    const bool settled = mode == BackgroundMode::kInline;
    EXPECT_EQ(map.ChainOf("key"), settled ? "2:new" : "2:new 1:old");
    EXPECT_EQ(map.Leaves()[0].fresh, settled ? 0u : 1u);
  }
}

// Nobody calls the settler: whoever releases leaves nothing behind, whatever was retired.
TEST(VersionedMapTest, UnderInlineWorkTheLastReleaseFreesAllMemory) {
  TestMap map(test::TinyTuning(), nullptr, BackgroundMode::kInline);
  const size_t baseline = map.allocated_bytes();
  for (int i = 0; i < 100; ++i) {
    map.Put(std::to_string(i), "a value that is large");
    map.versioned().WorkInline();
  }
  std::vector<SnapshotSlot*> snapshots;
  for (int round = 0; round < 3; ++round) {
    snapshots.push_back(map.Pin());
    for (int i = round; i < 100; i += 3) {
      map.Delete(std::to_string(i));
      map.versioned().WorkInline();
    }
  }
  EXPECT_EQ(map.VersionCount(), 200u);
  size_t versions = map.VersionCount();
  for (SnapshotSlot* snapshot : snapshots) {
    map.Drop(snapshot);
    EXPECT_LT(map.VersionCount(), versions);
    versions = map.VersionCount();
    EXPECT_EQ(map.map().retired_bytes(), 0u);
  }
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_EQ(map.Leaves().size(), 1u);
  EXPECT_EQ(map.allocated_bytes(), baseline);
}

TEST(VersionedMapTest, UnderInlineWorkAReleaseAfterCloseFreesAsWell) {
  TestMap map(test::TinyTuning(), nullptr, BackgroundMode::kInline);
  map.Put("key", "a value that is large");
  SnapshotSlot* first = map.Pin();
  map.Put("key", "another large value");
  SnapshotSlot* second = map.Pin();
  map.Put("key", "small");
  map.versioned().WorkInline();
  EXPECT_EQ(map.large_count(), 2u);
  map.versioned().Close();
  map.Drop(first);
  EXPECT_EQ(map.large_count(), 1u);
  map.Drop(second);
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_EQ(map.map().retired_bytes(), 0u);
}

}  // namespace
}  // namespace firn::internal
