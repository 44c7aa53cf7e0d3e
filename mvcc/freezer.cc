#include "mvcc/freezer.h"

#include <algorithm>
#include <new>

#include "mvcc/check.h"
#include "mvcc/packing.h"
#include "mvcc/point_read.h"
#include "mvcc/schedule_point.h"
#include "mvcc/structure_edit.h"
#include "mvcc/visibility.h"

namespace firn::internal {
namespace {

size_t SizeHint(const LeafState& state) {
  return state.block()->record_bytes() + kEntryOverhead * state.block()->count();
}

}  // namespace

void Freezer::Clear() {
  buffers_.entries.clear();
  buffers_.older.clear();
  pruned_ = 0;
}

void Freezer::AddKey(std::string_view key, const PinnedSet& pins) {
  if (buffers_.versions.size() > 1 || buffers_.versions.front().kind == ValueKind::kTombstone) {
    pruned_ += PruneVersions(pins, &buffers_.versions);
    if (buffers_.versions.empty()) return;
  }
  FrozenEntry entry;
  entry.key = key;
  entry.newest = buffers_.versions.front();
  entry.older_begin = static_cast<uint32_t>(buffers_.older.size());
  entry.older_count = static_cast<uint32_t>(buffers_.versions.size() - 1);
  buffers_.older.insert(buffers_.older.end(), buffers_.versions.begin() + 1,
                        buffers_.versions.end());
  buffers_.entries.push_back(entry);
}

void Freezer::Gather(const LeafState& state, const PinnedSet& pins) {
  buffers_.fresh.clear();
  if (const FreshDelta* delta = state.delta.load(std::memory_order_acquire)) {
    for (uint32_t i = 0, count = delta->count(); i < count; ++i)
      buffers_.fresh.push_back(&delta->slot(i));
    std::sort(buffers_.fresh.begin(), buffers_.fresh.end(),
              [](const FreshSlot* a, const FreshSlot* b) { return a->key() < b->key(); });
  }
  const FrozenBlock& block = *state.block();
  buffers_.entries.reserve(buffers_.entries.size() + block.count() + buffers_.fresh.size());
  const bool simple = !block.has_tombstones() && !block.has_older();
  const auto add_block_versions = [&](uint32_t i) {
    buffers_.versions.push_back(block.newest(i));
    if (!block.has_older()) return;
    for (uint32_t j = block.FirstOlder(i); j < block.older_count() && block.older_owner(j) == i;
         ++j) {
      buffers_.versions.push_back(block.older(j));
    }
  };
  uint32_t i = 0;
  const auto add_block_keys_until = [&](uint32_t end) {
    for (; i < end; ++i) {
      if (simple) {
        buffers_.entries.push_back({block.key(i), block.newest(i)});
        continue;
      }
      buffers_.versions.clear();
      add_block_versions(i);
      AddKey(block.key(i), pins);
    }
  };
  for (const FreshSlot* slot : buffers_.fresh) {
    const KeyPosition at = block.count() == 0 ? KeyPosition{0, false} : block.Find(slot->key());
    add_block_keys_until(at.index);
    buffers_.versions.clear();
    for (const Version* version = slot->chain.Head(); version != nullptr;
         version = VersionChain::Older(version)) {
      buffers_.versions.push_back(ViewOf(*version));
    }
    if (at.exact) add_block_versions(i++);
    AddKey(slot->key(), pins);
  }
  add_block_keys_until(block.count());
}

std::vector<Freezer::Part> Freezer::Cut(std::span<const MapWrite> incoming, bool appends) const {
  const TuningOptions& tuning = map_.tuning();
  const std::vector<FrozenEntry>& entries = buffers_.entries;
  const auto entry_bytes = [this](const FrozenEntry& entry) {
    size_t bytes = StoredSize(entry.key, entry.newest);
    for (uint32_t j = 0; j < entry.older_count; ++j) {
      bytes += buffers_.older[entry.older_begin + j].stored_size() + kEntryOverhead;
    }
    return bytes;
  };
  size_t most_bytes = 0;
  for (const FrozenEntry& entry : entries) most_bytes += entry_bytes(entry);
  for (const MapWrite& write : incoming) most_bytes += StoredSize(write.key, write.value);
  if (most_bytes <= tuning.block_bytes &&
      entries.size() + incoming.size() <= tuning.block_entries) {
    return {{std::string(), 0, entries.size()}};
  }

  // Old entries and incoming writes in one order; a key in both is counted once.
  struct Item {
    std::string_view key;
    size_t bytes;
    size_t entries_before;
  };
  std::vector<Item> items;
  items.reserve(buffers_.entries.size() + incoming.size());
  size_t total = 0;
  size_t e = 0;
  size_t w = 0;
  while (e < buffers_.entries.size() || w < incoming.size()) {
    Item item{{}, 0, e};
    const bool take_write = w < incoming.size() && (e == buffers_.entries.size() ||
                                                    incoming[w].key <= buffers_.entries[e].key);
    const bool take_entry =
        e < buffers_.entries.size() && (!take_write || incoming[w].key == buffers_.entries[e].key);
    if (take_write) {
      item.key = incoming[w].key;
      item.bytes = StoredSize(item.key, incoming[w].value);
      ++w;
    }
    if (take_entry) {
      item.key = entries[e].key;
      item.bytes = std::max(item.bytes, entry_bytes(entries[e]));
      ++e;
    }
    total += item.bytes;
    items.push_back(item);
  }

  const size_t wanted =
      std::max({size_t{1}, (total + tuning.block_bytes - 1) / tuning.block_bytes,
                (items.size() + tuning.block_entries - 1) / tuning.block_entries});
  // Appending leaves full leaves behind; else the cuts are even.
  const size_t byte_target = appends ? tuning.block_bytes : total / wanted;
  const size_t count_target = appends ? tuning.block_entries : (items.size() + wanted - 1) / wanted;
  std::vector<Part> parts{{std::string(), 0, buffers_.entries.size()}};
  if (wanted == 1) return parts;
  size_t bytes = 0;
  size_t count = 0;
  for (size_t k = 0; k < items.size(); ++k) {
    // Cut where the target is nearer than after this item.
    const bool full = count >= count_target || bytes + items[k].bytes / 2 > byte_target;
    if (count > 0 && full && (appends || parts.size() < wanted || count >= tuning.block_entries)) {
      parts.back().last_entry = items[k].entries_before;
      parts.push_back({std::string(Separator(items[k - 1].key, items[k].key)),
                       items[k].entries_before, buffers_.entries.size()});
      bytes = 0;
      count = 0;
    }
    bytes += items[k].bytes;
    ++count;
  }
  return parts;
}

LeafState* Freezer::BuildState(const Fences& fences, size_t first_entry, size_t last_entry) {
  // Entries name their older versions by index into buffers_.older, so it goes along whole.
  return LeafState::Create(
      map_.allocator(), fences,
      std::span(buffers_.entries).subspan(first_entry, last_entry - first_entry), buffers_.older);
}

// Clang cannot follow latches that pass to the caller.
std::vector<Leaf*> Freezer::FreezeLatched(Leaf* leaf, const PinnedSet& pins,
                                          std::span<const MapWrite> incoming)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const LeafState& old = *leaf->state.Load();
  Clear();
  Gather(old, pins);
  const FrozenBlock& block = *old.block();
  const bool appends =
      block.count() > 0 &&
      (buffers_.fresh.empty() || buffers_.fresh.front()->key() > block.key(block.count() - 1)) &&
      (incoming.empty() || incoming.front().key > block.key(block.count() - 1));
  const std::vector<Part> parts = Cut(incoming, appends);
  const Fences fences = old.fences();
  std::vector<Leaf*> added;
  LeafState* first = nullptr;
  try {
    added.reserve(parts.size() - 1);
    std::vector<ChildRef> children;
    children.reserve(parts.size() - 1);
    first = BuildState({fences.lower, parts.size() > 1 ? parts[1].lower : fences.upper}, 0,
                       parts[0].last_entry);
    for (size_t i = 1; i < parts.size(); ++i) {
      const auto upper =
          i + 1 < parts.size() ? std::optional<std::string_view>(parts[i + 1].lower) : fences.upper;
      LeafState* state =
          BuildState({parts[i].lower, upper}, parts[i].first_entry, parts[i].last_entry);
      try {
        added.push_back(map_.NewLatchedLeaf(state));
        added.back()->patience.store(leaf->patience.load(std::memory_order_relaxed),
                                     std::memory_order_relaxed);
      } catch (...) {
        map_.DestroyState(state);
        throw;
      }
      children.push_back({parts[i].lower, added.back()});
    }
    if (!added.empty()) {
      StructureEdit edit(map_);
      edit.PlanInsertLeaves(fences.lower, children);
      // The new leaves first: a reader who meets the shorter state finds them linked.
      edit.Commit();
    }
  } catch (...) {
    for (Leaf* unlinked : added) {
      unlinked->latch.Unlock();
      map_.DestroyState(unlinked->state.Load());
      map_.FreeLeaf(unlinked);
    }
    if (first != nullptr) map_.DestroyState(first);
    throw;
  }
  map_.SwapState(leaf, first);
  // relaxed: counts of work, see MapCounters.
  map_.counters().freezes.fetch_add(1, std::memory_order_relaxed);
  map_.counters().splits.fetch_add(added.size(), std::memory_order_relaxed);
  map_.counters().pruned_versions.fetch_add(pruned_, std::memory_order_relaxed);
  return added;
}

