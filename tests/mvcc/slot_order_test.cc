#include "mvcc/slot_order.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;

// A block of keys, without values.
class KeyBlock {
 public:
  explicit KeyBlock(std::vector<std::string> keys) : keys_(std::move(keys)) {
    std::sort(keys_.begin(), keys_.end());
    std::vector<FrozenEntry> entries;
    for (const std::string& key : keys_) entries.push_back({key, {1, ValueKind::kValue, 0, ""}});
    const FrozenBlock::Plan plan = FrozenBlock::MakePlan(entries, {});
    memory_.resize(plan.total_bytes / 8 + 1);
    block_ = FrozenBlock::Build(memory_.data(), plan, entries, {});
  }
  KeyBlock(const KeyBlock&) = delete;
  KeyBlock& operator=(const KeyBlock&) = delete;
  const std::vector<std::string>& keys() const { return keys_; }
  const FrozenBlock& operator*() const { return *block_; }

 private:
  std::vector<std::string> keys_;
  std::vector<uint64_t> memory_;
  FrozenBlock* block_;
};

// That different keys are placed in the block and come in order.
void ExpectSorts(SlotOrder& order, const KeyBlock& block, std::vector<std::string> keys) {
  std::deque<FreshSlot> slots;
  order.Reset(keys.size(), *block);
  for (const std::string& key : keys) {
    FreshSlot& slot = slots.emplace_back();
    slot.key_data = key.data();
    slot.key_size = static_cast<uint32_t>(key.size());
    order.Add(slot);
  }
  std::vector<std::string> sorted;
  for (const uint16_t number : order.Sort()) {
    const std::string& key = keys[number];
    EXPECT_EQ(order.slot(number).key(), key);
    const auto at = std::lower_bound(block.keys().begin(), block.keys().end(), key);
    EXPECT_EQ(order.place(number).index, at - block.keys().begin());
    EXPECT_EQ(order.place(number).exact, at != block.keys().end() && *at == key);
    sorted.push_back(key);
  }
  if (!sorted.empty()) {
    EXPECT_EQ(order.lowest().key(), sorted.front());
  }
  std::sort(keys.begin(), keys.end());  // The slots' keys are views of these.
  ASSERT_EQ(sorted, keys);
}

std::vector<std::string> RandomKeys(size_t count, std::mt19937_64& random) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) {
    std::string key(1 + random() % 20, '\0');
    for (char& byte : key) byte = static_cast<char>(random());
    keys.push_back(key + std::to_string(i));
  }
  return keys;
}

// Of every size up to the ranks' limit and beyond it, some of the block's keys among them; beside
// blocks with fewer keys and with more. Of all kinds in turns in one object.
TEST(SlotOrderTest, SortsAnyNumberOfRandomKeys) {
  std::mt19937_64 random(1);
  SlotOrder order;
  for (size_t count = 0; count <= 130; ++count) {
    for (const size_t block_keys : {0, 5, 100}) {
      const KeyBlock block(RandomKeys(block_keys, random));
      std::vector<std::string> keys = RandomKeys(count, random);
      for (size_t i = 0; i < std::min(count, block_keys); i += 2) keys[i] = block.keys()[i];
      std::shuffle(keys.begin(), keys.end(), random);
      ExpectSorts(order, block, keys);
    }
  }
}

TEST(SlotOrderTest, SortsManyKeysOfOnePlace) {
  std::mt19937_64 random(2);
  SlotOrder order;
  const std::string same = "the same twenty-four  by";
  std::vector<std::string> keys = {same, same + '\0', same + "\0\0"s, same + "\xff", ""};
  for (int i = 0; i < 27; ++i) keys.push_back(same + std::to_string(i * i));
  std::vector<std::string> others;
  for (int i = 0; i < 60; ++i) others.push_back("a" + std::to_string(i));
  for (const KeyBlock& block : {KeyBlock({}), KeyBlock({same}), KeyBlock(others)}) {
    std::shuffle(keys.begin(), keys.end(), random);
    ExpectSorts(order, block, keys);
  }
}

TEST(SlotOrderTest, ForgetsWhatItHad) {
  SlotOrder order;
  const KeyBlock block({"b", "y"});
  ExpectSorts(order, block, {"c", "b", "a"});
  ExpectSorts(order, block, {"z", "y"});
  order.Reset(5, *block);
  EXPECT_EQ(order.count(), 0u);
  EXPECT_TRUE(order.Sort().empty());
}

}  // namespace
}  // namespace firn::internal
