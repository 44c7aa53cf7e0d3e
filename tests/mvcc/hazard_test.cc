#include "mvcc/hazard.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/epoch.h"

namespace firn::internal {
namespace {

TEST(HazardSet, CollectsWhatIsProtected) {
  HazardSet hazards;
  Retired objects[3];
  HazardSlot* first = hazards.Claim();
  HazardSlot* second = hazards.Claim();
  EXPECT_TRUE(hazards.Collect().empty());

  hazards.Protect(first, &objects[2]);
  hazards.Protect(second, &objects[0]);
  std::vector<const void*> found = hazards.Collect();
  EXPECT_EQ(found.size(), 2u);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  EXPECT_TRUE(HazardSet::Contains(found, &objects[0]));
  EXPECT_FALSE(HazardSet::Contains(found, &objects[1]));
  EXPECT_TRUE(HazardSet::Contains(found, &objects[2]));

  hazards.Protect(first, &objects[1]);
  found = hazards.Collect();
  EXPECT_TRUE(HazardSet::Contains(found, &objects[1]));
  EXPECT_FALSE(HazardSet::Contains(found, &objects[2]));

  hazards.Clear(first);
  EXPECT_EQ(hazards.Collect().size(), 1u);
  hazards.Release(first);
  hazards.Release(second);
  EXPECT_TRUE(hazards.Collect().empty());
  EXPECT_EQ(hazards.claimed_count(), 0u);
}

TEST(HazardSet, ReleasedSlotProtectsNothingForItsNextOwner) {
  HazardSet hazards;
  Retired object;
  HazardSlot* slot = hazards.Claim();
  hazards.Protect(slot, &object);
  EXPECT_FALSE(hazards.Release(slot));
  HazardSlot* next = hazards.Claim();
  EXPECT_TRUE(hazards.Collect().empty());
  hazards.Release(next);
}

TEST(HazardSet, OrphanIsTold) {
  HazardSet hazards;
  Retired object;
  HazardSlot* slot = hazards.Claim();
  EXPECT_EQ(hazards.OrphanClaimed(), 1u);
  hazards.Protect(slot, &object);  // Cursors go on after their Db.
  EXPECT_EQ(hazards.Collect().size(), 1u);
  EXPECT_TRUE(hazards.Release(slot));
}

}  // namespace
}  // namespace firn::internal
