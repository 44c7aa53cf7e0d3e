#include "mvcc/older_run.h"

#include <new>
#include <vector>

namespace firn::internal {

OlderRun* OlderRun::Create(SpanAllocator& allocator, std::span<const FrozenEntry> entries,
                           std::span<const VersionView> older, OlderRun* next) {
  std::vector<FrozenEntry> own;
  own.reserve(entries.size());
  for (const FrozenEntry& entry : entries) {
    if (entry.older_count == 0) continue;
    own.push_back(
        {entry.key, older[entry.older_begin], entry.older_begin + 1, entry.older_count - 1});
  }
  const FrozenBlock::Plan plan = FrozenBlock::MakePlan(own, older);
  const SpanAllocator::Block memory = allocator.Allocate(sizeof(OlderRun) + plan.total_bytes);
  auto* run = new (memory.data) OlderRun(memory.bytes, next);
  FrozenBlock::Build(run + 1, plan, own, older);
  if (next != nullptr) next->AddRef();
  return run;
}

void OlderRun::AddRef() {
  refs_.fetch_add(1, std::memory_order_relaxed);
  large_owners_.fetch_add(1, std::memory_order_relaxed);
}

void OlderRun::DropRef(SpanAllocator& allocator) {
  for (OlderRun* run = this; run != nullptr;) {
    if (run->refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    OlderRun* next = run->next_;
    allocator.Free(run, run->bytes_);
    run = next;
  }
}

}  // namespace firn::internal
