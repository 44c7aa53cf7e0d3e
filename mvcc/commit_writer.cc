#include "mvcc/commit_writer.h"

#include <algorithm>

#include "mvcc/check.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {
namespace {

// How many versions a chain gains before it is pruned again.
constexpr uint16_t kChainGrowth = 4;

// Of a thread's buffers.
constexpr size_t kMostKeptEntries = 4096;

// What a write takes of a delta's arena, at most.
size_t ArenaBytes(const MapWrite& write) {
  return write.key.size() + sizeof(Version) + write.value.stored_size() + sizeof(FreshSlot) + 40;
}

size_t ArenaBytes(std::span<const MapWrite> writes) {
  size_t bytes = 0;
  for (const MapWrite& write : writes) bytes += ArenaBytes(write);
  return bytes;
}

}  // namespace

void CommitWriter::LatchKey(std::string_view key) {
  if (!leaves_.empty() && leaves_.back()->BelowUpper(key)) return;
  leaves_.reserve(leaves_.size() + 1);
  leaves_.push_back(map_.LatchLeaf(key));
}

void CommitWriter::LatchRange(std::string_view lower, std::optional<std::string_view> upper) {
  LatchKey(lower);
  while (true) {
    const Fences fences = leaves_.back()->state.Load()->fences();
    if (!fences.upper || (upper && *fences.upper >= *upper)) return;
    LatchKey(*fences.upper);
  }
}

// Clang cannot follow latches kept in a list.
void CommitWriter::Unlatch() noexcept ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (Leaf* leaf : leaves_) leaf->latch.Unlock();
  leaves_.clear();
}

Leaf* CommitWriter::LeafOf(std::string_view key) const {
  // The first latched leaf that does not end at or below the key.
  return *std::partition_point(leaves_.begin(), leaves_.end(),
                               [key](const Leaf* leaf) { return !leaf->BelowUpper(key); });
}

VersionView CommitWriter::Newest(std::string_view key) const {
  return NewestStamped(*LeafOf(key)->state.Load(), key);
}

void CommitWriter::AppendLiveKeys(std::string_view lower, std::optional<std::string_view> upper,
                                  std::vector<std::string_view>* keys) const {
  const auto within = [&](std::string_view key) {
    return key >= lower && (!upper || key < *upper);
  };
  for (const Leaf* leaf : leaves_) {
    const size_t first = keys->size();
    const LeafState& state = *leaf->state.Load();
    const FreshDelta* delta = state.delta.load(std::memory_order_acquire);
    for (uint32_t i = 0, count = delta == nullptr ? 0 : delta->count(); i < count; ++i) {
      const FreshSlot& slot = delta->slot(i);
      if (within(slot.key()) && slot.chain.Head()->kind != ValueKind::kTombstone) {
        keys->push_back(slot.key());
      }
    }
    const FrozenBlock& block = *state.block();
    for (uint32_t i = block.count() == 0 ? 0 : block.Find(lower).index; i < block.count(); ++i) {
      const std::string_view key = block.key(i);
      if (!within(key)) break;
      const bool superseded = delta != nullptr && delta->Find(key) != nullptr;
      if (!superseded && block.kind(i) != ValueKind::kTombstone) keys->push_back(key);
    }
    std::sort(keys->begin() + static_cast<std::ptrdiff_t>(first), keys->end());
  }
}

void CommitWriter::Prepare(std::span<const MapWrite> writes) {
  prepared_.reserve(writes.size());
  for (size_t at = 0; at < leaves_.size() && !writes.empty(); ++at) {
    const Leaf& leaf = *leaves_[at];
    const auto end = std::partition_point(writes.begin(), writes.end(), [&](const MapWrite& write) {
      return leaf.BelowUpper(write.key);
    });
    const auto count = static_cast<size_t>(end - writes.begin());
    const size_t leaves_before = leaves_.size();
    if (count > 0) PrepareLeaf(at, writes.first(count));
    at += leaves_.size() - leaves_before;  // A split's new leaves are prepared with it.
    writes = writes.subspan(count);
  }
  FIRN_CHECK(writes.empty());
}

void CommitWriter::PrepareLeaf(size_t at, std::span<const MapWrite> writes) {
  Leaf* leaf = leaves_[at];
  if (FreshDelta* delta = DeltaWithRoom(leaf, writes)) {
    PrepareInto(leaf, delta, writes);
    return;
  }
  PinnedSet pins;
  map_.pruner().Collect(&pins);
  leaves_.reserve(leaves_.size() + 1);
  thread_local FreezeBuffers buffers;
  Freezer freezer(map_, buffers);
  const uint32_t keys_before = leaf->state.Load()->block()->count();
  std::vector<Leaf*> added = freezer.FreezeLatched(leaf, pins, writes, Freezer::Cause::kWrites);
  froze_ = true;
  const FrozenBlock& block = *leaf->state.Load()->block();
  if (block.count() < keys_before && block.main_bytes() <= map_.tuning().block_bytes / 4 &&
      added.empty()) {
    settler_.NoteShrunk(leaf);
  }
  // Now, whatever fails below: they may owe versions, and have no write of their own.
  settler_.NoteWrite(leaf);
  for (Leaf* each : added) settler_.NoteWrite(each);
  // What a huge batch took is not kept.
  if (buffers.entries.capacity() > kMostKeptEntries) buffers = FreezeBuffers();
  try {
    leaves_.insert(leaves_.begin() + static_cast<std::ptrdiff_t>(at) + 1, added.begin(),
                   added.end());
  } catch (...) {
    for (Leaf* unlisted : added) unlisted->latch.Unlock();
    throw;
  }
  for (size_t i = at; i <= at + added.size(); ++i) {
    const Leaf& each = *leaves_[i];
    const auto end = std::partition_point(writes.begin(), writes.end(), [&](const MapWrite& write) {
      return each.BelowUpper(write.key);
    });
    const auto part = writes.first(static_cast<size_t>(end - writes.begin()));
    if (!part.empty()) PrepareInto(leaves_[i], DeltaFor(leaves_[i], part.size()), part);
    writes = writes.subspan(part.size());
  }
}

