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
    const ChildRef only{{}, leaf, MemoryHint(state->memory())};
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

// Fetches what a walk looks at beside the states of the leaves after that of `path`: the leaf five
// hops on, and its fresh delta four hops on, when the leaf that says where that is has come.
// Returns the state one hop on, for the caller to fetch.
//
// Of a state that lies somewhere else than behind the one before it, the pages are touched two hops
// on: that saves a walk of such states an eighth of its time. Of states in line the processor finds
// out the pages by itself, and to touch one before its turn costs a fifth.
OrderedMap::NextState PrefetchLeaves(const LeafPath& path, Direction direction) {
  path.PrefetchParent(direction);
  if (const Leaf* leaf = path.Ahead(5, direction).leaf) PrefetchLine(leaf);
  if (const Leaf* leaf = path.Ahead(4, direction).leaf) {
    const FreshDelta* delta = leaf->delta.load(std::memory_order_relaxed);
    if (delta != nullptr) FreshDelta::PrefetchFirstChunk(delta);
  }
  if (!path.IsInLine(2, direction)) PrefetchPages(path.Ahead(2, direction).hint.memory());
  return {path.Ahead(1, direction).hint, path.IsInLine(1, direction)};
}

}  // namespace

const LeafState* OrderedMap::Hop(LeafPath* path, Direction direction) const {
  if (SkipShortcut(4) || !path->IsCurrent(edits_.Get())) return nullptr;
  if (!path->Hop(direction)) return nullptr;
  AtSchedulePoint("map:hopped");
  return path->leaf()->state.Load();
}

OrderedMap::WalkedState OrderedMap::FindStateForward(std::string_view key, LeafPath* path) const {
  const LeafState* state = Hop(path, Direction::kForward);
  // It does not if the leaf before has been split or merged since and the tree does not say so yet.
  const bool found = state != nullptr && state->Covers(key);
  while (!found) {
    *path = Descend([key](const InnerNode& node) { return node.ChildIndex(key); });
    AtSchedulePoint("map:found_leaf");
    state = path->leaf()->state.Load();
    if (state->BelowUpper(key)) break;  // As in FindState().
  }
  return {state, PrefetchLeaves(*path, Direction::kForward)};
}

OrderedMap::WalkedState OrderedMap::FindStateBefore(std::string_view lower, LeafPath* path) const {
  // A split may have cut off the keys just below `lower`; they are linked by then.
  const auto reaches_lower = [lower](const LeafState& state) {
    return !state.has_upper || *state.fences().upper >= lower;
  };
  const LeafState* state = Hop(path, Direction::kBackward);
  const bool found = state != nullptr && state->fences().lower < lower && reaches_lower(*state);
  while (!found) {
    *path = Descend([lower](const InnerNode& node) { return node.ChildIndexBefore(lower); });
    AtSchedulePoint("map:found_leaf");
    state = path->leaf()->state.Load();
    if (reaches_lower(*state)) break;
  }
  return {state, PrefetchLeaves(*path, Direction::kBackward)};
}

const LeafState* OrderedMap::FindStateBefore(std::string_view lower) const {
  LeafPath path;
  return FindStateBefore(lower, &path).state;
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

namespace {

void CountInLine(const InnerNode& node, OrderedMap::Line* line) {
  const uint32_t count = node.child_count();
  if (node.level() > 1) {
    for (uint32_t i = 0; i < count; ++i) {
      CountInLine(*static_cast<const InnerNode*>(node.child(i)), line);
    }
    return;
  }
  line->leaves += count;
  for (uint32_t i = 0; i + 1 < count; ++i) {
    if (node.hint(i).LiesRightBefore(node.hint(i + 1))) ++line->in_line;
  }
}

}  // namespace

OrderedMap::Line OrderedMap::StatesInLine() const {
  Line line;
  CountInLine(*root(), &line);
  return line;
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
  if (parent->child(index) == leaf) parent->SetHint(index, MemoryHint(state->memory()));
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
