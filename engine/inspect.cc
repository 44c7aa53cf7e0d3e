#include "engine/inspect.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "iterator/leaf_cursor.h"
#include "mvcc/epoch.h"
#include "mvcc/older_versions.h"
#include "mvcc/point_read.h"

namespace firn::internal {
namespace {

// Calls visit(const LeafState&, std::string_view from) for every leaf in key order. A leaf that was
// merged meanwhile may begin left of where the one before it ended: its keys below `from` have been
// visited, as keys of that one.
template <class Visit>
void ForEachState(const OrderedMap& map, const Visit& visit) {
  std::string lower;
  while (true) {
    const EpochGuard guard;
    const LeafState& state = *map.FindState(lower);
    visit(state, lower);
    const Fences fences = state.fences();
    if (!fences.upper) return;
    lower.assign(*fences.upper);
  }
}

// Calls visit(key, versions) for each key of `state` that is not below `from`; versions from newest
// to oldest.
template <class Visit>
void ForEachKey(const LeafState& state, std::string_view from, const Visit& visit) {
  const FrozenBlock& block = *state.block();
  std::vector<VersionView> versions;
  const auto add_frozen = [&](uint32_t i) {
    versions.push_back(block.newest(i));
    ForEachOlder(state, i, [&versions](const VersionView& older) { versions.push_back(older); });
  };
  const FreshDelta* delta = state.delta.load(std::memory_order_acquire);
  const uint32_t fresh = delta == nullptr ? 0 : delta->count();
  for (uint32_t f = 0; f < fresh; ++f) {
    const FreshSlot& slot = delta->slot(f);
    if (slot.key() < from) continue;
    versions.clear();
    for (const Version* version = slot.chain.Head(); version != nullptr;
         version = VersionChain::Older(version)) {
      versions.push_back(ViewOf(*version));
    }
    const KeyPosition at = block.count() == 0 ? KeyPosition{0, false} : block.Find(slot.key());
    if (at.exact) add_frozen(at.index);
    visit(slot.key(), versions);
  }
  for (uint32_t i = block.count() == 0 ? 0 : block.Find(from).index; i < block.count(); ++i) {
    // A writer may have added the key to the delta meanwhile; what was visible is here anyway.
    if (fresh != 0 && delta->Find(block.key(i)) != nullptr) continue;
    versions.clear();
    add_frozen(i);
    visit(block.key(i), versions);
  }
}

bool BeginsAt(const LeafState& state, std::string_view from) {
  return state.fences().lower == from;
}

void AddVisible(const LeafState& state, std::string_view from, uint64_t read_ts, LeafCursor* cursor,
                ReadyWindow* window, DbStats* stats) {
  const FrozenBlock& block = *state.block();
  if (BeginsAt(state, from) && !state.HasFresh() && block.PlainAt(read_ts) && !block.has_large()) {
    stats->key_count += block.count();
    stats->logical_bytes += block.main_bytes();
    return;
  }
  cursor->Enter(&state, read_ts, KeyBounds());
  cursor->CutBefore(from);
  bool large;
  while (cursor->FillForward(window, ReadyWindow::kCapacity, /*keys_only=*/false, &large)) {
    for (size_t i = window->begin; i < window->end; ++i) {
      const ReadyEntry& entry = window->entries[i];
      ++stats->key_count;
      stats->logical_bytes += entry.key_size;
      stats->logical_bytes += large
                                  ? reinterpret_cast<const LargeValue*>(entry.value)->view().size()
                                  : entry.value_size;
    }
  }
  cursor->Leave();
}

uint64_t CountVersions(const LeafState& state, std::string_view from) {
  if (!BeginsAt(state, from)) {
    uint64_t versions = 0;
    ForEachKey(state, from, [&](std::string_view, const auto& all) { versions += all.size(); });
    return versions;
  }
  uint64_t versions = state.block()->count() + state.block()->older_count();
  versions += OlderRun::VersionsFrom(state.older_runs);
  const FreshDelta* delta = state.delta.load(std::memory_order_acquire);
  for (uint32_t i = 0, count = delta == nullptr ? 0 : delta->count(); i < count; ++i) {
    for (const Version* version = delta->slot(i).chain.Head(); version != nullptr;
         version = VersionChain::Older(version)) {
      ++versions;
    }
  }
  return versions;
}

uint64_t CountInnerNodes(const InnerNode& node) {
  uint64_t nodes = 1;
  for (uint32_t i = 0; node.level() > 1 && i < node.child_count(); ++i) {
    nodes += CountInnerNodes(*static_cast<const InnerNode*>(node.child(i)));
  }
  return nodes;
}

// A handle that pins one moment for as long as it lives.
class Moment {
 public:
  Moment(VersionedMap& versioned, std::string label)
      : versioned_(versioned), slot_(versioned.PinSnapshot(std::move(label), "")) {}
  ~Moment() { versioned_.DropSnapshot(slot_); }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;
  uint64_t ts() const { return slot_->ts; }