// Clang cannot follow latches kept in a list.
FreshDelta* CommitWriter::DeltaWithRoom(Leaf* leaf, std::span<const MapWrite> writes)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const TuningOptions& tuning = map_.tuning();
  FreshDelta* delta = leaf->delta.load(std::memory_order_relaxed);
  if (delta == nullptr) {
    if (writes.size() > tuning.delta_slots) return nullptr;
    // Room for the writes and as much block beside them, or the leaf is cut first.
    if (ArenaBytes(writes) > tuning.block_bytes / 2 && writes.size() > 1) return nullptr;
    return DeltaFor(leaf, writes.size());
  }
  size_t slots = writes.size();
  if (slots == 1 && delta->Find(writes.front().key) != nullptr) slots = 0;
  // Asked once: where memory is short, the next write takes the room that there is.
  const bool freeze =
      delta->TakeFreezeRequest() || SkipShortcut(16);  // Invariant builds: at times.
  return !freeze && delta->HasRoom(slots, ArenaBytes(writes), tuning.block_bytes / 2) ? delta
                                                                                      : nullptr;
}

FreshDelta* CommitWriter::DeltaFor(Leaf* leaf, size_t slots) {
  FreshDelta* delta = leaf->delta.load(std::memory_order_relaxed);
  if (delta == nullptr) {
    const size_t capacity = std::max(slots, map_.tuning().delta_slots);
    delta = FreshDelta::Create(map_.allocator(), static_cast<uint32_t>(capacity));
    // release: pairs with the acquire load of readers, who then see an empty table.
    leaf->state.Load()->delta.store(delta, std::memory_order_release);
    leaf->delta.store(delta, std::memory_order_relaxed);
  }
  return delta;
}

void CommitWriter::PrepareInto(Leaf* leaf, FreshDelta* delta, std::span<const MapWrite> writes) {
  uint32_t appends = 0;
  for (const MapWrite& write : writes) {
    Prepared prepared{leaf, delta, delta->FindForWrite(write.key), {}, nullptr};
    if (prepared.slot == nullptr) {
      prepared.key = delta->CopyKey(map_.allocator(), write.key);
      ++appends;
    } else if (prepared.slot->chain_length >= prepared.slot->prune_at) {
      ShortenChain(delta, prepared.slot);
    }
    prepared.version = delta->NewVersion(map_.allocator(), write.value);
    prepared.version->commit_ts = write.value.commit_ts;
    prepared_.push_back(prepared);
  }
  delta->ReserveSlots(map_.allocator(), appends);
}

void CommitWriter::ShortenChain(FreshDelta* delta, FreshSlot* slot) {
  PinnedSet pins;
  map_.pruner().Collect(&pins);
  const size_t left = slot->chain.Prune(pins, [&](const Version* version) {
    if (version->kind != ValueKind::kLarge) return;
    delta->DropLarge(version, [this](LargeValue* large) { map_.DropLarge(large); });
  });
  // relaxed: a count of work, see MapCounters.
  map_.counters().pruned_versions.fetch_add(slot->chain_length - left, std::memory_order_relaxed);
  slot->chain_length = static_cast<uint16_t>(left);
  slot->prune_at = static_cast<uint16_t>(left + kChainGrowth);
}

void CommitWriter::Apply(uint64_t commit_ts) noexcept {
  for (const Prepared& prepared : prepared_) {
    prepared.version->commit_ts = commit_ts;
    Link(prepared);
  }
  Unlatch();
}

void CommitWriter::ApplyStamped() noexcept {
  for (const Prepared& prepared : prepared_) Link(prepared);
  Unlatch();
}

void CommitWriter::Link(const Prepared& prepared) noexcept {
  AtSchedulePoint("commit:before_link");
  if (prepared.slot != nullptr) {
    prepared.slot->chain.Push(prepared.version);
    ++prepared.slot->chain_length;
  } else {
    prepared.delta->AppendSlot(prepared.key, prepared.version);
  }
  prepared.leaf->NoteAppend(*prepared.delta);
  settler_.NoteWrite(prepared.leaf);
}

}  // namespace firn::internal
