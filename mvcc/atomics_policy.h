// The lock-free pieces are templates over an atomics policy, so that a Relacy model
// compiles the very source that ships.
#ifndef FIRN_MVCC_ATOMICS_POLICY_H_
#define FIRN_MVCC_ATOMICS_POLICY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mvcc/thread_ordinal.h"

namespace firn::internal {

// Names the atomic fields of the protocols: a model weakens one of them and must fail.
enum class Field {
  kNone,
  kLastStamped,    // TimestampOracle: newest timestamp handed out.
  kVisibleTs,      // TimestampOracle: newest timestamp readers may use.
  kPinnedTs,       // SnapshotRegistry: what a slot pins.
  kPruneHorizon,   // SnapshotRegistry: newest commit a pruner judged by.
  kSlotState,      // SlotPool: who holds a slot.
  kSegmentNext,    // SlotPool: the next segment of slots.
  kOrphanCount,    // OrphanCount: handles that outlived their Db.
  kHandleCount,    // SnapshotRegistry: handles that share a snapshot.
  kSnapshotBrief,  // SnapshotRegistry: what everybody is told about a snapshot.
  kWaiterCount,    // TimestampOracle: commits asleep until their turn to publish.
  kChainHead,      // VersionChain: newest version.
  kChainOlder,     // Version: next older version.
  kGlobalEpoch,    // EpochDomain: the current epoch.
  kThreadEpoch,    // EpochDomain: the epoch a thread's guard entered at.
  kHazard,         // HazardSlot: the state a cursor stands in.
  kLeafState,      // Leaf: its current state.
  kFreshCount,     // FreshDelta: published slots.
  kEditCount,      // EditCount: edits of inner nodes.
};

// What ships. A policy gives, for each field, an atomic type with std::atomic's interface;
// how far apart to keep what different threads write; and a number for the calling thread.
struct StdAtomics {
  template <class T, Field>
  using Atomic = std::atomic<T>;

  static constexpr size_t kCacheLineBytes = 64;
  static uint32_t ThreadOrdinal() { return internal::ThreadOrdinal(); }
  static uint32_t ThreadOrdinalLimit() { return internal::ThreadOrdinalLimit(); }
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_ATOMICS_POLICY_H_
