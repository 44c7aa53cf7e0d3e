#include "mvcc/visibility.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "mvcc/pinned_set.h"

namespace firn::internal {
namespace {

TEST(Visibility, CommitIsVisibleFromItsTimestampOn) {
  EXPECT_FALSE(IsVisible(7, 6));
  EXPECT_TRUE(IsVisible(7, 7));
  EXPECT_TRUE(IsVisible(7, 8));
}

TEST(PinnedSet, SeesHalfOpenIntervals) {
  const PinnedSet pinned{100, {10, 20, 30}};
  EXPECT_TRUE(pinned.Seen(10, 11));
  EXPECT_FALSE(pinned.Seen(11, 20));
  EXPECT_TRUE(pinned.Seen(11, 21));
  EXPECT_TRUE(pinned.Seen(0, 100));
  EXPECT_FALSE(pinned.Seen(0, 10));
  EXPECT_FALSE(pinned.Seen(31, 1000));
  EXPECT_TRUE(pinned.Seen(30, 31));
  EXPECT_FALSE(pinned.Seen(20, 20));
  EXPECT_FALSE((PinnedSet{100, {}}.Seen(0, 1000)));
}

struct DropCase {
  const char* name;
  uint64_t begin;
  uint64_t end;
  PinnedSet pinned;
  bool may_drop;
};

TEST(Visibility, VersionMayGoIfItEndedByTheHorizonAndNoSnapshotSeesIt) {
  const DropCase cases[] = {
      {"nobody looks", 5, 9, {10, {}}, true},
      {"ends at the horizon", 5, 10, {10, {}}, true},
      {"ends above the horizon", 5, 11, {10, {}}, false},
      {"snapshot at its begin", 5, 9, {10, {5}}, false},
      {"snapshot inside", 5, 9, {10, {8}}, false},
      {"snapshot at its end", 5, 9, {10, {9}}, true},
      {"snapshot just below", 5, 9, {10, {4}}, true},
      {"between two snapshots", 5, 9, {10, {4, 9}}, true},
      {"snapshots on all sides", 5, 9, {10, {4, 6, 9}}, false},
      {"begins before everything", 0, 1, {10, {0}}, false},
  };
  for (const DropCase& c : cases) {
    EXPECT_EQ(MayDrop(c.begin, c.end, c.pinned), c.may_drop) << c.name;
  }
}

TEST(Visibility, TombstoneGoesWithTheLastThingItHides) {
  const PinnedSet pinned{10, {3}};
  EXPECT_TRUE(MayDropTombstone(10, pinned, /*older_remains=*/false));
  EXPECT_FALSE(MayDropTombstone(11, pinned, /*older_remains=*/false));
  EXPECT_FALSE(MayDropTombstone(10, pinned, /*older_remains=*/true));
}

}  // namespace
}  // namespace firn::internal
