#include "bench/workload.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace firn::bench {
namespace {

TEST(Workload, KeysAreDistinctAndOfTheSizeAskedFor) {
  const Workload workload({.entry_count = 5000, .key_bytes = 11, .value_bytes = 7});
  std::set<std::string_view> keys;
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    EXPECT_EQ(workload.key(i).size(), 11u);
    EXPECT_EQ(workload.value(i).size(), 7u);
    keys.insert(workload.key(i));
  }
  EXPECT_EQ(keys.size(), workload.entry_count());
}

TEST(Workload, OneSeedIsOneWorkload) {
  const Workload first({.entry_count = 100, .seed = 3});
  const Workload same({.entry_count = 100, .seed = 3});
  const Workload other({.entry_count = 100, .seed = 4});
  EXPECT_EQ(first.entry_checksum(), same.entry_checksum());
  EXPECT_EQ(first.uniform_lookups().checksum(), same.uniform_lookups().checksum());
  EXPECT_NE(first.entry_checksum(), other.entry_checksum());
}

TEST(Workload, LookupsAskForEntriesInAnotherOrder) {
  const Workload workload({.entry_count = 1000});
  std::set<std::string_view> keys;
  for (size_t i = 0; i < workload.entry_count(); ++i) keys.insert(workload.key(i));
  size_t at_the_same_place = 0;
  for (size_t i = 0; i < workload.entry_count(); ++i) {
    EXPECT_TRUE(keys.contains(workload.uniform_lookups().key(i)));
    at_the_same_place += workload.uniform_lookups().key(i) == workload.key(i);
  }
  EXPECT_LT(at_the_same_place, 10u);
}

TEST(Workload, SortedOrderIsThatOfTheKeys) {
  const Workload workload({.entry_count = 1000});
  const std::vector<uint32_t> order = workload.SortedOrder();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return workload.key(a) < workload.key(b);
  }));
}

TEST(OrderedKey, OrderIsThatOfTheNumbers) {
  EXPECT_LT(OrderedKey(255), OrderedKey(256));
  EXPECT_LT(OrderedKey(1), OrderedKey(uint64_t{1} << 63));
  EXPECT_EQ(OrderedKey(1).size(), 16u);
}

}  // namespace
}  // namespace firn::bench
