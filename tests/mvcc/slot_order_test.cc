#include "mvcc/slot_order.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;

// The keys as a SlotOrder sorts them. `keys` are different ones that begin with the same
// `prefix_size` bytes.
std::vector<std::string> Sorted(SlotOrder& order, const std::vector<std::string>& keys,
                                size_t prefix_size = 0) {
  std::deque<FreshSlot> slots;
  order.Reset(keys.size(), prefix_size);
  for (const std::string& key : keys) {
    FreshSlot& slot = slots.emplace_back();
    slot.key_data = key.data();
    slot.key_size = static_cast<uint32_t>(key.size());
    order.Add(slot);
  }
  std::vector<std::string> sorted;
  for (const uint16_t number : order.Sort()) {
    EXPECT_EQ(order.slot(number).key(), keys[number]);
    sorted.emplace_back(order.slot(number).key());
  }
  if (!sorted.empty()) {
    EXPECT_EQ(order.lowest().key(), sorted.front());
  }
  return sorted;
}

void ExpectSorts(SlotOrder& order, std::vector<std::string> keys, size_t prefix_size = 0) {
  const std::vector<std::string> sorted = Sorted(order, keys, prefix_size);
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(sorted, keys);
}

// Of every size up to the ranks' limit and beyond it, and of both kinds in turns in one object.
TEST(SlotOrderTest, SortsAnyNumberOfRandomKeys) {
  std::mt19937_64 random(1);
  SlotOrder order;
  for (size_t count = 0; count <= 130; ++count) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < count; ++i) {
      std::string key(1 + random() % 20, '\0');
      for (char& byte : key) byte = static_cast<char>(random());
      keys.push_back(key + std::to_string(i));
    }
    ExpectSorts(order, keys);
  }
}

TEST(SlotOrderTest, TellsKeysApartThatDifferLate) {
  std::mt19937_64 random(2);
  SlotOrder order;
  // Within the head, beyond the bits that are ranked; behind the head; and by a head's padding.
  const std::string same = "the same twenty-four  by";
  for (const size_t prefix_size : {0, 8, 24}) {
    std::vector<std::string> keys = {same, same + '\0', same + "\0\0"s, same + "\xff"};
    for (int i = 0; i < 28; ++i) keys.push_back(same + std::to_string(i * i));
    std::shuffle(keys.begin(), keys.end(), random);
    ExpectSorts(order, keys, prefix_size);
  }
  std::vector<std::string> keys = {"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                   "",
                                   "a",
                                   "a\0"s,
                                   "12345678a",
                                   "12345678b",
                                   "12345678"};
  for (char last = 0; last < 40; ++last) keys.push_back("1234567"s + last);
  std::shuffle(keys.begin(), keys.end(), random);
  ExpectSorts(order, keys);
}

TEST(SlotOrderTest, ForgetsWhatItHad) {
  SlotOrder order;
  ExpectSorts(order, {"c", "b", "a"});
  ExpectSorts(order, {"z", "y"});
  order.Reset(5, 0);
  EXPECT_EQ(order.count(), 0u);
  EXPECT_TRUE(order.Sort().empty());
}

}  // namespace
}  // namespace firn::internal