Leaf* Freezer::MergeAround(std::string_view key, const PinnedSet& pins, Fill fill,
                           std::vector<Leaf*>* absorbed) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const TuningOptions& tuning = map_.tuning();
  const InnerNode* parent = map_.FindInnerNode(1, key);
  const uint32_t middle = parent->ChildIndex(key);
  const auto state_of = [&](uint32_t i) {
    return static_cast<Leaf*>(parent->child(i))->state.Load();
  };
  // An empty leaf joins a full one, too.
  const auto fits = [&](size_t bytes, size_t entries, bool some_empty) {
    return some_empty || fill == Fill::kFull
               ? bytes <= tuning.block_bytes && entries <= tuning.block_entries
               : bytes <= tuning.block_bytes / 2 && entries <= tuning.block_entries / 2;
  };
  size_t bytes = SizeHint(*state_of(middle));
  size_t entries = state_of(middle)->block()->count();
  const auto take = [&](uint32_t i) {
    const LeafState* state = state_of(i);
    if (state->HasFresh()) return false;
    const size_t more = SizeHint(*state);
    const size_t more_entries = state->block()->count();
    if (!fits(bytes + more, entries + more_entries, entries == 0 || more_entries == 0))
      return false;
    bytes += more;
    entries += more_entries;
    return true;
  };
  uint32_t first = middle;
  uint32_t last = middle;
  while (first > 0 && take(first - 1)) --first;
  while (last + 1 < parent->child_count() && take(last + 1)) ++last;
  if (first == last) return nullptr;

  // Latch the run in key order. Whatever moved meanwhile ends the attempt.
  std::vector<Leaf*> run;
  run.reserve(last - first + 1);
  bool intact = true;
  for (uint32_t i = first; i <= last && intact; ++i) {
    auto* leaf = static_cast<Leaf*>(parent->child(i));
    leaf->latch.Lock();
    run.push_back(leaf);
    intact = !leaf->obsolete && !leaf->state.Load()->HasFresh();
    if (intact && run.size() > 1) {
      const Fences left = run[run.size() - 2]->state.Load()->fences();
      intact = left.upper == leaf->state.Load()->fences().lower;
    }
  }
  const auto unlatch = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (Leaf* leaf : run) leaf->latch.Unlock();
  };
  if (!intact) {
    unlatch();
    return nullptr;
  }
  uint32_t siblings_left = 0;
  std::string lower;
  LeafState* joined = nullptr;
  try {
    absorbed->reserve(absorbed->size() + run.size());
    Clear();
    for (const Leaf* leaf : run) Gather(*leaf->state.Load(), pins);
    const Fences left = run.front()->state.Load()->fences();
    lower = std::string(left.lower);
    joined = BuildState({left.lower, run.back()->state.Load()->fences().upper}, 0,
                        buffers_.entries.size());
    StructureEdit edit(map_);
    const std::optional<uint32_t> planned =
        edit.PlanRemoveLeaves(left.lower, std::span(run).subspan(1));
    if (!planned) {
      map_.DestroyState(joined);
      unlatch();
      return nullptr;
    }
    siblings_left = *planned;
    AtSchedulePoint("merge:before_swap");
    // The wider state first: whoever comes by the new tree finds all keys in it.
    map_.SwapState(run.front(), joined);
    edit.Commit();
  } catch (...) {
    if (joined != nullptr) map_.DestroyState(joined);
    unlatch();
    throw;
  }
  for (Leaf* leaf : std::span(run).subspan(1)) {
    leaf->obsolete = true;  // Nobody but readers of old looks at its state from now on.
    map_.RetireState(leaf->state.Load());
    absorbed->push_back(leaf);
  }
  unlatch();
  map_.counters().merges.fetch_add(run.size() - 1, std::memory_order_relaxed);
  map_.counters().pruned_versions.fetch_add(pruned_, std::memory_order_relaxed);

  MergeInnerNodes(lower, siblings_left);
  return run.front();
}

