// The VersionedMap is the in-memory multi-version layer as a whole.
#ifndef FIRN_MVCC_VERSIONED_MAP_H_
#define FIRN_MVCC_VERSIONED_MAP_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "firn/listener.h"
#include "firn/options.h"
#include "mvcc/ordered_map.h"
#include "mvcc/pruner.h"
#include "mvcc/settler.h"
#include "mvcc/slot_pool.h"
#include "mvcc/snapshot_registry.h"
#include "mvcc/timestamp_oracle.h"

namespace firn::internal {

// A VersionedMap holds what a Db and all its handles share: the clock of commits, the live
// snapshots, the ordered map, and what keeps that tidy.
//
// Thread-safety: all methods from any thread, but for Abandon().
// Lifetime: on the heap, shared without a count: every handle holds a snapshot slot or a
//     hazard slot (see SlotPool). The Db abandons it; whoever goes last deletes it.
class VersionedMap {
 public:
  // Throws std::bad_alloc.
  VersionedMap(const TuningOptions& tuning, BackgroundMode background, Listener* listener)
      : background_(background),
        pruner_(oracle_, registry_),
        map_(tuning, pruner_),
        settler_(map_, listener) {}
  VersionedMap(const VersionedMap&) = delete;
  VersionedMap& operator=(const VersionedMap&) = delete;

  // The Db goes: nobody claims a slot any more. Deletes this if no handle is left.
  void Abandon();

  // --- Handles -------------------------------------------------------------------------
  // Throws std::bad_alloc. Requires: not abandoned.
  SnapshotSlot* PinSnapshot(std::string&& label, std::string&& owner) {
    return registry_.Pin(oracle_, std::move(label), std::move(owner));
  }
  SnapshotSlot* PinForIterator() { return registry_.PinForIterator(oracle_); }
  void ShareSnapshot(SnapshotSlot* slot) { registry_.AddHandle(slot); }
  // May delete this.
  void DropSnapshot(SnapshotSlot* slot) noexcept {
    if (!registry_.TryDropOnlyHandle(slot)) DropKnownSnapshot(slot);
  }
  // Null if the Db was closed: its slot might come after the count of Abandon(). Throws
  // std::bad_alloc. Requires: not abandoned, or a handle that stays meanwhile.
  HazardSlot* ClaimHazard();
  // May delete this.
  void ReleaseHazard(HazardSlot* slot) noexcept;

  // After Close(): reads and writes are refused.
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // Returns whether it was closed before.
  bool Close() { return closed_.exchange(true, std::memory_order_seq_cst); }

  TimestampOracle& oracle() { return oracle_; }
  const TimestampOracle& oracle() const { return oracle_; }
  SnapshotRegistry& registry() { return registry_; }
  const Pruner& pruner() const { return pruner_; }
  OrderedMap& map() { return map_; }
  const OrderedMap& map() const { return map_; }
  Settler& settler() { return settler_; }

  // What a commit that froze a leaf has left to do, once it is published: frees what is retired if
  // that is much, and has memory prepared if the map has grown.
  void TidyAfterFreeze() noexcept;
  // Under BackgroundMode::kInline, what commits and releases have left to do.
  void WorkInline() noexcept;

 private:
  ~VersionedMap() = default;

  // One that others may know of: it has a record or more handles, or a pruner has seen it.
  void DropKnownSnapshot(SnapshotSlot* slot) noexcept;

  const BackgroundMode background_;

  //   Writer: Close(). Reader: every call.
  //   Order:  seq_cst where it meets the marking of slots, see SlotPool; elsewhere acquire.
  std::atomic<bool> closed_{false};
  TimestampOracle oracle_;
  SnapshotRegistry registry_;
  Pruner pruner_;
  OrderedMap map_;
  Settler settler_;
  OrphanCount<StdAtomics> orphans_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_VERSIONED_MAP_H_
