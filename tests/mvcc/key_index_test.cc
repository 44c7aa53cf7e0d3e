#include "mvcc/key_index.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;

TEST(KeyIndexTest, CommonPrefixSizeStopsAtTheFirstDifferenceOrEnd) {
  const struct {
    std::string a, b;
    size_t expected;
  } kCases[] = {
      {"", "", 0},      {"", "a", 0},        {"a", "b", 0},       {"abc", "abd", 2},
      {"ab", "abc", 2}, {"same", "same", 4}, {"\0"s, "\0\0"s, 1}, {"\xff\xff"s, "\xff\x7f"s, 1},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(CommonPrefixSize(c.a, c.b), c.expected) << c.a << " and " << c.b;
    EXPECT_EQ(CommonPrefixSize(c.b, c.a), c.expected) << c.b << " and " << c.a;
  }
}

TEST(KeyIndexTest, AHeadIsTheFirstBytesBigEndian) {
  EXPECT_EQ(HeadOf<uint32_t>("abcde", 5), 0x61626364u);
  EXPECT_EQ(HeadOf<uint32_t>("ab", 2), 0x61620000u);
  EXPECT_EQ(HeadOf<uint32_t>(nullptr, 0), 0u);
  EXPECT_EQ(HeadOf<uint64_t>("abcdefghi", 9), 0x6162636465666768u);
  EXPECT_EQ(HeadOf<uint64_t>("\xff", 1), 0xff00000000000000u);
}

// Keys in order that differ where heads are easily wrong: zero bytes, 0xff, one longer than the
// other, equal in their first four, eight, 24 bytes.
std::vector<std::string> HardKeys() {
  std::set<std::string> keys = {
      "",
      "\0"s,
      "\0\0\0\0"s,
      "\0\0\0\0\0"s,
      "a",
      "a\0"s,
      "a\0\0\0"s,
      "a\0\0\0\0"s,
      "a\x7f",
      "a\x80"s,
      "abcd",
      "abcd\0"s,
      "abcda",
      "abcdefgh",
      "abcdefgh\0"s,
      "abcdefghi",
      "abce",
      "\xfe\xff\xff\xff\xff"s,
      "\xff"s,
      "\xff\xff\xff\xff"s,
      "\xff\xff\xff\xff\0"s,
      "\xff\xff\xff\xff\xff"s,
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff"s,
  };
  return {keys.begin(), keys.end()};
}

TEST(KeyIndexTest, HeadsNeverContradictTheOrderOfKeys) {
  const std::vector<std::string> keys = HardKeys();
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    const std::string& a = keys[i];
    const std::string& b = keys[i + 1];
    EXPECT_LE(HeadOf<uint32_t>(a.data(), a.size()), HeadOf<uint32_t>(b.data(), b.size())) << i;
    EXPECT_LE(HeadOf<uint64_t>(a.data(), a.size()), HeadOf<uint64_t>(b.data(), b.size())) << i;
  }
}

TEST(KeyIndexTest, CompareKeysOrdersAsBytesDo) {
  std::vector<std::string> keys = HardKeys();
  for (const std::string& key : HardKeys()) {
    keys.push_back("1234" + key);
    keys.push_back("12345678" + key);
    keys.push_back("123456789abcdef" + key);
    keys.push_back("12345678" + key + "the last");  // The same at both ends.
  }
  const auto sign = [](int order) { return (order > 0) - (order < 0); };
  for (const std::string& a : keys) {
    for (const std::string& b : keys) {
      EXPECT_EQ(sign(CompareKeys(a, b)), sign(a.compare(b))) << a << " and " << b;
    }
  }
}

TEST(KeyIndexTest, LowerBoundOfHeadIsTheLowerBound) {
  // Up to all sizes of window, between them, and past the greatest one by several halvings.
  std::vector<uint32_t> counts = {62, 63, 64, 65, 66, 100, 127, 128, 129, 191, 256, 257, 700};
  for (uint32_t count = 0; count <= 33; ++count) counts.push_back(count);
  for (const uint32_t count : counts) {
    for (const uint32_t repeats : {1u, 3u, 40u}) {
      std::vector<uint32_t> heads;
      for (uint32_t i = 0; i < count; ++i) heads.push_back(10 + 2 * (i / repeats));
      if (count > 2) heads.back() = UINT32_MAX;
      for (uint32_t head = 8; head < 12 + 2 * (count + 3); ++head) {
        const auto expected = std::lower_bound(heads.begin(), heads.end(), head) - heads.begin();
        ASSERT_EQ(LowerBoundOfHead(heads.data(), count, head), expected) << count << ", " << head;
        ASSERT_EQ(LowerBoundOfHead<HeadsIn::kCache>(heads.data(), count, head), expected)
            << count << ", " << head;
      }
      for (const uint32_t head : {0u, UINT32_MAX}) {
        const auto expected = std::lower_bound(heads.begin(), heads.end(), head) - heads.begin();
        ASSERT_EQ(LowerBoundOfHead(heads.data(), count, head), expected) << count << ", " << head;
        ASSERT_EQ(LowerBoundOfHead<HeadsIn::kCache>(heads.data(), count, head), expected)
            << count << ", " << head;
      }
    }
  }
}

