// What a read at one moment sees of one key: the table that point reads and iterators share.
#ifndef FIRN_TESTS_SUPPORT_VISIBILITY_CASES_H_
#define FIRN_TESTS_SUPPORT_VISIBILITY_CASES_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace firn::test {

struct VisibilityCase {
  const char* name;
  const char* chain;
  uint64_t read_ts;
  std::optional<std::string_view> expected;
};

// The greatest timestamp that a snapshot can pin.
inline constexpr uint64_t kNewestTs = (uint64_t{1} << 63) - 3;

// Chains are newest first; "9:-" is a tombstone committed at 9.
// clang-format off
inline constexpr VisibilityCase kVisibilityCases[] = {
    // name                          chain                read_ts    expected
    {"NothingOfAnUnknownKey",        "",                  7,         std::nullopt},
    {"CommitIsVisibleAtItsTs",       "7:a",               7,         "a"},
    {"CommitStaysVisible",           "7:a",               8,         "a"},
    {"CommitIsVisibleForEver",       "7:a",               kNewestTs, "a"},
    {"NothingBeforeFirstCommit",     "7:a",               6,         std::nullopt},
    {"NothingBeforeEverything",      "1:a",               0,         std::nullopt},
    {"EmptyValueIsAValue",           "7:",                7,         ""},
    {"NewestVisibleWins",            "9:b 7:a",           9,         "b"},
    {"NewerIsHiddenJustBefore",      "9:b 7:a",           8,         "a"},
    {"OlderAtItsTs",                 "9:b 7:a",           7,         "a"},
    {"NothingBelowBoth",             "9:b 7:a",           6,         std::nullopt},
    {"MiddleOfThree",                "9:c 7:b 4:a",       8,         "b"},
    {"OldestOfThree",                "9:c 7:b 4:a",       6,         "a"},
    {"NothingBelowThree",            "9:c 7:b 4:a",       3,         std::nullopt},
    {"EndOfALongChain",              "9:e 8:d 7:c 6:b 5:a", 5,       "a"},
    {"MiddleOfALongChain",           "9:e 8:d 7:c 6:b 5:a", 6,       "b"},
    {"TombstoneHidesOlder",          "9:- 7:a",           9,         std::nullopt},
    {"TombstoneHidesForEver",        "9:- 7:a",           kNewestTs, std::nullopt},
    {"TombstoneIsHiddenJustBefore",  "9:- 7:a",           8,         "a"},
    {"NothingBelowTombstonedValue",  "9:- 7:a",           6,         std::nullopt},
    {"LoneTombstoneShowsNothing",    "9:-",               9,         std::nullopt},
    {"BelowALoneTombstoneNothing",   "9:-",               8,         std::nullopt},
    {"RevivedAfterTombstone",        "9:b 7:- 4:a",       9,         "b"},
    {"DeletedBetweenTwoLives",       "9:b 7:- 4:a",       8,         std::nullopt},
    {"DeletedAtTheTombstonesTs",     "9:b 7:- 4:a",       7,         std::nullopt},
    {"FirstLifeBelowTombstone",      "9:b 7:- 4:a",       6,         "a"},
    {"BornAfterTombstone",           "9:b 7:-",           9,         "b"},
    {"NothingBeforeBirth",           "9:b 7:-",           8,         std::nullopt},
    {"DeletedTwice",                 "9:- 7:b 5:- 4:a",   9,         std::nullopt},
    {"SecondLifeBetweenDeletions",   "9:- 7:b 5:- 4:a",   8,         "b"},
    {"FirstDeletionBetween",         "9:- 7:b 5:- 4:a",   6,         std::nullopt},
    {"SameValueIsAVersionOfItsOwn",  "9:a 7:a",           8,         "a"},
    {"Spread32BitsNewer",            "4294967296:b 1:a",  4294967296, "b"},
    {"Spread32BitsOlder",            "4294967296:b 1:a",  4294967295, "a"},
    {"Spread33BitsNewer",            "4294967297:b 1:a",  4294967297, "b"},
    {"Spread33BitsOlder",            "4294967297:b 1:a",  4294967296, "a"},
    {"Spread63BitsNewer",            "9223372036854775805:b 1:a", kNewestTs, "b"},
    {"Spread63BitsOlder",            "9223372036854775805:b 1:a", kNewestTs - 1, "a"},
};
// clang-format on

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_VISIBILITY_CASES_H_
