// A StructureEdit changes which children an inner node has, all at once.
#ifndef FIRN_MVCC_STRUCTURE_EDIT_H_
#define FIRN_MVCC_STRUCTURE_EDIT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mvcc/inner_node.h"

namespace firn::internal {

class OrderedMap;
struct Leaf;

// A StructureEdit replaces inner nodes by edited copies, from the leaves' parents upwards,
// until one pointer swap (in a surviving ancestor, or of the root) makes all of it visible.
//
// Protocol: it latches the node to be replaced, builds its copy (or its halves), then latches
// the parent, and so on upwards. A latched node that is not obsolete is current, and its range
// is fixed at its making, so a descent by key from the root finds it again, whatever stale
// ancestors the descent came through. Everything that can fail happens while planning; a plan
// that is not committed leaves no trace.
//
// Thread-safety: one thread, inside an EpochGuard from before planning until the end.
class StructureEdit {
 public:
  explicit StructureEdit(OrderedMap& map) : map_(map) {}
  ~StructureEdit();
  StructureEdit(const StructureEdit&) = delete;
  StructureEdit& operator=(const StructureEdit&) = delete;

  // One plan an edit; throw std::bad_alloc.
  // Adds `leaves`, in key order, behind the leaf that covers `key`.
  void PlanInsertLeaves(std::string_view key, std::span<const ChildRef> leaves);
  // Takes away `leaves`, latched by the caller, which stand in this order behind the leaf
  // that covers `key`. Returns how many children their parent keeps, or nothing (and plans
  // nothing) if they are no longer under one parent.
  std::optional<uint32_t> PlanRemoveLeaves(std::string_view key, std::span<Leaf* const> leaves);
  // Joins the node of `level` that covers `key` with its neighbour on one side under the same
  // parent, if there is one and both fit into one. Returns false, with nothing planned, if not.
  enum class Side { kLeft, kRight };
  bool PlanMergeNodes(uint32_t level, std::string_view key, Side side);

  // Makes the plan visible and retires the replaced nodes.
  void Commit() noexcept;

 private:
  InnerNode* LatchNode(uint32_t level, std::string_view key);
  std::vector<ChildRef> ChildrenOf(InnerNode* node) const;
  // `node`, latched by this edit, shall have `children`: plans the rest of the way up.
  void PlanReplacement(InnerNode* node, std::string_view key, std::vector<ChildRef> children);
  // Packs `children` into as many nodes of `level` as they need.
  std::vector<ChildRef> BuildNodes(uint32_t level, std::span<const ChildRef> children);
  void UnlatchAll() noexcept;

  OrderedMap& map_;
  std::vector<InnerNode*> latched_;
  std::vector<InnerNode*> replaced_;  // Among latched_.
  std::vector<InnerNode*> built_;
  // The one swap: child `swap_index_` of `swap_parent_`, or the root if that is null.
  InnerNode* swap_parent_ = nullptr;
  uint32_t swap_index_ = 0;
  InnerNode* swap_in_ = nullptr;
  bool root_latched_ = false;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_STRUCTURE_EDIT_H_
