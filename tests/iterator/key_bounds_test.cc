#include "iterator/key_bounds.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;
using Text = std::optional<std::string>;

TEST(KeyBoundsTest, BecomeOneHalfOpenRange) {
  const std::string huge(65'535, 'h');
  const struct {
    const char* name;
    Text lower, upper;
    bool lower_inclusive, upper_inclusive;
    Text prefix;
    std::string expected_lower;
    Text expected_upper;
    bool crossed = false;
    bool empty = false;
  } kCases[] = {
      {"no bounds", {}, {}, true, false, {}, "", {}},
      {"half-open", "b", "d", true, false, {}, "b", "d"},
      {"exclusive below", "b", "d", false, false, {}, "b\0"s, "d"},
      {"inclusive above", "b", "d", true, true, {}, "b", "d\0"s},
      {"open above", "b", {}, true, false, {}, "b", {}},
      {"open below", {}, "d", true, false, {}, "", "d"},
      {"flags without bounds say nothing", {}, {}, false, true, {}, "", {}},
      {"the empty key as a lower bound", "", {}, true, false, {}, "", {}},
      {"above the empty key", "", {}, false, false, {}, "\0"s, {}},
      {"the empty key as an upper bound", {}, "", true, false, {}, "", "", false, true},
      {"the empty key alone", "", "", true, true, {}, "", "\0"s},
      {"equal bounds hold nothing", "b", "b", true, false, {}, "b", "b", false, true},
      {"one key", "b", "b", true, true, {}, "b", "b\0"s},
      {"equal and both exclusive", "b", "b", false, false, {}, "b\0"s, "b", false, true},
      {"crossed", "d", "b", true, false, {}, "d", "b", true, true},
      {"crossed by a byte, inclusive", "b\0"s, "b", true, true, {}, "b\0"s, "b\0"s, true, true},
      {"not crossed by a zero byte", "b", "b\0"s, false, false, {}, "b\0"s, "b\0"s, false, true},
      {"a prefix", {}, {}, true, false, "ab", "ab", "ac"},
      {"the empty prefix", {}, {}, true, false, "", "", {}},
      {"a prefix that ends in 0xff", {}, {}, true, false, "a\xff"s, "a\xff"s, "b"},
      {"a prefix of 0xff alone has no end", {}, {}, true, false, "\xff\xff"s, "\xff\xff"s, {}},
      {"a prefix that ends in 0x7f", {}, {}, true, false, "\x7f"s, "\x7f"s, "\x80"s},
      {"a prefix within the bounds", "aa", "b", true, false, "ab", "ab", "ac"},
      {"bounds within a prefix", "abb", "abd", true, false, "ab", "abb", "abd"},
      {"a prefix above the bounds", "a", "b", true, false, "c", "c", "b", false, true},
      {"a prefix below the bounds", "c", "d", true, false, "b", "c", "c", false, true},
      {"a prefix ending at an inclusive upper bound", {}, "ac", true, true, "ab", "ab", "ac"},
      {"a prefix and an exclusive lower bound", "ab", {}, false, false, "ab", "ab\0"s, "ac"},
      {"0xff bounds", "\xff"s, "\xff\xff"s, true, false, {}, "\xff"s, "\xff\xff"s},
      {"the longest bounds", huge, huge, true, true, {}, huge, huge + '\0'},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    IteratorOptions options;
    if (c.lower) options.lower_bound = *c.lower;
    if (c.upper) options.upper_bound = *c.upper;
    options.lower_inclusive = c.lower_inclusive;
    options.upper_inclusive = c.upper_inclusive;
    if (c.prefix) options.prefix = *c.prefix;
    const KeyBounds bounds = KeyBounds::From(options);
    // "below the bounds": a prefix's end below the lower bound is as good as the bound itself.
    EXPECT_TRUE(bounds.lower == c.expected_lower);
    if (c.name != std::string_view("a prefix below the bounds")) {
      EXPECT_TRUE(bounds.upper == c.expected_upper);
    }
    EXPECT_EQ(bounds.crossed, c.crossed);
    EXPECT_EQ(bounds.empty(), c.empty);
  }
}

TEST(KeyBoundsTest, OwnTheirBytes) {
  std::string lower = "a lower bound of some length";
  std::string upper = "an upper bound of some length";
  IteratorOptions options;
  options.lower_bound = lower;
  options.upper_bound = upper;
  const KeyBounds bounds = KeyBounds::From(options);
  lower.assign(lower.size(), 'x');
  upper.assign(upper.size(), 'x');
  EXPECT_EQ(bounds.lower, "a lower bound of some length");
  EXPECT_EQ(bounds.upper, "an upper bound of some length");
}

TEST(KeyBoundsTest, TheUpperBoundIsOutside) {
  IteratorOptions options;
  options.upper_bound = "d";
  const KeyBounds bounds = KeyBounds::From(options);
  EXPECT_FALSE(bounds.AtOrPastUpper(""));
  EXPECT_FALSE(bounds.AtOrPastUpper("czzz"));
  EXPECT_TRUE(bounds.AtOrPastUpper("d"));
  EXPECT_TRUE(bounds.AtOrPastUpper("d\0"s));
  EXPECT_FALSE(KeyBounds().AtOrPastUpper("\xff\xff\xff"s));
}

}  // namespace
}  // namespace firn::internal