 private:
  VersionedMap& versioned_;
  SnapshotSlot* const slot_;
};

}  // namespace

DbStats GatherStats(VersionedMap& versioned) {
  const OrderedMap& map = versioned.map();
  DbStats stats;
  {
    const Moment moment(versioned, "stats");
    stats.as_of = CommitTs{moment.ts()};
    LeafCursor cursor;
    ReadyWindow window;
    ForEachState(map, [&](const LeafState& state, std::string_view from) {
      AddVisible(state, from, moment.ts(), &cursor, &window, &stats);
      stats.version_count += CountVersions(state, from);
      ++stats.leaf_count;
      stats.fresh_leaf_count += state.HasFresh() ? 1 : 0;
      stats.owing_leaf_count += state.HasOlder() || state.block()->has_tombstones() ? 1 : 0;
    });
  }
  {
    const EpochGuard guard;
    stats.inner_node_count = CountInnerNodes(*map.root());
  }
  stats.large_value_bytes = map.large_values().allocated_bytes();
  stats.memory_bytes = map.allocator().allocated_bytes() + stats.large_value_bytes;
  stats.reserved_bytes = map.allocator().reserved_bytes() + map.large_values().reserved_bytes();
  stats.retired_bytes = map.retired_bytes();
  stats.live_snapshot_count = versioned.registry().live_count();
  stats.commit_count = versioned.oracle().published_count();
  const MapCounters& counters = map.counters();
  stats.freeze_count = counters.freezes.load(std::memory_order_relaxed);
  stats.split_count = counters.splits.load(std::memory_order_relaxed);
  stats.merge_count = counters.merges.load(std::memory_order_relaxed);
  stats.pruned_version_count = counters.pruned_versions.load(std::memory_order_relaxed);
  return stats;
}

std::vector<SnapshotInfo> PriceSnapshots(VersionedMap& versioned) {
  // What a version takes in a block beside its bytes: offset, commit time, owner.
  constexpr uint64_t kVersionOverhead = 14;
  bool closed_any = false;
  const std::vector<LiveSnapshot> live = versioned.registry().List(&closed_any);
  if (closed_any) versioned.settler().NoteRelease();

  // Snapshots at one timestamp share what they see: closing one of them frees nothing.
  struct Price {
    size_t holders = 0;
    uint64_t bytes = 0;
    uint64_t versions = 0;
  };
  std::map<uint64_t, Price> prices;
  for (const LiveSnapshot& snapshot : live) ++prices[snapshot.ts].holders;

  ForEachState(versioned.map(), [&](const LeafState& state, std::string_view from) {
    if (!state.HasFresh() && !state.HasOlder()) return;
    ForEachKey(state, from, [&](std::string_view key, const std::vector<VersionView>& versions) {
      // The only timestamp that still sees each version, where there is just one.
      std::optional<uint64_t> sole_reader_of_all;
      bool one_reader_of_all = true;
      for (size_t k = 1; k < versions.size(); ++k) {
        auto first = prices.lower_bound(versions[k].commit_ts);
        const uint64_t end = versions[k - 1].commit_ts;
        if (first == prices.end() || first->first >= end) continue;  // Nobody's: due anyway.
        const auto second = std::next(first);
        const bool sole = second == prices.end() || second->first >= end;
        one_reader_of_all &= sole && sole_reader_of_all.value_or(first->first) == first->first;
        sole_reader_of_all = first->first;
        if (!sole) continue;
        const VersionView& version = versions[k];
        first->second.bytes +=
            kVersionOverhead +
            (version.kind == ValueKind::kLarge ? version.large()->allocated_bytes() : version.size);
        ++first->second.versions;
      }
      // A tombstone stays only for what it hides.
      if (versions.front().kind == ValueKind::kTombstone && sole_reader_of_all &&
          one_reader_of_all) {
        Price& price = prices[*sole_reader_of_all];
        price.bytes += key.size() + kVersionOverhead;
        ++price.versions;
      }
    });
  });

  std::vector<SnapshotInfo> infos;
  infos.reserve(live.size());
  for (const LiveSnapshot& snapshot : live) {
    SnapshotInfo info;
    info.ts = CommitTs{snapshot.ts};
    info.label = snapshot.label;
    info.owner = snapshot.owner;
    info.age = absl::Nanoseconds(static_cast<int64_t>(snapshot.age_nanos));
    const Price& price = prices[snapshot.ts];
    if (price.holders == 1) {
      info.price_bytes = price.bytes;
      info.price_versions = price.versions;
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

namespace {

// Walks the leaves of [lower, upper) by the inner nodes alone, in an epoch guard of the caller.
template <class Visit>
void ForEachLeafBetween(const InnerNode& node, std::string_view lower,
                        std::optional<std::string_view> upper, const Visit& visit) {
  const uint32_t first = node.ChildIndex(lower);
  const uint32_t last = upper ? node.ChildIndexBefore(*upper) : node.child_count() - 1;
  for (uint32_t i = first; i <= last; ++i) {
    if (node.level() == 1) {
      visit(*static_cast<const Leaf*>(node.child(i)));
    } else {
      ForEachLeafBetween(*static_cast<const InnerNode*>(node.child(i)), lower, upper, visit);
    }
  }
}

RangeEstimate EstimateLeaf(const LeafState& state, std::string_view lower,
                           std::optional<std::string_view> upper) {
  RangeEstimate estimate;
  const FrozenBlock& block = *state.block();
  if (block.count() != 0) {
    const uint32_t first = block.Find(lower).index;
    const uint32_t last = upper ? std::max(first, block.Find(*upper).index) : block.count();
    estimate.entries = last - first;
    estimate.bytes = block.main_bytes() * (last - first) / block.count();
  }
  const FreshDelta* delta = state.delta.load(std::memory_order_acquire);
  for (uint32_t i = 0, count = delta == nullptr ? 0 : delta->count(); i < count; ++i) {
    const FreshSlot& slot = delta->slot(i);
    if (slot.key() < lower || (upper && slot.key() >= *upper)) continue;
    if (block.count() != 0 && block.Find(slot.key()).exact) continue;
    const Version* newest = slot.chain.Head();
    if (newest->kind == ValueKind::kTombstone) continue;
    ++estimate.entries;
    estimate.bytes += slot.key_size + newest->value_size;
  }
  return estimate;
}

}  // namespace

RangeEstimate Estimate(const VersionedMap& versioned, const KeyRange& range) {
  constexpr uint64_t kSample = 64;
  const std::string_view lower = range.lower.value_or("");
  if (range.upper && *range.upper <= lower) return {};
  const EpochGuard guard;
  const InnerNode& root = *versioned.map().root();
  uint64_t leaves = 0;
  ForEachLeafBetween(root, lower, range.upper, [&](const Leaf&) { ++leaves; });

  const uint64_t stride = std::max<uint64_t>(1, leaves / kSample);
  RangeEstimate ends;
  RangeEstimate inside;
  uint64_t inside_leaves = 0;
  uint64_t at = 0;
  ForEachLeafBetween(root, lower, range.upper, [&](const Leaf& leaf) {
    const bool is_end = at == 0 || at + 1 >= leaves;
    if (is_end || at % stride == 0) {
      const RangeEstimate estimate = EstimateLeaf(*leaf.state.Load(), lower, range.upper);
      RangeEstimate& sum = is_end ? ends : inside;
      sum.entries += estimate.entries;
      sum.bytes += estimate.bytes;
      inside_leaves += is_end ? 0 : 1;
    }
    ++at;
  });
  if (inside_leaves != 0) {
    ends.entries += inside.entries * (leaves - 2) / inside_leaves;
    ends.bytes += inside.bytes * (leaves - 2) / inside_leaves;
  }
  return ends;
}

namespace {

absl::Status Broken(std::string_view what, std::string_view key) {
  std::string escaped;
  for (const char c : key.substr(0, 32)) {
    constexpr char kHex[] = "0123456789abcdef";
    escaped += kHex[static_cast<unsigned char>(c) >> 4];
    escaped += kHex[static_cast<unsigned char>(c) & 15];
  }
  return absl::InternalError("the map is broken: " + std::string(what) + "; key or fence (hex) " +
                             escaped + "; please report this");
}

absl::Status VerifyOlder(const LeafState& state) {
  const FrozenBlock& block = *state.block();
  size_t in_order = 0;
  for (uint32_t i = 0; i < block.count(); ++i) {
    uint64_t newer = block.commit_ts(i);
    bool ordered = true;
    ForEachOlder(state, i, [&](const VersionView& older) {
      ordered &= older.commit_ts < newer;
      newer = older.commit_ts;
      ++in_order;
    });
    if (!ordered) return Broken("older versions are out of order", block.key(i));
  }
  const size_t all = block.older_count() + OlderRun::VersionsFrom(state.older_runs);
  if (in_order != all) return Broken("an older version without a key", state.fences().lower);
  return absl::OkStatus();
}

absl::Status VerifyState(const LeafState& state) {
  const Fences fences = state.fences();
  if (fences.upper && *fences.upper <= fences.lower) {
    return Broken("a leaf's fences are crossed", fences.lower);
  }
  const FrozenBlock& block = *state.block();
  for (uint32_t i = 0; i < block.count(); ++i) {
    const std::string_view key = block.key(i);
    if (i > 0 && block.key(i - 1) >= key) return Broken("a block's keys are out of order", key);
    if (!state.Covers(key)) return Broken("a key outside its leaf's fences", key);
    const KeyPosition found = block.Find(key);
    if (!found.exact || found.index != i) return Broken("a search misses a key", key);
    if (block.newest(i).commit_ts > block.max_commit_ts()) {
      return Broken("a version newer than its block", key);
    }
    const bool owes_nothing = !block.has_tombstones() && block.kind(i) == ValueKind::kTombstone;
    if (owes_nothing) return Broken("a tombstone that its block does not know of", key);
  }
  if (absl::Status status = VerifyOlder(state); !status.ok()) return status;
  const FreshDelta* delta = state.delta.load(std::memory_order_acquire);
  for (uint32_t i = 0, count = delta == nullptr ? 0 : delta->count(); i < count; ++i) {
    const FreshSlot& slot = delta->slot(i);
    if (!state.Covers(slot.key())) return Broken("a fresh key outside its leaf", slot.key());
    if (delta->Find(slot.key()) != &slot) return Broken("a fresh key stands twice", slot.key());
    const Version* version = slot.chain.Head();
    for (const Version* older = VersionChain::Older(version); older != nullptr;
         version = older, older = VersionChain::Older(older)) {
      if (older->commit_ts >= version->commit_ts) {
        return Broken("a version chain is out of order", slot.key());
      }
    }
    const KeyPosition at = block.count() == 0 ? KeyPosition{0, false} : block.Find(slot.key());
    if (at.exact && block.newest(at.index).commit_ts >= version->commit_ts) {
      return Broken("a fresh version older than the frozen one", slot.key());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyStructure(const VersionedMap& versioned) {
  std::string lower;
  while (true) {
    const EpochGuard guard;
    const LeafState& state = *versioned.map().FindState(lower);
    // A merge beside this walk may have moved the leaf's beginning to the left.
    if (state.fences().lower > lower) return Broken("no leaf covers a key", lower);
    if (absl::Status status = VerifyState(state); !status.ok()) return status;
    if (!state.fences().upper) return absl::OkStatus();
    lower.assign(*state.fences().upper);
    const LeafState& before = *versioned.map().FindStateBefore(lower);
    if (before.fences().lower >= lower) return Broken("no leaf ends at a fence", lower);
  }
}

}  // namespace firn::internal
