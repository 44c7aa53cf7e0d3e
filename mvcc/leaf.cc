#include "mvcc/leaf.h"

#include <new>

namespace firn::internal {

namespace {

// All but the block.
LeafState* CreateAround(const FrozenBlock::Plan& plan, SpanAllocator& allocator,
                        const Fences& fences, OlderRun* older_runs) {
  const size_t fence_bytes = fences.lower.size() + (fences.upper ? fences.upper->size() : 0);
  const size_t block_at = (sizeof(LeafState) + fence_bytes + 7) & ~size_t{7};
  const SpanAllocator::Block memory = allocator.Allocate(block_at + plan.total_bytes);
  auto* state = new (memory.data) LeafState;
  state->retired.bytes = memory.bytes;
  state->block_at = static_cast<uint32_t>(block_at);
  state->older_runs = older_runs;
  state->lower_size = static_cast<uint16_t>(fences.lower.size());
  char* out = reinterpret_cast<char*>(state + 1);
  fences.lower.copy(out, fences.lower.size());
  if (fences.upper) {
    state->has_upper = true;
    state->upper_size = static_cast<uint16_t>(fences.upper->size());
    state->upper_head = HeadOf<uint64_t>(fences.upper->data(), fences.upper->size());
    fences.upper->copy(out + fences.lower.size(), fences.upper->size());
  }
  return state;
}

void* BlockMemory(LeafState* state) { return reinterpret_cast<char*>(state) + state->block_at; }

}  // namespace

LeafState* LeafState::Create(SpanAllocator& allocator, const Fences& fences,
                             std::span<const FrozenEntry> entries,
                             std::span<const VersionView> older, OlderRun* older_runs) {
  const FrozenBlock::Plan plan = FrozenBlock::MakePlan(entries, older);
  LeafState* state = CreateAround(plan, allocator, fences, older_runs);
  FrozenBlock::Build(BlockMemory(state), plan, entries, older);
  return state;
}

LeafState* LeafState::Create(SpanAllocator& allocator, const Fences& fences,
                             const BlockPatch& patch, OlderRun* older_runs) {
  const FrozenBlock::Plan plan = FrozenBlock::MakePlan(patch);
  LeafState* state = CreateAround(plan, allocator, fences, older_runs);
  FrozenBlock::Build(BlockMemory(state), plan, patch);
  return state;
}

void LeafState::Free(SpanAllocator& allocator) {
  if (FreshDelta* fresh = delta.load(std::memory_order_acquire)) fresh->Destroy(allocator);
  if (older_runs != nullptr) older_runs->DropRef(allocator);
  allocator.Free(this, retired.bytes);
}

}  // namespace firn::internal
