// The engine room of a public Iterator.
#ifndef FIRN_ITERATOR_SNAPSHOT_ITERATOR_H_
#define FIRN_ITERATOR_SNAPSHOT_ITERATOR_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "firn/iterator.h"
#include "iterator/key_bounds.h"
#include "iterator/leaf_cursor.h"
#include "iterator/ready_window.h"
#include "mvcc/leaf_path.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// A SnapshotIterator walks from leaf to leaf at one read timestamp and keeps a window of
// entries ready for the public Iterator, which steps over them inline.
//
// It pins the one leaf state it stands in by its hazard slot, found anew by fence at each hop.
// An old state is as good as a new one: it is complete for every snapshot up to its time. Only
// a large value may be gone from a retired state; stepping onto one takes a count of its own,
// in the current state if need be.
//
// Thread-safety: one thread.
// Lifetime: its slots keep the VersionedMap.
class SnapshotIterator {
 public:
  // Where the walk stands; see the table at Iterator.
  enum class Position { kUnpositioned, kAt, kBeforeFirst, kAfterLast, kFailed };

  // Reads the snapshot of `slot` and takes a handle of its own on it; without a slot, it
  // anchors at the first seek. `refreshable`: made from a Db. Null if the Db was closed.
  // Throws std::bad_alloc.
  static std::unique_ptr<SnapshotIterator> Make(VersionedMap* map, SnapshotSlot* slot,
                                                KeyBounds bounds, bool keys_only, bool refreshable);
  ~SnapshotIterator();
  SnapshotIterator(const SnapshotIterator&) = delete;
  SnapshotIterator& operator=(const SnapshotIterator&) = delete;

  // The public face of a new one. Never throws: short of memory, the face says so.
  static Iterator Open(VersionedMap* map, SnapshotSlot* slot, const IteratorOptions& options);
  // A face whose every call answers `status`.
  static Iterator Refused(absl::Status status);

  // Each returns whether the window has entries now: forward moves land on its first, backward
  // moves on its last.
  bool Seek(std::string_view target);
  bool SeekForPrev(std::string_view target);
  bool SeekToFirst();
  bool SeekToLast();
  // From the end of the window on, or from off an end.
  bool MoveForward();
  bool MoveBackward();

  absl::Status Refresh();
  // The same snapshot, bounds and position; stands at `key` if the position is At. Null if the
  // Db was closed. Throws std::bad_alloc.
  std::unique_ptr<SnapshotIterator> Clone(std::string_view key) const;

  Position position() const { return position_; }
  absl::Status status() const;
  const ReadyWindow& window() const { return window_; }
  std::optional<uint64_t> read_ts() const;

 private:
  SnapshotIterator(VersionedMap* map, HazardSlot* hazard, SnapshotSlot* slot, KeyBounds bounds,
                   bool keys_only, bool refreshable);

  // Runs one move: checks that it may, and turns a shortage of memory into a failure.
  template <class Move>
  bool Guarded(const Move& move);
  void Anchor();
  bool Fail(absl::Status status);

  // Enters the leaf that covers `key` (`state`) and calls cut(), which may look at views of the
  // leaf that is left and of the large value that is held.
  template <class Cut>
  void EnterCovering(std::string_view key, const Cut& cut);
  template <class Cut>
  void Enter(const LeafState* state, const Cut& cut);
  bool FillForwardAcrossLeaves();
  bool FillBackwardAcrossLeaves();
  // The window has one entry, whose value is a LargeValue: takes a count on it and shows it.
  void HoldLarge(size_t at);
  void DropHeldLarge();
  // The cursor has entered a leaf: its delta is to be frozen if that is long.
  void AskForFreezeIfLong();
  void BeginWalk();
  size_t NextLimit();

  VersionedMap* const map_;
  HazardSlot* const hazard_;
  SnapshotSlot* slot_ = nullptr;  // Null: not anchored.
  const bool refreshable_;        // Made from a Db.
  const bool keys_only_;
  const KeyBounds bounds_;

  Position position_ = Position::kUnpositioned;
  absl::Status failure_;
  size_t next_limit_;            // Of entries in the next window.
  bool likely_goes_on_ = false;  // Beyond the first window, after this seek.
  LargeValue* held_large_ = nullptr;
  LeafCursor cursor_;
  LeafPath path_;  // Of the cursor's leaf, or of one where it was.
  ReadyWindow window_;
};

}  // namespace firn::internal

#endif  // FIRN_ITERATOR_SNAPSHOT_ITERATOR_H_
