#include "mvcc/bulk_load.h"

#include <utility>

#include "mvcc/check.h"
#include "mvcc/packing.h"
#include "mvcc/structure_edit.h"

namespace firn::internal {

BulkRun::BulkRun(OrderedMap& map, std::string lower, std::optional<std::string> upper)
    : map_(&map), lower_(std::move(lower)), upper_(std::move(upper)) {}

BulkRun::~BulkRun() {
  for (const Pending& pending : pending_) {
    if (pending.large != nullptr) map_->DropLarge(pending.large);
  }
  for (const Built& built : built_) {
    if (built.state != nullptr) map_->DestroyState(built.state);
  }
}

void BulkRun::Add(std::string_view key, std::string_view value, uint64_t commit_ts) {
  const TuningOptions& tuning = map_->tuning();
  const bool large = value.size() >= tuning.large_value_bytes;
  const size_t stored = key.size() + (large ? sizeof(LargeValue*) : value.size()) + kEntryOverhead;
  if (!pending_.empty() &&
      (pending_bytes_ + stored > tuning.block_bytes || pending_.size() >= tuning.block_entries)) {
    std::string next(Separator(LastKey(), key));
    Cut(next);
    lower_ = std::move(next);
  }
  pending_.push_back({bytes_.size(), static_cast<uint32_t>(key.size()), 0, nullptr, commit_ts});
  bytes_.append(key);
  if (large) {
    pending_.back().large = LargeValue::Create(value, &map_->large_values());
  } else {
    bytes_.append(value);
    pending_.back().value_size = static_cast<uint32_t>(value.size());
  }
  pending_bytes_ += stored;
}

std::string_view BulkRun::LastKey() const {
  return std::string_view(bytes_).substr(pending_.back().at, pending_.back().key_size);
}

void BulkRun::Finish() {
  if (!pending_.empty() || built_.empty()) Cut(upper_);
}

void BulkRun::Cut(std::optional<std::string_view> upper) {
  entries_.clear();
  for (const Pending& pending : pending_) {
    FrozenEntry entry;
    const char* key = bytes_.data() + pending.at;
    entry.key = {key, pending.key_size};
    entry.newest.commit_ts = pending.commit_ts;
    if (pending.large != nullptr) {
      entry.newest.kind = ValueKind::kLarge;
      entry.newest.data = reinterpret_cast<const char*>(pending.large);
    } else {
      entry.newest.kind = ValueKind::kValue;
      entry.newest.data = key + pending.key_size;
      entry.newest.size = pending.value_size;
    }
    entries_.push_back(entry);
  }
  built_.push_back({lower_, nullptr});
  built_.back().state = LeafState::Create(map_->allocator(), {lower_, upper}, entries_, {});
  for (const Pending& pending : pending_) {
    if (pending.large != nullptr) map_->DropLarge(pending.large);  // The block has its own count.
  }
  pending_.clear();
  bytes_.clear();
  pending_bytes_ = 0;
}

// Clang cannot follow latches kept in a list.
void BulkLink(OrderedMap& map, std::span<BulkRun> runs) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const EpochGuard guard;
  size_t count = 0;
  for (const BulkRun& run : runs) count += run.built_.size();
  std::vector<ChildRef> children;
  std::vector<Leaf*> leaves;
  children.reserve(count);
  leaves.reserve(count);
  const auto free_leaves = [&] {
    for (Leaf* leaf : leaves) map.FreeLeaf(leaf);
  };
  try {
    bool first = true;
    for (const BulkRun& run : runs) {
      for (const BulkRun::Built& built : run.built_) {
        if (std::exchange(first, false)) continue;  // The leaf that is there takes this one.
        leaves.push_back(map.NewLatchedLeaf(built.state));
        leaves.back()->latch.Unlock();
        children.push_back({built.lower, leaves.back(), MemoryHint(built.state->memory())});
      }
    }
    FIRN_CHECK(!first);
    if (!children.empty()) {
      StructureEdit edit(map);
      edit.PlanInsertLeaves("", children);
      edit.Commit();
    }
  } catch (...) {
    free_leaves();
    throw;
  }
  Leaf* only = map.LatchLeaf("");
  map.SwapState(only, runs.front().built_.front().state);
  only->latch.Unlock();
  for (BulkRun& run : runs) run.built_.clear();
}

}  // namespace firn::internal
