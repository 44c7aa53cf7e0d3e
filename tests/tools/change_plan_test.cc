#include "tools/change_plan.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace firn::tools {
namespace {

PackageMap Packages(int count) {
  PackageMap packages;
  for (int i = 0; i < count; ++i) {
    packages.emplace("package" + std::to_string(1000 + i), PackageValue("1.0", "text"));
  }
  return packages;
}

TEST(ChangePlan, EachKindHappensOnBothSides) {
  const PackageMap before = Packages(32);
  PackageMap after = before;
  for (const Change& change : PlanChanges(before, 1)) Apply(change, after);
  const std::string middle = std::next(before.begin(), 16)->first;
  for (const ChangeCounts& counts :
       {CountChanges(before, after, "", middle), CountChanges(before, after, middle, "")}) {
    EXPECT_EQ(counts.upgraded, 4u);
    EXPECT_EQ(counts.removed, 2u);
    EXPECT_EQ(counts.added, 1u);
  }
}

TEST(ChangePlan, ASecondUpgradeComesAfterTheFirst) {
  const PackageMap before = Packages(160);
  PackageMap after = before;
  std::set<std::string> upgraded;
  size_t second_upgrades = 0;
  for (const Change& change : PlanChanges(before, 7)) {
    Apply(change, after);
    if (change.kind != Change::Kind::kUpgrade) continue;
    if (upgraded.insert(change.name).second) {
      EXPECT_EQ(change.value, PackageValue("1.0+deb13u1", "text"));
    } else {
      EXPECT_EQ(change.value, PackageValue("1.0+deb13u2", "text"));
      ++second_upgrades;
    }
  }
  EXPECT_EQ(upgraded.size(), 40u);
  EXPECT_EQ(second_upgrades, 20u);
}

TEST(ChangePlan, ANewPackageNeverTakesANameThatIsThere) {
  PackageMap before = Packages(8);
  const std::string beside = std::next(before.begin(), 7)->first;
  // Behind the others, so that the eighth stays the eighth.
  before.emplace(beside + "-ng", PackageValue("9", ""));
  PackageMap after = before;
  for (const Change& change : PlanChanges(before, 1)) Apply(change, after);
  EXPECT_EQ(after.at(beside + "-ng"), before.at(beside + "-ng"));
  EXPECT_TRUE(after.contains(beside + "-ng-ng"));
}

}  // namespace
}  // namespace firn::tools
