// The Freezer packs leaves: delta into block, one leaf into several, several into one.
#ifndef FIRN_MVCC_FREEZER_H_
#define FIRN_MVCC_FREEZER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mvcc/ordered_map.h"
#include "mvcc/slot_order.h"

namespace firn::internal {

// One write of a commit, as the map takes it. Views belong to the caller.
struct MapWrite {
  std::string_view key;
  VersionView value;  // commit_ts counts for CommitWriter::ApplyStamped() alone.
};

// What a freeze works with, kept by whoever freezes often so that it is not allocated each time.
struct FreezeBuffers {
  // What was gathered; views into the states.
  std::vector<FrozenEntry> entries;
  std::vector<VersionView> older;
  size_t older_bytes = 0;  // What the older ones would take in a block.
  // Scratch.
  SlotOrder fresh;
  std::vector<VersionView> versions;
  std::vector<uint32_t> places;
  std::vector<uint32_t> patched;  // Which keys of the block.
};

// A Freezer rebuilds leaves. It merges a leaf's delta into its block, prunes by the one rule,
// cuts what is too big and joins what is too small. Every method either does all of its work
// or throws std::bad_alloc and leaves the map as it was.
//
// Older versions that snapshots need stand behind the block's main run, where readers have them at
// hand and each freeze copies them. Once they are too large they move out into a run of their own,
// so a leaf's keys stay together however many snapshots there are: larger than a full main run, or
// an eighth of it while the leaf is written to; the rest follows once no more of them come. When the
// leaf is left alone, what fits comes home. A new run takes in those runs below it that are no
// larger, or fit into a block with it: so there are few, and a version is copied a few times in all
// (as in O'Neil et al., "The Log-Structured Merge-Tree", 1996).
//
// Thread-safety: one thread, inside an EpochGuard.
class Freezer {
 public:
  Freezer(OrderedMap& map, FreezeBuffers& buffers) : map_(map), buffers_(buffers) {}

  // What a freeze is for. It says what becomes of the leaf's runs of older versions.
  enum class Cause {
    kWrites,  // Room for more. The runs are pruned now and then, so that it costs a freeze little.
    kIdle,    // The leaf is left alone, without debt: runs that fit into the block go there.
    kDebt,    // The leaf is left alone, its DebtOf() is kDue: all runs are pruned.
  };

  // Freezes `leaf`, which the caller has latched, and cuts it into as many leaves as its
  // content and the `incoming` writes (in key order, all covered by the leaf) need. Returns
  // the leaves that came behind it, latched by the caller now, in key order.
  std::vector<Leaf*> FreezeLatched(Leaf* leaf, const PinnedSet& pins,
                                   std::span<const MapWrite> incoming, Cause cause);

  // Joins the leaf that covers `key` with small neighbours under its parent. `absorbed` gets
  // the leaves that went, obsolete and unlinked, for the caller to retire. Returns the leaf
  // that took them in, or null if there was nothing to join.
  //
  // kHalfFull joins what fits into half a leaf, so that growing leaves are not cut again at
  // once; kFull what fits into one: for leaves that have just shrunk.
  enum class Fill { kHalfFull, kFull };
  Leaf* MergeAround(std::string_view key, const PinnedSet& pins, Fill fill,
                    std::vector<Leaf*>* absorbed);

  // Versions that the last freeze or merge dropped.
  size_t pruned() const { return pruned_; }

 private:
  // A stretch of a leaf to be built: entries [first, last) behind `lower`.
  struct Part {
    std::string lower;  // Of the first part: unused, the leaf's own fence stays.
    size_t first_entry;
    size_t last_entry;
  };

  void Clear();
  // The first of the runs of `state` that a freeze may leave as they are.
  OlderRun* RunsNotToRead(const LeafState& state, const PinnedSet& pins, Cause cause,
                          uint32_t* freezes_since_look) const;
  // How many bytes of older versions may stand in a block.
  size_t MostOlderBytes(Cause cause) const {
    const size_t block_bytes = map_.tuning().block_bytes;
    return cause == Cause::kWrites ? block_bytes / 8 : block_bytes;
  }
  // Joins inner nodes upwards from `level` as long as they are nearly empty.
  void MergeInnerNodes(std::string_view key, uint32_t children_left);
  // A patch is a freeze that copies the block and writes some of its places anew, above the same
  // runs: where all that is new in the delta are values of the block's keys, as large as those before
  // them. False if that is not so, or not all of `incoming` would fit in beside them.
  bool MayPatch(const LeafState& old, std::span<const MapWrite> incoming) const;
  // Gathers the keys that are new in the delta or have older versions, and nothing else. Returns
  // false if one of them does not fit in the old one's place, or older versions have to leave.
  bool GatherPatch(const FrozenBlock& block, const PinnedSet& pins);
  // Of what GatherPatch() found: whether the older versions in the block are a rest of what has left
  // it for a run, to which no more come. Each freeze would copy them.
  bool OlderFollowOthers(const LeafState& old) const {
    return old.older_runs != nullptr && old.block()->has_older() &&
           buffers_.older.size() <= old.block()->older_count();
  }
  // The state after `old`, of what GatherPatch() found.
  LeafState* PatchedState(const LeafState& old);
  // Key i of the block, with what is new of it in `slot`, which may be null. Returns false as above.
  bool AddPatch(const FrozenBlock& block, uint32_t i, const FreshSlot* slot, const PinnedSet& pins);
  // Puts `next` in the place of the leaf's state, beside which came so many leaves.
  void Install(Leaf* leaf, LeafState* next, size_t added);
  // All of a slot's versions, to those of the key at hand.
  void AddFreshVersions(const FreshSlot& slot);
  // Puts the delta of `state` into buffers_.fresh.
  void PlaceFresh(const LeafState& state);
  // Appends the pruned content of `state`, whose delta has been placed, to the buffers' entries, but
  // for the runs from `rest` on.
  void Gather(const LeafState& state, const PinnedSet& pins, const OlderRun* rest);
  // Keys [first, end) of a block, each of which has one plain value.
  void AddSingleValues(const FrozenBlock& block, uint32_t first, uint32_t end);
  void AddKey(std::string_view key, const PinnedSet& pins, const OlderRun* rest);
  // How many bytes of older versions entries [first, last) have.
  size_t OlderBytes(size_t first, size_t last) const;
  // Which of the runs from `rest` on to leave as they are, if `most_older` bytes may stand in the
  // block.
  OlderRun* RunsToLeave(OlderRun* rest, size_t most_older) const;
  // Where to cut the entries and `incoming` together.
  std::vector<Part> Cut(std::span<const MapWrite> incoming, bool appends) const;
  // A state of entries [first, last), above the runs from `rest` on. Each entry once only.
  LeafState* BuildState(const Fences& fences, size_t first_entry, size_t last_entry, OlderRun* rest,
                        size_t most_older);

  OrderedMap& map_;

  FreezeBuffers& buffers_;
  size_t pruned_ = 0;
};

// Whether a freeze of `state` now would drop versions, or could later.
enum class Debt {
  kNone,  // It holds one value of each key.
  kHeld,  // Older versions or tombstones, all of them seen by live snapshots or still new.
  kDue,   // Some of them nobody sees any more.
};
Debt DebtOf(const LeafState& state, const PinnedSet& pins);

}  // namespace firn::internal

#endif  // FIRN_MVCC_FREEZER_H_
