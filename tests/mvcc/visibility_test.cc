#include "mvcc/visibility.h"

#include <algorithm>
#include <cstdint>

#include "gtest/gtest.h"
#include "mvcc/pinned_set.h"
#include "tests/support/random.h"

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

TEST(PinnedWalk, AnswersAsTheSetDoesFromTheNewestIntervalOn) {
  test::Random random(test::PrintedSeed());
  for (int round = 0; round < 1000; ++round) {
    PinnedSet pinned{50, {}};
    for (uint64_t ts = 0; ts < 50; ++ts) {
      if (random.OneIn(1 + random.Below(20))) pinned.ts.push_back(ts);
    }
    PinnedWalk walk(pinned);
    EXPECT_EQ(walk.horizon, 50u);
    for (uint64_t end = 55; end > 0;) {
      const uint64_t begin = end - std::min(end, random.Below(10));
      ASSERT_EQ(walk.Seen(begin, end), pinned.Seen(begin, end)) << begin << " to " << end;
      end = std::min(end - 1, begin);
    }
  }
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
    PinnedWalk walk(c.pinned);
    EXPECT_EQ(MayDrop(c.begin, c.end, walk), c.may_drop) << c.name;
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
