// An InnerNode routes a descent to the child whose range covers a key.
#ifndef FIRN_MVCC_INNER_NODE_H_
#define FIRN_MVCC_INNER_NODE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mvcc/epoch.h"
#include "mvcc/key_index.h"
#include "mvcc/memory_hint.h"
#include "mvcc/mutex.h"
#include "mvcc/prefetch.h"
#include "mvcc/span_allocator.h"

namespace firn::internal {

// A child as an edit sees it: keys from `separator` on, up to the next child's, are its own.
// A node's first child takes all that is below its second; its separator stands in the parent.
struct ChildRef {
  std::string_view separator;
  void* node;       // A Leaf below level 1, else an InnerNode.
  MemoryHint hint;  // See InnerNode::hint().
};

// InnerNode: immutable separators, atomic child pointers. Whatever changes the set of
// children makes a new node (StructureEdit) and swaps it into the parent.
//
//   header | heads u32[n-1] | (child, hint)[n] | separator ends u32[n-1] | separator bytes
//
// Thread-safety: readers in an epoch guard look at everything but `obsolete`. A child pointer
//     is stored (release) only under this node's latch while the node is not obsolete, and
//     loaded (acquire) by descents: whoever finds a child sees it complete. A hint is stored and
//     loaded by anybody (relaxed), in a node that is being replaced, too: it may be lost.
// Lifetime: retired once replaced.
class InnerNode {
 public:
  // `level` is the height above the leaves: 1 just above them.
  static InnerNode* Create(SpanAllocator& allocator, uint32_t level,
                           std::span<const ChildRef> children);
  void Free(SpanAllocator& allocator) { allocator.Free(this, retired.bytes); }

  uint32_t level() const { return level_; }
  uint32_t child_count() const { return child_count_; }
  // The child whose range covers `key`, if this node's does.
  uint32_t ChildIndex(std::string_view key) const {
    const KeyPosition position = FindSeparator(key);
    return position.index + (position.exact ? 1 : 0);
  }
  // The child whose range covers the greatest keys below `key`.
  uint32_t ChildIndexBefore(std::string_view key) const { return FindSeparator(key).index; }
  // Fetches what a descent looks at, all at once: heads and children of a node of 64 that is two
  // thirds full. With 128 children, too many lines to ask for, the child's line was waited for once
  // more: a get among 10,000,000 entries took 1.2 times as long. Reads nothing.
  void PrefetchSearch() const {
    PrefetchLines(reinterpret_cast<const char*>(this) + kLineBytes, 14);
  }
  void* child(uint32_t i) const { return children()[i].node.load(std::memory_order_acquire); }
  void SetChild(uint32_t i, void* node) {
    children()[i].node.store(node, std::memory_order_release);
  }
  // What a reader likely looks at behind child i: of a leaf its state, so that both are fetched at
  // once. Maybe outdated; empty above level 1.
  MemoryHint hint(uint32_t i) const { return children()[i].hint.load(std::memory_order_relaxed); }
  void SetHint(uint32_t i, MemoryHint hint) {
    children()[i].hint.store(hint, std::memory_order_relaxed);
  }
  // Where child i's range begins. Requires: i >= 1.
  std::string_view separator(uint32_t i) const {
    const uint32_t begin = i == 1 ? 0 : separator_ends()[i - 2];
    return {bytes() + begin, separator_ends()[i - 1] - begin};
  }

  // Serialises edits. Order: after leaf latches; upwards; left before right on a level.
  Mutex latch;
  bool obsolete ABSL_GUARDED_BY(latch) = false;
  Retired retired;  // retired.bytes is the size of this allocation.

 private:
  struct Child {
    std::atomic<void*> node;
    std::atomic<MemoryHint> hint;
  };

  InnerNode(uint32_t level, uint32_t child_count) : level_(level), child_count_(child_count) {}

  const char* at(size_t offset) const { return reinterpret_cast<const char*>(this) + offset; }
  const uint32_t* heads() const { return reinterpret_cast<const uint32_t*>(this + 1); }
  const uint32_t* separator_ends() const {
    return reinterpret_cast<const uint32_t*>(children() + child_count_);
  }
  Child* children() {
    return reinterpret_cast<Child*>(reinterpret_cast<char*>(this) + children_at_);
  }
  const Child* children() const { return reinterpret_cast<const Child*>(at(children_at_)); }
  const char* bytes() const { return at(bytes_at_); }
  CommonPrefix prefix() const { return {bytes(), prefix_size_, prefix_head_}; }
  // Of the first separator that is not less, counted from 0.
  KeyPosition FindSeparator(std::string_view key) const {
    const uint32_t separators = child_count_ - 1;
    if (separators == 0) return {0, false};
    return KeyRun{heads(), separators, prefix(), [this](uint32_t i) { return separator(i + 1); }}
        .Find(key);
  }

  const uint32_t level_;
  const uint32_t child_count_;
  uint32_t children_at_ = 0;
  uint32_t bytes_at_ = 0;
  uint32_t prefix_size_ = 0;  // Of all separators; the first one begins with it.
  uint32_t prefix_head_ = 0;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_INNER_NODE_H_