// A run of keys with its index, as a block or an inner node has it.
struct IndexedRun {
  explicit IndexedRun(std::vector<std::string> sorted) : keys(std::move(sorted)) {
    if (!keys.empty()) prefix = keys[0].substr(0, CommonPrefixSize(keys.front(), keys.back()));
    for (const std::string& key : keys) {
      heads.push_back(HeadOf<uint32_t>(key.data() + prefix.size(), key.size() - prefix.size()));
    }
  }
  auto AsKeyRun() {
    return KeyRun{heads.data(), static_cast<uint32_t>(keys.size()),
                  CommonPrefix{prefix.data(), static_cast<uint32_t>(prefix.size()),
                               CommonPrefix::HeadFor(prefix)},
                  [this](uint32_t i) {
                    ++looks;
                    return std::string_view(keys[i]);
                  }};
  }
  KeyPosition Find(std::string_view target) { return AsKeyRun().Find(target); }
  std::vector<std::string> keys;
  std::string prefix;
  std::vector<uint32_t> heads;
  int looks = 0;  // At full keys.
};

// Every key, and everything just beside one.
std::vector<std::string> TargetsAround(const std::vector<std::string>& keys) {
  std::vector<std::string> targets = {"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s};
  for (const std::string& key : keys) {
    targets.push_back(key);
    targets.push_back(key + '\0');
    targets.push_back(key + '\xff');
    if (key.empty()) continue;
    targets.push_back(key.substr(0, key.size() - 1));
    targets.push_back(key.substr(0, key.size() / 2));
    std::string changed = key;
    ++changed.back();
    targets.push_back(changed);
    changed.back() = static_cast<char>(changed.back() - 2);
    targets.push_back(changed);
    changed = key;
    ++changed.front();
    targets.push_back(changed);
  }
  return targets;
}

TEST(KeyIndexTest, FindIsTheLowerBoundForAnyKeys) {
  std::vector<std::vector<std::string>> runs = {{}, {""}, {"only"}, HardKeys()};
  std::string deep = "the-same-24-bytes-always";
  for (const std::string& prefix : {"pre5x"s, deep, deep + "\xff"s, "\0\0\0\0\0"s}) {
    runs.emplace_back();
    for (const std::string& key : HardKeys()) runs.back().push_back(prefix + key);
  }
  // Many keys that share a head, among others that do not.
  runs.push_back({"aaaa"});
  for (int i = 0; i < 60; ++i) runs.back().push_back("abcd" + std::to_string(100 + i));
  runs.back().push_back("abce");
  // All share one head, the greatest.
  runs.push_back({"a"});
  for (int i = 0; i < 20; ++i) runs.back().push_back("\xff\xff\xff\xff"s + std::to_string(10 + i));

  for (std::vector<std::string>& keys : runs) {
    IndexedRun run(keys);
    for (const std::string& target : TargetsAround(keys)) {
      const auto expected = std::lower_bound(keys.begin(), keys.end(), target);
      const KeyPosition found = run.Find(target);
      ASSERT_EQ(found.index, expected - keys.begin()) << keys.size() << " keys, " << target;
      ASSERT_EQ(found.exact, expected != keys.end() && *expected == target) << target;
    }
  }
}

TEST(KeyIndexTest, KeysOf65535BytesAreFound) {
  const std::string big(65'534, 'k');
  IndexedRun run({big + 'a', big + 'b', big + 'c'});
  EXPECT_EQ(run.Find(big + 'b').index, 1u);
  EXPECT_TRUE(run.Find(big + 'b').exact);
  EXPECT_EQ(run.Find(big).index, 0u);
  EXPECT_FALSE(run.Find(big).exact);
  EXPECT_EQ(run.Find(big + "bb").index, 2u);
  EXPECT_EQ(run.Find(big + 'd').index, 3u);
}

TEST(KeyIndexTest, ASearchLooksAtOneKeyIfHeadsDiffer) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1'000; ++i) keys.push_back("prefix" + std::to_string(1'000 + i));
  IndexedRun run(keys);
  for (const std::string& key : keys) {
    run.looks = 0;
    EXPECT_TRUE(run.Find(key).exact);
    EXPECT_EQ(run.looks, 1) << key;
  }
  run.looks = 0;
  EXPECT_EQ(run.Find("prefix0").index, 0u);
  EXPECT_EQ(run.Find("prefjx").index, 1'000u);
  EXPECT_EQ(run.looks, 0);
}

TEST(KeyIndexTest, ASearchAmongEqualHeadsHalves) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1'000; ++i) keys.push_back("ab\0\0"s + std::to_string(1'000 + i));
  keys.push_back("b");
  IndexedRun run(keys);
  for (const std::string& key : keys) {
    run.looks = 0;
    EXPECT_TRUE(run.Find(key).exact);
    EXPECT_LE(run.looks, 11) << key;
  }
}

// Padded with zeros, the key is the prefix; what stands behind it in memory must not matter.
TEST(KeyIndexTest, AKeyShorterThanThePrefixComesBeforeIt) {
  for (const std::string& prefix : {"\0"s, "a\0"s, "a\0\0\0"s, "\0\0\0\0\0\0"s, "abcdefgh\0"s}) {
    IndexedRun run({prefix + "x", prefix + "y"});
    for (size_t size = 0; size < prefix.size(); ++size) {
      const std::string memory = prefix.substr(0, size) + std::string(16, '\xff');
      const KeyPosition found = run.Find(std::string_view(memory).substr(0, size));
      EXPECT_EQ(found.index, 0u) << size;
      EXPECT_FALSE(found.exact) << size;
    }
  }
}

}  // namespace
}  // namespace firn::internal
