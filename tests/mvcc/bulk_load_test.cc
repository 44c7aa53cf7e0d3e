#include "mvcc/bulk_load.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/test_map.h"

namespace firn::internal {
namespace {

using test::TestMap;

std::string Key(size_t number) { return std::to_string(10'000 + number); }

// Keys [0, keys) in runs that part at `cuts`, which ascend; key i is of timestamp i + 1.
void Load(TestMap& map, size_t keys, const std::vector<size_t>& cuts) {
  std::vector<BulkRun> runs;
  size_t next = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const bool last = i == cuts.size();
    runs.emplace_back(map.map(), i == 0 ? std::string() : Key(cuts[i - 1]),
                      last ? std::nullopt : std::optional<std::string>(Key(cuts[i])));
    for (const size_t end = last ? keys : std::min(keys, cuts[i]); next < end; ++next) {
      const std::string value = next % 10 == 0 ? std::string(50, 'l') : "v" + Key(next);
      runs.back().Add(Key(next), value, next + 1);
    }
    runs.back().Finish();
  }
  BulkLink(map.map(), runs);
}

TEST(BulkLoadTest, RunsBecomeATreeOfFullLeaves) {
  TestMap map;
  Load(map, 1'000, {300, 301, 700});
  map.CheckStructure();
  map.CheckHints();
  EXPECT_GE(map.Height(), 3u);
  EXPECT_EQ(map.large_count(), 100u);
  EXPECT_EQ(map.VersionCount(), 1'000u);
  for (size_t i = 0; i < 1'000; ++i) {
    ASSERT_EQ(map.Get(Key(i), i), std::nullopt);
    ASSERT_EQ(map.Get(Key(i), i + 1), i % 10 == 0 ? std::string(50, 'l') : "v" + Key(i));
  }
  EXPECT_EQ(map.Get(Key(1'000), 1'001), std::nullopt);
}

TEST(BulkLoadTest, RunsWithoutEntriesAreLeavesToo) {
  TestMap map;
  Load(map, 10, {0, 5, 10, 20});
  map.CheckStructure();
  map.CheckHints();
  EXPECT_EQ(map.VersionCount(), 10u);
  EXPECT_EQ(map.Get(Key(9), 10), "v" + Key(9));
}

TEST(BulkLoadTest, NothingIsLinkedOfAMapWithoutEntries) {
  TestMap map;
  Load(map, 0, {});
  EXPECT_EQ(map.Leaves().size(), 1u);
  map.CheckStructure();
  map.CheckHints();
}

// The allocator and the leak checker see what is forgotten.
TEST(BulkLoadTest, ARunThatIsNotLinkedFreesWhatItBuilt) {
  TestMap map;
  {
    BulkRun run(map.map(), "", std::nullopt);
    for (size_t i = 0; i < 100; ++i) run.Add(Key(i), std::string(i % 50, 'l'), i + 1);
  }
  EXPECT_EQ(map.VersionCount(), 0u);
}

}  // namespace
}  // namespace firn::internal
