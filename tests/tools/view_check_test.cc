#include "tools/view_check.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace firn::tools {
namespace {

using Walk = std::vector<std::pair<std::string, std::string>>;

const PackageMap kExpected = {{"a", "1"}, {"b", "2"}, {"c", "3"}};

ViewResult Compare(const Walk& walk, Direction direction = Direction::kForward) {
  ViewComparison comparison(kExpected, direction);
  for (const auto& [key, value] : walk) comparison.Take(key, value);
  return comparison.Finish();
}

TEST(ViewComparison, BothDirectionsGiveTheSumOfTheCopy) {
  const ViewResult copy = Summarize(kExpected);
  const ViewResult forward = Compare({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const ViewResult backward = Compare({{"c", "3"}, {"b", "2"}, {"a", "1"}}, Direction::kBackward);
  for (const ViewResult& view : {forward, backward}) {
    EXPECT_EQ(view.mismatch_count, 0u) << view.first_mismatch;
    EXPECT_EQ(view.entry_count, copy.entry_count);
    EXPECT_EQ(view.checksum, copy.checksum);
  }
}

TEST(ViewComparison, EachKindOfDifferenceIsFound) {
  const struct {
    const char* name;
    Walk walk;
    uint64_t mismatches;
    const char* first;
  } kCases[] = {
      {"value", {{"a", "1"}, {"b", "x"}, {"c", "3"}}, 1, "b has another value than expected"},
      {"missing at the end", {{"a", "1"}, {"b", "2"}}, 1, "c is missing"},
      {"missing", {{"a", "1"}, {"c", "3"}}, 2, "c stands where b is expected"},
      {"extra",
       {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}},
       1,
       "d comes after the last expected entry"},
      {"order", {{"b", "2"}, {"a", "1"}, {"c", "3"}}, 2, "b stands where a is expected"},
      {"nothing at all", {}, 3, "a is missing"},
  };
  for (const auto& wrong : kCases) {
    const ViewResult result = Compare(wrong.walk);
    EXPECT_EQ(result.mismatch_count, wrong.mismatches) << wrong.name;
    EXPECT_EQ(result.first_mismatch, wrong.first) << wrong.name;
  }
}

TEST(EntryChecksum, TellsKeyFromValueAndSeesEveryByte) {
  EXPECT_NE(EntryChecksum("ab", "c"), EntryChecksum("a", "bc"));
  EXPECT_NE(EntryChecksum("", "a"), EntryChecksum("a", ""));
  EXPECT_NE(EntryChecksum("a", ""), EntryChecksum("a", std::string(1, '\0')));
  const std::string value(21, 'v');
  for (size_t i = 0; i < value.size(); ++i) {
    std::string changed = value;
    changed[i] ^= 1;
    EXPECT_NE(EntryChecksum("k", value), EntryChecksum("k", changed)) << i;
  }
}

}  // namespace
}  // namespace firn::tools
