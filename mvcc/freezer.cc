#include "mvcc/freezer.h"

#include <algorithm>
#include <new>

#include "mvcc/check.h"
#include "mvcc/large_value_rows.h"
#include "mvcc/older_versions.h"
#include "mvcc/packing.h"
#include "mvcc/point_read.h"
#include "mvcc/prefetch.h"
#include "mvcc/schedule_point.h"
#include "mvcc/structure_edit.h"
#include "mvcc/visibility.h"

namespace firn::internal {
namespace {

// So many versions in runs make one freeze go by before they are looked at again.
constexpr size_t kVersionsPerFreeze = 8;

size_t SizeHint(const LeafState& state) {
  return state.block()->main_bytes() + kEntryOverhead * state.block()->count();
}

size_t OlderSize(const VersionView& version) { return version.stored_size() + kEntryOverhead; }

bool HasKey(const OlderRun* run, std::string_view key) {
  for (; run != nullptr; run = run->next()) {
    if (run->block().Find(key).exact) return true;
  }
  return false;
}

bool HasTombstone(std::span<const VersionView> versions) {
  return std::any_of(versions.begin(), versions.end(), [](const VersionView& version) {
    return version.kind == ValueKind::kTombstone;
  });
}

// Fetches what a freeze reads, all at once: a leaf that fills up slowly is cold.
void PrefetchToFreeze(const LeafState& state, const FreshDelta* delta, uint32_t fresh_count) {
  constexpr size_t kMostBytes = size_t{64} << 10;  // Of a larger one, the rest would push it out.
  if (delta != nullptr) delta->PrefetchSlots(fresh_count);
  LeafState::PrefetchIndex(&state);
  if (delta != nullptr) delta->PrefetchVersions(fresh_count);
  PrefetchToL2(state.memory().substr(0, kMostBytes));
}

}  // namespace

void Freezer::Clear() {
  buffers_.entries.clear();
  buffers_.older.clear();
  buffers_.older_bytes = 0;
  pruned_ = 0;
}

void Freezer::AddKey(std::string_view key, const PinnedSet& pins, const OlderRun* rest) {
  if (buffers_.versions.size() > 1 || buffers_.versions.front().kind == ValueKind::kTombstone) {
    // Asked for a tombstone alone: others go or stay whatever is below them.
    const bool older_remains =
        rest != nullptr && HasTombstone(buffers_.versions) && HasKey(rest, key);
    pruned_ += PruneVersions(pins, older_remains, &buffers_.versions);
    if (buffers_.versions.empty()) return;
  }
  FrozenEntry entry;
  entry.key = key;
  entry.newest = buffers_.versions.front();
  entry.older_begin = static_cast<uint32_t>(buffers_.older.size());
  entry.older_count = static_cast<uint32_t>(buffers_.versions.size() - 1);
  for (size_t i = 1; i < buffers_.versions.size(); ++i) {
    buffers_.older.push_back(buffers_.versions[i]);
    buffers_.older_bytes += OlderSize(buffers_.versions[i]);
  }
  buffers_.entries.push_back(entry);
}

void Freezer::AddSingleValues(const FrozenBlock& block, uint32_t first, uint32_t end) {
  const size_t at = buffers_.entries.size();
  buffers_.entries.resize(at + (end - first));
  FrozenEntry* entry = buffers_.entries.data() + at;
  block.ForEachPlain(
      first, end, [&](uint32_t i, const char* key, uint32_t key_size, uint32_t value_size) {
        entry->key = {key, key_size};
        entry->newest = {block.commit_ts(i), ValueKind::kValue, value_size, key + key_size};
        ++entry;
      });
}

void Freezer::PlaceFresh(const LeafState& state) {
  const FreshDelta* delta = state.delta.load(std::memory_order_acquire);
  const uint32_t count = delta == nullptr ? 0 : delta->count();
  PrefetchToFreeze(state, delta, count);
  buffers_.fresh.Reset(count, *state.block());
  if (delta == nullptr) return;
  delta->ForEachSlot(count, [&](const FreshSlot& slot) { buffers_.fresh.Add(slot); });
}

void Freezer::AddFreshVersions(const FreshSlot& slot) {
  for (const Version* version = slot.chain.Head(); version != nullptr;
       version = VersionChain::Older(version)) {
    buffers_.versions.push_back(ViewOf(*version));
  }
}

void Freezer::Gather(const LeafState& state, const PinnedSet& pins, const OlderRun* rest) {
  const FrozenBlock& block = *state.block();
  buffers_.entries.reserve(buffers_.entries.size() + block.count() + buffers_.fresh.count());
  OlderWalk walk(state, rest, &buffers_.places);
  const bool reads_runs = state.older_runs != rest;
  // Nothing of such a key can go, and it stands in the block as a block has it.
  const auto has_one_value = [&](uint32_t i) {
    return !reads_runs && block.OlderOf(i).is_empty() && block.kind(i) == ValueKind::kValue;
  };
  const auto add_frozen_versions = [&](uint32_t i) {
    buffers_.versions.push_back(block.newest(i));
    walk.VisitKey(i, [this](const VersionView& older) { buffers_.versions.push_back(older); });
  };
  uint32_t i = 0;
  const auto add_block_keys_until = [&](uint32_t end) {
    for (; i < end; ++i) {
      const uint32_t first = i;
      while (i < end && has_one_value(i)) ++i;
      AddSingleValues(block, first, i);
      if (i == end) return;
      buffers_.versions.clear();
      add_frozen_versions(i);
      AddKey(block.key(i), pins, rest);
    }
  };
  for (const uint16_t number : buffers_.fresh.Sort()) {
    const FreshSlot& slot = buffers_.fresh.slot(number);
    const KeyPosition at = buffers_.fresh.place(number);
    add_block_keys_until(at.index);
    buffers_.versions.clear();
    AddFreshVersions(slot);
    if (at.exact) add_frozen_versions(i++);
    AddKey(slot.key(), pins, rest);
  }
  add_block_keys_until(block.count());
}

bool Freezer::AddPatch(const FrozenBlock& block, uint32_t i, const FreshSlot* slot,
                       const PinnedSet& pins) {
  buffers_.versions.clear();
  if (slot != nullptr) AddFreshVersions(*slot);
  const VersionView before = block.newest(i);
  buffers_.versions.push_back(before);
  const FrozenBlock::OlderRange older = block.OlderOf(i);
  for (uint32_t j = older.begin; j < older.end; ++j) buffers_.versions.push_back(block.older(j));
  const bool has_values_only =
      std::all_of(buffers_.versions.begin(), buffers_.versions.end(),
                  [](const VersionView& version) { return version.kind == ValueKind::kValue; });
  if (!has_values_only || buffers_.versions.front().size != before.size) return false;
  buffers_.patched.push_back(i);
  AddKey(block.key(i), pins, nullptr);
  return buffers_.older_bytes <= MostOlderBytes(Cause::kWrites);
}

bool Freezer::MayPatch(const LeafState& old, std::span<const MapWrite> incoming) const {
  const FrozenBlock& block = *old.block();
  if (!block.has_values_only()) return false;
  size_t bytes = SizeHint(old);
  for (const MapWrite& write : incoming) bytes += StoredSize(write.key, write.value);
  if (bytes > map_.tuning().block_bytes ||
      block.count() + incoming.size() > map_.tuning().block_entries) {
    return false;
  }
  // Of a load of new keys this ends it, before they are put in order for nothing.
  for (size_t number = 0; number < buffers_.fresh.count(); ++number) {
    if (!buffers_.fresh.place(number).exact) return false;
  }
  return true;
}

bool Freezer::GatherPatch(const FrozenBlock& block, const PinnedSet& pins) {
  Clear();
  buffers_.patched.clear();
  uint32_t i = 0;
  const auto add_keys_with_older_until = [&](uint32_t end) {
    if (!block.has_older()) return true;
    for (; i < end; ++i) {
      if (!block.OlderOf(i).is_empty() && !AddPatch(block, i, nullptr, pins)) return false;
    }
    return true;
  };
  for (const uint16_t number : buffers_.fresh.Sort()) {
    const KeyPosition at = buffers_.fresh.place(number);
    if (!add_keys_with_older_until(at.index)) return false;
    if (!AddPatch(block, at.index, &buffers_.fresh.slot(number), pins)) return false;
    i = at.index + 1;
  }
  return add_keys_with_older_until(block.count());
}

LeafState* Freezer::PatchedState(const LeafState& old) {
  LeafState* state = LeafState::Create(
      map_.allocator(), old.fences(),
      {*old.block(), buffers_.patched, buffers_.entries, buffers_.older}, old.older_runs);
  if (old.older_runs != nullptr) old.older_runs->AddRef();
  return state;
}

std::vector<Freezer::Part> Freezer::Cut(std::span<const MapWrite> incoming, bool appends) const {
  const TuningOptions& tuning = map_.tuning();
  const std::vector<FrozenEntry>& entries = buffers_.entries;
  // Older versions do not count: however many there are, a leaf is a stretch of keys.
  const auto entry_bytes = [](const FrozenEntry& entry) {
    return StoredSize(entry.key, entry.newest);
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

size_t Freezer::OlderBytes(size_t first_entry, size_t last_entry) const {
  size_t bytes = 0;
  for (size_t i = first_entry; i < last_entry; ++i) {
    const FrozenEntry& entry = buffers_.entries[i];
    for (uint32_t j = 0; j < entry.older_count; ++j) {
      bytes += OlderSize(buffers_.older[entry.older_begin + j]);
    }
  }
  return bytes;
}

OlderRun* Freezer::RunsNotToRead(const LeafState& state, const PinnedSet& pins, Cause cause,
                                 uint32_t* freezes_since_look) const {
  OlderRun* const runs = state.older_runs;
  *freezes_since_look = 0;
  if (runs == nullptr || cause == Cause::kDebt) return nullptr;
  if (cause == Cause::kIdle) {
    return OlderRun::BytesFrom(runs) <= MostOlderBytes(cause) ? nullptr : runs;
  }
  const uint32_t freezes = state.freezes_since_look + 1;
  if (freezes * kVersionsPerFreeze < OlderRun::VersionsFrom(runs)) {
    *freezes_since_look = freezes;
    return runs;
  }
  return DebtOf(state, pins) == Debt::kDue ? nullptr : runs;
}

OlderRun* Freezer::RunsToLeave(OlderRun* rest, size_t most_older) const {
  size_t bytes = buffers_.older_bytes;
  if (bytes <= most_older) return rest;
  // Small ones always: a reader then finds all of a key's versions in one place.
  const auto takes_in = [&](size_t more) {
    return more <= bytes || bytes + more <= map_.tuning().block_bytes;
  };
  for (; rest != nullptr && takes_in(rest->block().record_bytes()); rest = rest->next()) {
    bytes += rest->block().record_bytes();
  }
  return rest;
}

LeafState* Freezer::BuildState(const Fences& fences, size_t first_entry, size_t last_entry,
                               OlderRun* rest, size_t most_older) {
  const std::span entries =
      std::span(buffers_.entries).subspan(first_entry, last_entry - first_entry);
  OlderRun* runs = rest;
  // Entries name their older versions by index into buffers_.older, so it goes along whole.
  if (buffers_.older_bytes > most_older && OlderBytes(first_entry, last_entry) > most_older) {
    runs = OlderRun::Create(map_.allocator(), entries, buffers_.older, rest);
    for (FrozenEntry& entry : entries) entry.older_count = 0;
  } else if (runs != nullptr) {
    runs->AddRef();
  }
  try {
    return LeafState::Create(map_.allocator(), fences, entries, buffers_.older, runs);
  } catch (...) {
    if (runs != nullptr) map_.DropOlderRuns(runs);
    throw;
  }
}

// Clang cannot follow latches that pass to the caller.
std::vector<Leaf*> Freezer::FreezeLatched(Leaf* leaf, const PinnedSet& pins,
                                          std::span<const MapWrite> incoming,
                                          Cause cause) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const LeafState& old = *leaf->state.Load();
  PlaceFresh(old);
  uint32_t freezes_since_look;
  OlderRun* rest = RunsNotToRead(old, pins, cause, &freezes_since_look);
  size_t most_older = MostOlderBytes(cause);
  if (cause == Cause::kWrites && rest == old.older_runs && !SkipShortcut(4) &&
      MayPatch(old, incoming) && GatherPatch(*old.block(), pins)) {
    if (OlderFollowOthers(old)) {
      most_older = 0;
    } else {
      LeafState* next = PatchedState(old);
      next->freezes_since_look = freezes_since_look;
      Install(leaf, next, 0);
      return {};
    }
  }
  Clear();
  Gather(old, pins, rest);
  const FrozenBlock& block = *old.block();
  const bool appends = block.count() > 0 &&
                       (buffers_.fresh.count() == 0 ||
                        buffers_.fresh.lowest().key() > block.key(block.count() - 1)) &&
                       (incoming.empty() || incoming.front().key > block.key(block.count() - 1));
  std::vector<Part> parts = Cut(incoming, appends);
  // A run belongs to one leaf.
  OlderRun* const left = parts.size() > 1 ? nullptr : RunsToLeave(rest, most_older);
  if (left != rest) {
    rest = left;
    Clear();
    Gather(old, pins, rest);
    parts = Cut(incoming, appends);
  }
  LargeValueRows rows(map_);
  if (cause != Cause::kWrites) rows.LineUp(buffers_.entries);
  const Fences fences = old.fences();
  std::vector<Leaf*> added;
  LeafState* first = nullptr;
  try {
    added.reserve(parts.size() - 1);
    std::vector<ChildRef> children;
    children.reserve(parts.size() - 1);
    first = BuildState({fences.lower, parts.size() > 1 ? parts[1].lower : fences.upper}, 0,
                       parts[0].last_entry, rest, most_older);
    first->freezes_since_look = freezes_since_look;
    for (size_t i = 1; i < parts.size(); ++i) {
      const auto upper =
          i + 1 < parts.size() ? std::optional<std::string_view>(parts[i + 1].lower) : fences.upper;
      LeafState* state = BuildState({parts[i].lower, upper}, parts[i].first_entry,
                                    parts[i].last_entry, rest, most_older);
      try {
        added.push_back(map_.NewLatchedLeaf(state));
        added.back()->patience.store(leaf->patience.load(std::memory_order_relaxed),
                                     std::memory_order_relaxed);
      } catch (...) {
        map_.DestroyState(state);
        throw;
      }
      children.push_back({parts[i].lower, added.back(), MemoryHint(state->memory())});
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
  Install(leaf, first, added.size());
  return added;
}

void Freezer::Install(Leaf* leaf, LeafState* next, size_t added) {
  map_.SwapState(leaf, next);
  // relaxed: counts of work, see MapCounters.
  map_.counters().freezes.fetch_add(1, std::memory_order_relaxed);
  map_.counters().splits.fetch_add(added, std::memory_order_relaxed);
  map_.counters().pruned_versions.fetch_add(pruned_, std::memory_order_relaxed);
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
  LargeValueRows rows(map_);
  try {
    absorbed->reserve(absorbed->size() + run.size());
    Clear();
    for (const Leaf* leaf : run) {
      PlaceFresh(*leaf->state.Load());
      Gather(*leaf->state.Load(), pins, nullptr);
    }
    rows.LineUp(buffers_.entries);
    const Fences left = run.front()->state.Load()->fences();
    lower = std::string(left.lower);
    joined = BuildState({left.lower, run.back()->state.Load()->fences().upper}, 0,
                        buffers_.entries.size(), nullptr, MostOlderBytes(Cause::kIdle));
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
    map_.NoteState(run.front(), joined);  // Anew: in a node made before the swap.
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

Debt DebtOf(const LeafState& state, const PinnedSet& pins) {
  const FrozenBlock& block = *state.block();
  if (!state.HasOlder() && !block.has_tombstones()) return Debt::kNone;
  std::vector<uint32_t> places;
  OlderWalk walk(state, nullptr, &places);
  for (uint32_t i = 0; i < block.count(); ++i) {
    uint64_t end = block.commit_ts(i);
    bool has_older = false;
    bool due = false;
    walk.VisitKey(i, [&](const VersionView& older) {
      has_older = true;
      due |= MayDrop(older.commit_ts, end, pins);
      end = older.commit_ts;
    });
    due |= !has_older && block.kind(i) == ValueKind::kTombstone &&
           MayDropTombstone(block.commit_ts(i), pins, /*older_remains=*/false);
    if (due) return Debt::kDue;
  }
  return Debt::kHeld;
}

}  // namespace firn::internal
