#include "mvcc/ordered_map.h"

#include <cstddef>
#include <new>

#include "mvcc/check.h"
#include "mvcc/prefetch.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {
namespace {

// The object that a retired header stands in.
template <class T>
T* OwnerOf(Retired* retired) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  return reinterpret_cast<T*>(reinterpret_cast<char*>(retired) - offsetof(T, retired));
#pragma GCC diagnostic pop
}

void DestroyRetiredState(Retired* retired, void* map) {
  OwnerOf<LeafState>(retired)->Free(static_cast<OrderedMap*>(map)->allocator());
}

// A state gives up its large values with its grace period, even while a hazard slot keeps it.
void DropRetiredCounts(Retired* retired, void* context) {
  auto* map = static_cast<OrderedMap*>(context);
  OwnerOf<LeafState>(retired)->DropLargeCounts([map](LargeValue* large) { map->DropLarge(large); });
}

void DestroyRetiredLeaf(Retired* retired, void* map) {
  static_cast<OrderedMap*>(map)->FreeLeaf(OwnerOf<Leaf>(retired));
}

void DestroyRetiredNode(Retired* retired, void* map) {
  OwnerOf<InnerNode>(retired)->Free(static_cast<OrderedMap*>(map)->allocator());
}

}  // namespace

OrderedMap::OrderedMap(const TuningOptions& tuning,
                       const Pruner& pruner) ABSL_NO_THREAD_SAFETY_ANALYSIS : tuning_(tuning),
                                                                              pruner_(pruner) {
  LeafState* state = LeafState::Create(allocator_, Fences{}, {}, {});
  Leaf* leaf = nullptr;
  try {
    leaf = NewLatchedLeaf(state);
    leaf->latch.Unlock();
    const ChildRef only{{}, leaf, state};
    SetRoot(InnerNode::Create(allocator_, 1, {&only, 1}));
  } catch (...) {
    if (leaf != nullptr) FreeLeaf(leaf);
    DestroyState(state);
    throw;
  }
}

OrderedMap::~OrderedMap() {
  FreeSubtree(root());
  retired_.DrainAll(this);
}

void OrderedMap::FreeSubtree(InnerNode* node) {
  for (uint32_t i = 0; i < node->child_count(); ++i) {
    if (node->level() > 1) {
      FreeSubtree(static_cast<InnerNode*>(node->child(i)));
      continue;
    }
    auto* leaf = static_cast<Leaf*>(node->child(i));
    DestroyState(leaf->state.Load());
    FreeLeaf(leaf);
  }
  node->Free(allocator_);
}

InnerNode* OrderedMap::FindInnerNode(uint32_t level, std::string_view key) const {
  InnerNode* node = root();
  if (node->level() < level) return nullptr;
  while (node->level() > level) node = static_cast<InnerNode*>(node->child(node->ChildIndex(key)));
  return node;
}

namespace {

// Fetches what a walk needs to show the leaves after leaf `index` of `parent`, a step for each hop,
// so that every step finds in the cache what it looks at: the leaf and the header of its state four
// hops on, the table of the fresh delta three hops on and that delta's slots two hops on. Returns
// the state one hop on, for the caller to fetch, and what those slots lead to.
const LeafState* PrefetchLeaves(const InnerNode& parent, uint32_t index, bool forward) {
  const auto child_ahead = [&](uint32_t hops) {
    return forward ? index + hops : index - hops;  // May wrap around below 0.
  };
  const auto leaf_ahead = [&](uint32_t hops) {
    const uint32_t at = child_ahead(hops);
    return at < parent.child_count() ? static_cast<const Leaf*>(parent.child(at)) : nullptr;
  };
  const auto delta_of = [](const Leaf* leaf) {
    return leaf->state.Load()->delta.load(std::memory_order_acquire);
  };
  if (const Leaf* leaf = leaf_ahead(4)) {
    PrefetchLine(leaf);
    LeafState::PrefetchHeader(parent.hint(child_ahead(4)));
  }
  if (const Leaf* leaf = leaf_ahead(3)) FreshDelta::Prefetch(delta_of(leaf));
  if (const Leaf* leaf = leaf_ahead(2)) {
    if (const FreshDelta* delta = delta_of(leaf)) delta->PrefetchSlots(delta->count());
  }
  const Leaf* next = leaf_ahead(1);
  return next == nullptr ? nullptr : next->state.Load();
}

}  // namespace