void Freezer::MergeInnerNodes(std::string_view key, uint32_t children_left) {
  using Side = StructureEdit::Side;
  const auto merge = [&](uint32_t level, Side side) {
    StructureEdit edit(map_);
    if (!edit.PlanMergeNodes(level, key, side)) return false;
    edit.Commit();
    return true;
  };
  const size_t few = std::max<size_t>(1, map_.tuning().inner_fanout / 4);
  try {
    for (uint32_t level = 1; children_left <= few; ++level) {
      if (!merge(level, Side::kRight) && !merge(level, Side::kLeft)) return;
      const InnerNode* parent = map_.FindInnerNode(level + 1, key);
      if (parent == nullptr) return;  // The joined node became the root.
      children_left = parent->child_count();
    }
  } catch (const std::bad_alloc&) {
    // A sparse node costs a little room; the next merge below it tries again.
  }
}

Debt DebtOf(const FrozenBlock& block, const PinnedSet& pins) {
  if (!block.has_older() && !block.has_tombstones()) return Debt::kNone;
  uint32_t j = 0;
  for (uint32_t i = 0; i < block.count(); ++i) {
    if (!block.has_tombstones() && j == block.older_count()) break;
    const bool has_older = j < block.older_count() && block.older_owner(j) == i;
    if (!has_older) {
      if (block.kind(i) == ValueKind::kTombstone &&
          MayDropTombstone(block.commit_ts(i), pins, /*older_remains=*/false)) {
        return Debt::kDue;
      }
      continue;
    }
    uint64_t end = block.commit_ts(i);
    for (; j < block.older_count() && block.older_owner(j) == i; ++j) {
      const uint64_t begin = block.older(j).commit_ts;
      if (MayDrop(begin, end, pins)) return Debt::kDue;
      end = begin;
    }
  }
  return Debt::kHeld;
}

}  // namespace firn::internal
