#include "mvcc/leaf_path.h"

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/span_allocator.h"

namespace firn::internal {
namespace {

// Of nodes over nodes over things that stand for leaves and states: nobody looks at them.
class LeafPathTest : public testing::Test {
 protected:
  ~LeafPathTest() override {
    for (InnerNode* node : nodes_) node->Free(allocator_);
    EXPECT_EQ(allocator_.allocated_bytes(), 0u);
  }

  const Leaf* leaf(size_t number) const { return reinterpret_cast<const Leaf*>(&numbers_[number]); }
  // States of one line each, one behind the other.
  MemoryHint hint(size_t number) const { return Hint(number * kLineBytes, kLineBytes); }
  static MemoryHint Hint(uintptr_t at, size_t size) {
    return MemoryHint({reinterpret_cast<const char*>(0x10000 + at), size});
  }

  InnerNode* Node(uint32_t level, const std::vector<ChildRef>& children) {
    nodes_.push_back(InnerNode::Create(allocator_, level, children));
    return nodes_.back();
  }
  // So many leaves under each parent, all these under one.
  InnerNode* Tree(const std::vector<size_t>& leaves) {
    std::vector<ChildRef> parents;
    for (const size_t count : leaves) {
      std::vector<ChildRef> children;
      for (size_t i = 0; i < count; ++i, ++leaf_count_) {
        children.push_back({Separator(leaf_count_), &numbers_[leaf_count_], hint(leaf_count_)});
      }
      parents.push_back({children.front().separator, Node(1, children), {}});
    }
    return Node(2, parents);
  }
  LeafPath PathTo(size_t number) {
    return LeafPath(root_, 7,
                    [&](const InnerNode& node) { return node.ChildIndex(Separator(number)); });
  }

  std::string_view Separator(size_t number) const { return {&letters_[number], 1}; }

  SpanAllocator allocator_;
  std::vector<InnerNode*> nodes_;
  size_t leaf_count_ = 0;
  InnerNode* root_ = nullptr;
  const std::string letters_ = "abcdefghijklmnopqrstuvwxyz";
  char numbers_[26] = {};
};

TEST_F(LeafPathTest, IsCurrentWhileTheCountIsTheSame) {
  EXPECT_FALSE(LeafPath().IsCurrent(0));
  root_ = Tree({2, 3});
  EXPECT_TRUE(PathTo(0).IsCurrent(7));
  EXPECT_FALSE(PathTo(0).IsCurrent(8));
}

TEST_F(LeafPathTest, LooksAheadIntoTheNeighbouringNode) {
  root_ = Tree({3, 2, 4});
  for (size_t from = 0; from < 9; ++from) {
    const LeafPath path = PathTo(from);
    ASSERT_EQ(path.leaf(), leaf(from));
    // The first leaf of its parent, and of those beside that.
    const size_t begin = from < 3 ? 0 : from < 5 ? 3 : 5;
    const size_t lowest = begin == 5 ? 3 : 0;
    const size_t end = begin == 0 ? 5 : 9;
    for (uint32_t hops = 1; hops < 10; ++hops) {
      const LeafPath::Place forward = path.Ahead(hops, Direction::kForward);
      EXPECT_EQ(forward.leaf, from + hops < end ? leaf(from + hops) : nullptr) << from << hops;
      EXPECT_EQ(forward.hint, from + hops < end ? hint(from + hops) : MemoryHint()) << from << hops;
      const LeafPath::Place backward = path.Ahead(hops, Direction::kBackward);
      EXPECT_EQ(backward.leaf, from >= lowest + hops ? leaf(from - hops) : nullptr) << from << hops;
    }
  }
}

TEST_F(LeafPathTest, TellsStatesInLine) {
  root_ = Tree({3, 4});
  for (size_t from = 0; from < 7; ++from) {
    const LeafPath path = PathTo(from);
    for (uint32_t hops = 1; hops < 8; ++hops) {
      EXPECT_EQ(path.IsInLine(hops, Direction::kForward), from + hops < 6) << from << hops;
      EXPECT_EQ(path.IsInLine(hops, Direction::kBackward), from >= hops) << from << hops;
    }
  }
}

TEST_F(LeafPathTest, TellsStatesElsewhere) {
  const MemoryHint states[] = {Hint(0, 6'400), Hint(9'600, 6'400), Hint(3'200, 3'200), {}, {}};
  std::vector<ChildRef> children;
  for (size_t i = 0; i < std::size(states); ++i) {
    children.push_back({Separator(i), &numbers_[i], states[i]});
  }
  root_ = Node(1, children);
  for (size_t i = 1; i < std::size(states); ++i) {
    EXPECT_FALSE(PathTo(0).IsInLine(static_cast<uint32_t>(i), Direction::kForward)) << i;
    EXPECT_FALSE(PathTo(i).IsInLine(1, Direction::kBackward)) << i;
  }
}

TEST_F(LeafPathTest, HopsFromEndToEnd) {
  root_ = Tree({3, 1, 1, 4});
  LeafPath path = PathTo(0);
  EXPECT_FALSE(path.Hop(Direction::kBackward));
  for (size_t i = 0; i < 8; ++i) {
    ASSERT_EQ(path.leaf(), leaf(i));
    ASSERT_TRUE(path.Hop(Direction::kForward));
    path.PrefetchParent(Direction::kForward);
  }
  EXPECT_FALSE(path.Hop(Direction::kForward));
  for (size_t i = 8; i > 0; --i) {
    ASSERT_EQ(path.leaf(), leaf(i));
    ASSERT_TRUE(path.Hop(Direction::kBackward));
    path.PrefetchParent(Direction::kBackward);
  }
  EXPECT_EQ(path.leaf(), leaf(0));
}

TEST_F(LeafPathTest, StaysUnderARootOfLeaves) {
  Tree({3});
  root_ = nodes_.front();
  LeafPath path = PathTo(1);
  EXPECT_TRUE(path.Hop(Direction::kForward));
  EXPECT_FALSE(path.Hop(Direction::kForward));
  EXPECT_EQ(path.leaf(), leaf(2));
  EXPECT_EQ(path.Ahead(3, Direction::kBackward).leaf, nullptr);
}

}  // namespace
}  // namespace firn::internal