OrderedMap::WalkedState OrderedMap::FindStateForward(std::string_view key) const {
  while (true) {
    const InnerNode* node = root();
    while (node->level() > 1) {
      node = static_cast<const InnerNode*>(node->child(node->ChildIndex(key)));
    }
    const uint32_t index = node->ChildIndex(key);
    AtSchedulePoint("map:found_leaf");
    const LeafState* state = static_cast<Leaf*>(node->child(index))->state.Load();
    if (!state->BelowUpper(key)) continue;  // As in FindState().
    return {state, PrefetchLeaves(*node, index, /*forward=*/true)};
  }
}

OrderedMap::WalkedState OrderedMap::FindStateBefore(std::string_view lower) const {
  while (true) {
    const InnerNode* node = root();
    while (node->level() > 1) {
      node = static_cast<const InnerNode*>(node->child(node->ChildIndexBefore(lower)));
    }
    const uint32_t index = node->ChildIndexBefore(lower);
    AtSchedulePoint("map:found_leaf");
    const LeafState* state = static_cast<Leaf*>(node->child(index))->state.Load();
    // A split may have cut off the keys just below `lower`; they are linked by then.
    if (state->has_upper && *state->fences().upper < lower) continue;
    return {state, PrefetchLeaves(*node, index, /*forward=*/false)};
  }
}

const LeafState* OrderedMap::FindLastState() const {
  while (true) {
    const InnerNode* node = root();
    while (node->level() > 1) {
      node = static_cast<const InnerNode*>(node->child(node->child_count() - 1));
    }
    AtSchedulePoint("map:found_leaf");
    const LeafState* state = static_cast<Leaf*>(node->child(node->child_count() - 1))->state.Load();
    if (!state->has_upper) return state;
  }
}

// Clang cannot follow a latch that passes to the caller.
Leaf* OrderedMap::LatchLeaf(std::string_view key) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  while (true) {
    Leaf* leaf = FindLeaf(key);
    leaf->PrefetchForWrite();  // The latch is a full fence: what comes next is fetched before it.
    AtSchedulePoint("map:before_latch");
    leaf->latch.Lock();
    // The lower fence never moves while a leaf lives, so the descent has seen to it.
    if (!leaf->obsolete && leaf->BelowUpper(key)) return leaf;
    leaf->latch.Unlock();  // Split or merged away since the descent.
  }
}

Leaf* OrderedMap::NewLatchedLeaf(LeafState* state) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const SpanAllocator::Block memory = allocator_.Allocate(sizeof(Leaf));
  auto* leaf = new (memory.data) Leaf(state);
  leaf->retired.bytes = memory.bytes;
  leaf->latch.Lock();
  return leaf;
}

void OrderedMap::FreeLeaf(Leaf* leaf) {
  const size_t bytes = leaf->retired.bytes;
  leaf->~Leaf();
  allocator_.Free(leaf, bytes);
}

void OrderedMap::DestroyState(LeafState* state) {
  if (!state->counts_dropped.load(std::memory_order_relaxed)) {
    state->DropLargeCounts([this](LargeValue* large) { DropLarge(large); });
  }
  state->Free(allocator_);
}

void OrderedMap::SwapState(Leaf* leaf, LeafState* state) {
  AtSchedulePoint("leaf:before_swap");
  LeafState* before = leaf->Install(state);
  NoteState(leaf, state);
  RetireState(before);
}

void OrderedMap::NoteState(const Leaf* leaf, const LeafState* state) {
  const std::string_view lower = state->fences().lower;
  InnerNode* parent = FindInnerNode(1, lower);
  const uint32_t index = parent->ChildIndex(lower);
  if (parent->child(index) == leaf) parent->SetHint(index, state);
}

void OrderedMap::RetireState(LeafState* state) {
  state->retired.destroy = &DestroyRetiredState;
  state->retired.grace_ended = &DropRetiredCounts;
  retired_.Retire(&state->retired);
}

void OrderedMap::RetireLeaf(Leaf* leaf) {
  leaf->retired.destroy = &DestroyRetiredLeaf;
  retired_.Retire(&leaf->retired);
}

void OrderedMap::RetireInnerNode(InnerNode* node) {
  node->retired.destroy = &DestroyRetiredNode;
  retired_.Retire(&node->retired);
}

void OrderedMap::DropLarge(LargeValue* large) {
  if (!large->DropRef()) return;
  large->bytes = large->allocated_bytes();
  retired_.Retire(large);
}

void OrderedMap::DropOlderRuns(OlderRun* runs) {
  runs->DropLargeCounts([this](LargeValue* large) { DropLarge(large); });
  runs->DropRef(allocator_);
}

size_t OrderedMap::Reclaim() { return retired_.Reclaim(hazards_, this); }

}  // namespace firn::internal
