#include "mvcc/inner_node.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;

class InnerNodeTest : public testing::Test {
 protected:
  ~InnerNodeTest() override { EXPECT_EQ(allocator_.allocated_bytes(), 0u); }

  // A node over separators.size() + 1 children, which are numbers' addresses.
  InnerNode* Make(const std::vector<std::string>& separators, uint32_t level = 1) {
    std::vector<ChildRef> children = {{"not looked at", &numbers_[0], {}}};
    for (size_t i = 0; i < separators.size(); ++i) {
      children.push_back({separators[i], &numbers_[i + 1], {}});
    }
    return InnerNode::Create(allocator_, level, children);
  }

  SpanAllocator allocator_;
  char numbers_[1'025] = {};
};

const std::vector<std::vector<std::string>>& SeparatorSets() {
  static const std::string deep(30, 'p');
  static const std::vector<std::vector<std::string>> sets = {
      {},
      {"m"},
      {"\0"s},
      {"b", "d", "f"},
      {"abcd1", "abcd2", "abcd3", "abce"},  // Shared prefix; equal heads before it.
      {deep + "a", deep + "ab", deep + "b", deep + "\xff"s},       // Of more than 24 bytes.
      {"a", "a\0"s, "a\0\0"s, "a\0\0\0\0"s, "a\0\0\0\0\0"s, "b"},  // All heads but one are equal.
      {"\xfe"s, "\xff"s, "\xff\xff\xff\xff"s, "\xff\xff\xff\xff\xff"s},
      {std::string(65'535, 'a'), std::string(65'535, 'b')},
  };
  return sets;
}

TEST_F(InnerNodeTest, RoutesEveryKeyToTheChildThatCoversIt) {
  for (const std::vector<std::string>& separators : SeparatorSets()) {
    InnerNode* node = Make(separators);
    std::vector<std::string> targets = {"", "\xff\xff\xff\xff\xff\xff"s};
    for (const std::string& separator : separators) {
      targets.push_back(separator);
      targets.push_back(separator + '\0');
      targets.push_back(separator.substr(0, separator.size() - 1));
      targets.push_back(separator.substr(0, separator.size() - 1) + '\xff');
      targets.push_back(separator.substr(0, separator.size() / 2));
    }
    for (const std::string& target : targets) {
      SCOPED_TRACE(testing::Message()
                   << separators.size() << " separators, " << target.substr(0, 40));
      const auto covering = std::upper_bound(separators.begin(), separators.end(), target);
      EXPECT_EQ(node->ChildIndex(target), covering - separators.begin());
      const auto before = std::lower_bound(separators.begin(), separators.end(), target);
      EXPECT_EQ(node->ChildIndexBefore(target), before - separators.begin());
    }
    node->Free(allocator_);
  }
}

TEST_F(InnerNodeTest, GivesBackChildrenAndSeparators) {
  for (const std::vector<std::string>& separators : SeparatorSets()) {
    InnerNode* node = Make(separators, 3);
    EXPECT_EQ(node->level(), 3u);
    ASSERT_EQ(node->child_count(), separators.size() + 1);
    for (uint32_t i = 0; i < node->child_count(); ++i) {
      EXPECT_EQ(node->child(i), &numbers_[i]);
      if (i > 0) {
        EXPECT_TRUE(node->separator(i) == separators[i - 1]);
      }
    }
    EXPECT_EQ(node->retired.bytes, allocator_.allocated_bytes());
    node->Free(allocator_);
  }
}

TEST_F(InnerNodeTest, HoldsTheWidestFanout) {
  std::vector<std::string> separators;
  for (int i = 1; i < 1'024; ++i) separators.push_back(std::to_string(10'000 + i));
  InnerNode* node = Make(separators);
  for (uint32_t i = 0; i < 1'024; ++i) {
    EXPECT_EQ(node->ChildIndex(std::to_string(10'000 + i)), i);
    EXPECT_EQ(node->child(i), &numbers_[i]);
  }
  node->Free(allocator_);
}

TEST_F(InnerNodeTest, AHintStandsBesideItsChild) {
  const auto hint = [&](size_t number) { return MemoryHint({&numbers_[number], 100 * number}); };
  const std::vector<ChildRef> children = {{"", &numbers_[0], hint(10)},
                                          {"m", &numbers_[1], hint(11)}};
  InnerNode* node = InnerNode::Create(allocator_, 1, children);
  EXPECT_EQ(node->hint(0), hint(10));
  EXPECT_EQ(node->hint(1), hint(11));
  node->SetHint(1, hint(12));
  EXPECT_EQ(node->hint(0), hint(10));
  EXPECT_EQ(node->hint(1), hint(12));
  EXPECT_EQ(node->child(1), &numbers_[1]);
  node->Free(allocator_);
}

TEST_F(InnerNodeTest, AChildIsReplacedInPlace) {
  InnerNode* node = Make({"b", "d"});
  char other;
  node->SetChild(1, &other);
  EXPECT_EQ(node->child(0), &numbers_[0]);
  EXPECT_EQ(node->child(1), &other);
  EXPECT_EQ(node->child(2), &numbers_[2]);
  EXPECT_EQ(node->separator(1), "b");
  EXPECT_EQ(node->separator(2), "d");
  node->Free(allocator_);
}

TEST_F(InnerNodeTest, SeparatorsAreCopies) {
  std::vector<std::string> separators = {"bbbb", "cccc"};
  InnerNode* node = Make(separators);
  for (std::string& separator : separators) separator.assign(4, 'x');
  EXPECT_EQ(node->separator(1), "bbbb");
  EXPECT_EQ(node->separator(2), "cccc");
  node->Free(allocator_);
}

#ifdef FIRN_INVARIANTS
TEST_F(InnerNodeTest, OneThatCannotBeMadeLeavesNothing) {
  allocation_should_fail.store([] { return true; }, std::memory_order_release);
  EXPECT_THROW(Make({"b"}), std::bad_alloc);
  allocation_should_fail.store(nullptr, std::memory_order_release);
}
#endif

}  // namespace
}  // namespace firn::internal
