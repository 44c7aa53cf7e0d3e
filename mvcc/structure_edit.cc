#include "mvcc/structure_edit.h"

#include <algorithm>

#include "mvcc/check.h"
#include "mvcc/ordered_map.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {

// Clang cannot follow latches kept in a list.
StructureEdit::~StructureEdit() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (InnerNode* node : built_) node->Free(map_.allocator());
  UnlatchAll();
}

void StructureEdit::UnlatchAll() noexcept ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (root_latched_) map_.root_latch_.Unlock();
  root_latched_ = false;
  for (InnerNode* node : latched_) node->latch.Unlock();
  latched_.clear();
}

InnerNode* StructureEdit::LatchNode(uint32_t level,
                                    std::string_view key) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  latched_.reserve(latched_.size() + 1);
  while (true) {
    InnerNode* node = map_.FindInnerNode(level, key);
    node->latch.Lock();
    if (!node->obsolete) {
      latched_.push_back(node);
      return node;
    }
    node->latch.Unlock();  // Replaced meanwhile; its successor is linked already.
  }
}

std::vector<ChildRef> StructureEdit::ChildrenOf(InnerNode* node) const {
  std::vector<ChildRef> children;
  children.reserve(node->child_count() + 1);
  for (uint32_t i = 0; i < node->child_count(); ++i) {
    children.push_back(
        {i == 0 ? std::string_view() : node->separator(i), node->child(i), node->hint(i)});
  }
  return children;
}

void StructureEdit::PlanInsertLeaves(std::string_view key, std::span<const ChildRef> leaves) {
  InnerNode* node = LatchNode(1, key);
  std::vector<ChildRef> children = ChildrenOf(node);
  children.insert(children.begin() + node->ChildIndex(key) + 1, leaves.begin(), leaves.end());
  PlanReplacement(node, key, std::move(children));
}

std::optional<uint32_t> StructureEdit::PlanRemoveLeaves(std::string_view key,
                                                        std::span<Leaf* const> leaves) {
  InnerNode* node = LatchNode(1, key);
  std::vector<ChildRef> children = ChildrenOf(node);
  const auto first = children.begin() + node->ChildIndex(key) + 1;
  const auto count = static_cast<std::ptrdiff_t>(leaves.size());
  const bool siblings =
      children.end() - first >= count &&
      std::equal(leaves.begin(), leaves.end(), first,
                 [](const Leaf* leaf, const ChildRef& child) { return leaf == child.node; });
  if (!siblings) return std::nullopt;
  children.erase(first, first + count);
  const auto left = static_cast<uint32_t>(children.size());
  PlanReplacement(node, key, std::move(children));
  return left;
}

bool StructureEdit::PlanMergeNodes(uint32_t level, std::string_view key,
                                   Side side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  InnerNode* parent = map_.FindInnerNode(level + 1, key);
  if (parent == nullptr) return false;
  uint32_t index = parent->ChildIndex(key);  // Of the left one of the pair.
  if (side == Side::kLeft) {
    if (index == 0) return false;
    --index;
  }
  if (index + 1 >= parent->child_count()) return false;
  InnerNode* pair[2];
  for (uint32_t i = 0; i < 2; ++i) {  // Left before right.
    pair[i] = static_cast<InnerNode*>(parent->child(index + i));
    latched_.reserve(latched_.size() + 1);
    pair[i]->latch.Lock();
    latched_.push_back(pair[i]);
    if (pair[i]->obsolete) return false;
  }
  if (pair[0]->child_count() + pair[1]->child_count() > map_.tuning().inner_fanout * 3 / 4) {
    return false;
  }
  parent = LatchNode(level + 1, key);
  std::vector<ChildRef> siblings = ChildrenOf(parent);
  const auto left = std::find_if(siblings.begin(), siblings.end(),
                                 [&](const ChildRef& child) { return child.node == pair[0]; });
  if (left == siblings.end() || left + 1 == siblings.end() || (left + 1)->node != pair[1]) {
    return false;  // Another edit came between.
  }
  std::vector<ChildRef> joined = ChildrenOf(pair[0]);
  std::vector<ChildRef> right = ChildrenOf(pair[1]);
  right.front().separator = (left + 1)->separator;
  joined.insert(joined.end(), right.begin(), right.end());
  left->node = BuildNodes(level, joined).front().node;
  siblings.erase(left + 1);
  replaced_.insert(replaced_.end(), pair, pair + 2);
  PlanReplacement(parent, key, std::move(siblings));
  return true;
}

std::vector<ChildRef> StructureEdit::BuildNodes(uint32_t level,
                                                std::span<const ChildRef> children) {
  const size_t fanout = map_.tuning().inner_fanout;
  const size_t nodes = (children.size() + fanout - 1) / fanout;
  std::vector<ChildRef> result;
  result.reserve(nodes);
  built_.reserve(built_.size() + nodes);
  for (size_t i = 0; i < nodes; ++i) {
    const size_t begin = children.size() * i / nodes;
    const size_t end = children.size() * (i + 1) / nodes;
    InnerNode* node =
        InnerNode::Create(map_.allocator(), level, children.subspan(begin, end - begin));
    built_.push_back(node);
    result.push_back({children[begin].separator, node, {}});
  }
  return result;
}

void StructureEdit::PlanReplacement(InnerNode* node, std::string_view key,
                                    std::vector<ChildRef> children) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  while (true) {
    replaced_.push_back(node);
    std::vector<ChildRef> nodes = BuildNodes(node->level(), children);
    map_.root_latch_.Lock();
    if (map_.root() == node) {  // Stays so: whoever puts a root above must latch `node`.
      root_latched_ = true;
      if (children.size() == 1 && node->level() > 1) {
        // Left with one child, which a merge has just built: that is the root now.
        swap_in_ = static_cast<InnerNode*>(children.front().node);
        built_.back()->Free(map_.allocator());
        built_.pop_back();
        return;
      }
      for (uint32_t level = node->level() + 1; nodes.size() > 1; ++level) {
        nodes = BuildNodes(level, nodes);
      }
      swap_in_ = static_cast<InnerNode*>(nodes.front().node);
      return;
    }
    map_.root_latch_.Unlock();
    InnerNode* parent = LatchNode(node->level() + 1, key);
    const uint32_t index = parent->ChildIndex(key);
    FIRN_CHECK(parent->child(index) == node);
    if (nodes.size() == 1) {
      swap_parent_ = parent;
      swap_index_ = index;
      swap_in_ = static_cast<InnerNode*>(nodes.front().node);
      return;
    }
    children = ChildrenOf(parent);
    nodes.front().separator = children[index].separator;
    const auto at = children.erase(children.begin() + index);
    children.insert(at, nodes.begin(), nodes.end());
    node = parent;
  }
}

void StructureEdit::Commit() noexcept ABSL_NO_THREAD_SAFETY_ANALYSIS {
  AtSchedulePoint("structure:before_swap");
  if (swap_parent_ != nullptr) {
    swap_parent_->SetChild(swap_index_, swap_in_);
  } else {
    map_.SetRoot(swap_in_);
  }
  map_.edits_.Raise();
  for (InnerNode* node : replaced_) node->obsolete = true;
  built_.clear();
  UnlatchAll();
  for (InnerNode* node : replaced_) map_.RetireInnerNode(node);
}

}  // namespace firn::internal
