// A LeafCursor shows what one snapshot sees of one leaf.
#ifndef FIRN_ITERATOR_LEAF_CURSOR_H_
#define FIRN_ITERATOR_LEAF_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "iterator/key_bounds.h"
#include "iterator/ready_window.h"
#include "mvcc/leaf.h"
#include "mvcc/older_versions.h"
#include "mvcc/ordered_map.h"
#include "mvcc/prefetch.h"
#include "mvcc/slot_order.h"

namespace firn::internal {

// A LeafCursor merges a leaf's fresh writes into its frozen run, both ways, and leaves out what
// the snapshot does not see. It works on a cut: a place between two neighbouring entries.
//
//   frozen run    a   b   |   d        next: two places, one in the run,
//   fresh         a'    c | d'         one among the visible fresh entries
//
// A window lies between two cuts: filling forward moves the one behind it, filling backward the
// one before it, so a turn round needs no search.
//
// Thread-safety: one thread.
// Lifetime: the state is kept by the caller, by a hazard slot or an epoch guard.
class LeafCursor {
 public:
  // Looks at `state` as of `read_ts`, within `bounds`. Throws std::bad_alloc.
  void Enter(const LeafState* state, uint64_t read_ts, const KeyBounds& bounds);
  void Leave() { state_ = nullptr; }
  // The walk goes on in `next`: each fill fetches as large a share of it as it shows of this leaf. A
  // whole leaf ahead is early enough for memory to answer, and no more is asked of it at once than
  // it can do. Nothing is read there.
  //
  // Forward from one state in line to the next most processors fetch by themselves, better than they
  // can be asked to, as long as they see no gap: so what a walk leaves out, between the header and the
  // first record, is all that is fetched there, and where their own fetches end with a page, the starts
  // of the next ones. Where these are too few, all lines are fetched, as out of line.
  void Expect(const OrderedMap::NextState& next, Direction direction);
  // The walk goes on in this leaf: each fill fetches twice as much of the run, from the cut on, as
  // it shows, so that a short range waits for memory once and not at each entry.
  void ExpectOwnForward() { ExpectOwn(back_.frozen, highest_.frozen); }
  void ExpectOwnBackward() { ExpectOwn(lowest_.frozen, front_.frozen); }

  const LeafState* state() const { return state_; }
  // How much of the leaf's delta is merged into what is shown.
  size_t fresh_count() const { return fresh_.size(); }

  // Both cuts before the first entry with key >= target (> target).
  // Fetches so many lines of the run from there on.
  void CutBefore(std::string_view target, size_t fetch_lines = FrozenBlock::kRecordLines);
  void CutAfter(std::string_view target);
  void CutAtEnd();

  // Fills the window with up to `limit` entries, its capacity at most, behind (before) the last
  // window. Returns false if there is none left in this leaf; the window is then as before.
  // With `keys_only` values stay empty. A large value comes alone, as a LargeValue in
  // `value` that nobody has counted yet, and *large is set.
  bool FillForward(ReadyWindow* window, size_t limit, bool keys_only, bool* large);
  bool FillBackward(ReadyWindow* window, size_t limit, bool keys_only, bool* large);

 private:
  // A place between entries: how many of the run and of the fresh ones are before it. Passed by
  // value, in a register: a reader of the whole in memory waits for a writer of its halves.
  struct Cut {
    uint32_t frozen;
    uint32_t fresh;
  };
  struct FreshEntry {
    const FreshSlot* slot;
    const Version* version;
    uint32_t run_at;  // The run's first key that is not less: this entry comes before it,
    bool in_run;      // or in place of it, being the same.
    // In place of it, and a plain value.
    bool covers() const { return in_run && version->kind == ValueKind::kValue; }
    std::string_view key() const { return slot->key(); }
    uint32_t run_end() const { return run_at + (in_run ? 1 : 0); }
  };

  void GatherFresh();
  // The version of frozen key i that the snapshot sees; a tombstone if none.
  VersionView VisibleFrozen(uint32_t i);
  uint32_t FirstFresh(std::string_view target) const;
  void ExpectOwn(uint32_t first, uint32_t last);
  // Of this leaf, all that stands before its records and the first line of these.
  void FetchUpToRecords();
  void FetchAhead(size_t entries, bool forward);
  // As the others, where the whole window is one stretch of a plain run, of which some are
  // covered. Return false, and have done nothing, where it is not.
  bool FillPlainForward(ReadyWindow* window, size_t limit, bool keys_only);
  bool FillPlainBackward(ReadyWindow* window, size_t limit, bool keys_only);
  // How far from `cut` on (back from `cut`) at most `most` keys of a plain run follow each other,
  // as they are or covered by a fresh value.
  Cut PlainForward(Cut cut, size_t most) const;
  Cut PlainBackward(Cut cut, size_t most) const;
  // Writes what lies between the cuts, as found by these, to the window from `at` on.
  void CopyCovered(ReadyWindow* window, size_t at, Cut begin, Cut end, bool keys_only) const;
  // What lies between the cuts becomes the window.
  void ShowPlain(ReadyWindow* window, size_t at, Cut begin, Cut end, bool keys_only);
  void CoverPlain(ReadyWindow* window, size_t at, Cut begin, Cut end, bool keys_only) const;
  void CopyPlain(ReadyWindow* window, size_t at, uint32_t first, uint32_t count,
                 bool keys_only) const;

  const LeafState* state_ = nullptr;
  const FrozenBlock* block_ = nullptr;
  uint64_t read_ts_ = 0;
  bool run_is_plain_ = false;  // Each of its entries is visible as it is, unless a fresh one is.
  SlotOrder order_;            // Of the slots with a version that the snapshot sees, and
  std::vector<const Version*> seen_;  // these versions, by the slots' numbers.
  std::vector<FreshEntry> fresh_;     // What the snapshot sees of the delta, in key order.
  RunPlace run_place_;                // Of the frozen key that was looked at last.
  Cut lowest_{};                      // The bounds within this leaf.
  Cut highest_{};
  Cut front_{};  // Before the window.
  Cut back_{};   // Behind it.
  // On a walk forward: whether this state likely lies right before the next, and the next before the
  // one after that.
  bool is_in_line_ = false;
  bool next_is_in_line_ = false;
  std::string_view ahead_;  // What is left to fetch, of this state or the one to come.
  size_t ahead_share_ = 0;  // Bytes of it for each entry that is shown.
  OwnFetches own_fetches_ = OwnFetches::kTooFew;  // Of that.
};

}  // namespace firn::internal

#endif  // FIRN_ITERATOR_LEAF_CURSOR_H_
