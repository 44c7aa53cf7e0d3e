// A LeafPath is where a walk from leaf to leaf stands among the inner nodes.
#ifndef FIRN_MVCC_LEAF_PATH_H_
#define FIRN_MVCC_LEAF_PATH_H_

#include <cstdint>
#include <optional>

#include "absl/base/attributes.h"
#include "mvcc/inner_node.h"
#include "mvcc/leaf.h"

namespace firn::internal {

enum class Direction { kForward, kBackward };

// A LeafPath keeps the last two steps of a descent, so that the walk finds the leaves around the
// one that it stands at without another.
//
// It outlives the EpochGuard in which it was found, and in a later one it may be looked at only
// after it turned out to be current: no inner node was replaced since the descent began. See
// EditCount.
//
// Thread-safety: one thread.
class LeafPath {
 public:
  // Of no leaf; never current.
  LeafPath() = default;
  // Descends from `root` through the children that child_index(node) names. `edits`: the
  // EditCount from before `root` was looked up. Requires: an EpochGuard.
  template <class ChildIndex>
  LeafPath(const InnerNode* root, uint64_t edits, const ChildIndex& child_index) : edits_(edits) {
    const InnerNode* node = root;
    while (node->level() > 1) {
      grandparent_ = node;
      parent_index_ = child_index(*node);
      node = static_cast<const InnerNode*>(node->child(parent_index_));
    }
    parent_ = node;
    index_ = child_index(*node);
  }

  // `edits`: the EditCount, from the current EpochGuard.
  bool IsCurrent(uint64_t edits) const { return parent_ != nullptr && edits == edits_; }

  // The rest requires that it is current.
  const Leaf* leaf() const { return PlaceOf({parent_, index_}).leaf; }
  // A leaf that many hops on, and what its parent has as a hint; none beyond the neighbouring inner
  // nodes, nor where the grandparent ends.
  struct Place {
    const Leaf* leaf;
    MemoryHint hint;
  };
  Place Ahead(uint32_t hops, Direction direction) const {
    const std::optional<Child> child = ChildAhead(hops, direction);
    return child ? PlaceOf(*child) : Place{nullptr, {}};
  }
  // Whether that leaf's state likely lies right before the one that follows by key, as states do that
  // were settled.
  bool IsInLine(uint32_t hops, Direction direction) const {
    const uint32_t following = direction == Direction::kForward ? hops + 1 : hops - 1;
    return Ahead(hops, direction).hint.LiesRightBefore(Ahead(following, direction).hint);
  }
  // Moves on by one leaf. Returns false if there is none as above, and stays.
  bool Hop(Direction direction) {
    const std::optional<Child> next = ChildAhead(1, direction);
    if (!next) return false;
    if (next->parent != parent_) parent_index_ += direction == Direction::kForward ? 1 : -1;
    parent_ = next->parent;
    index_ = next->index;
    return true;
  }
  // Fetches the inner node that comes next, a few hops before it is looked at.
  void PrefetchParent(Direction direction) const {
    constexpr uint32_t kHops = 8;
    const uint32_t left =
        direction == Direction::kForward ? parent_->child_count() - 1 - index_ : index_;
    if (left != kHops) return;
    if (const InnerNode* next = ParentAhead(direction)) {
      PrefetchLine(next);
      next->PrefetchSearch();
    }
  }

 private:
  struct Child {
    const InnerNode* parent;
    uint32_t index;
  };

  static Place PlaceOf(const Child& child) {
    return {static_cast<const Leaf*>(child.parent->child(child.index)),
            child.parent->hint(child.index)};
  }
  std::optional<Child> ChildAhead(uint32_t hops, Direction direction) const {
    // Wraps around before the first one.
    const uint32_t at = direction == Direction::kForward ? index_ + hops : index_ - hops;
    if (at < parent_->child_count()) [[likely]]
      return Child{parent_, at};
    return ChildInNeighbour(hops, direction);
  }
  ABSL_ATTRIBUTE_NOINLINE std::optional<Child> ChildInNeighbour(uint32_t hops,
                                                                Direction direction) const {
    const InnerNode* next = ParentAhead(direction);
    if (next == nullptr) return std::nullopt;
    const uint32_t count = next->child_count();
    // As above: from the first child of the one, or back from behind the last of the other.
    const uint32_t at = direction == Direction::kForward ? index_ + hops - parent_->child_count()
                                                         : count + index_ - hops;
    if (at >= count) return std::nullopt;
    return Child{next, at};
  }
  const InnerNode* ParentAhead(Direction direction) const {
    if (grandparent_ == nullptr) return nullptr;
    // Wraps around before the first one.
    const uint32_t at = direction == Direction::kForward ? parent_index_ + 1 : parent_index_ - 1;
    if (at >= grandparent_->child_count()) return nullptr;
    return static_cast<const InnerNode*>(grandparent_->child(at));
  }

  uint64_t edits_ = 0;
  const InnerNode* grandparent_ = nullptr;  // Null if the parent is the root.
  const InnerNode* parent_ = nullptr;
  uint32_t parent_index_ = 0;  // In the grandparent.
  uint32_t index_ = 0;         // In the parent.
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_LEAF_PATH_H_
