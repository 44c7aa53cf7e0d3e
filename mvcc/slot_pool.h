// A growing array of slots that any thread claims and releases without a lock.
#ifndef FIRN_MVCC_SLOT_POOL_H_
#define FIRN_MVCC_SLOT_POOL_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "mvcc/atomics_policy.h"
#include "mvcc/check.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {

// What every type of slot derives from.
class PooledSlot {
 private:
  template <class Policy, class SlotType, Field kStateField, size_t kSegmentSlots>
  friend class SlotPool;

  void* segment_ = nullptr;  // Immutable after construction.
};

// Where a thread last claimed a slot of a pool, so that it finds the same one again with one
// compare-exchange on a cache line of its own.
struct SlotHint {
  uint64_t pool_id = 0;
  PooledSlot* slot = nullptr;
};

// One entry for each of the pools a thread used last. Keyed by an id that is never given twice,
// so an entry of a pool that is gone is never followed. initial-exec: one load, no call.
inline thread_local constinit SlotHint slot_hints[4]
    __attribute__((tls_model("initial-exec"))) = {};

// Ids of pools. Any thread; relaxed: the addition alone makes them unique.
inline std::atomic<uint64_t> next_slot_pool_id{1};

// A SlotPool hands out slots: small records that a handle owns for its life and that somebody
// else scans, such as the pins of snapshots and the hazard pointers of cursors.
//
// Each slot has a state word. The words of a segment stand together, apart from the slots, so
// that a scan of the words alone is short.
//
//   state               meaning
//   0                   free
//   v, 1 <= v < kBlank  claimed; what v says is the claimer's business
//   v + kNoted          the same, and NoteClaimed() has shown v to somebody
//   kBlank              claimed, and says nothing more
//   kOrphaned           claimed when OrphanClaimed() passed; its releaser will be told
//
// Segments form a list that only grows until the pool is destroyed. Threads keep out of each
// other's cache lines: a thread claims where it claimed last, else in its home line (by thread
// ordinal), else in a line that is nobody's home.
//
// Lifetime, and why there are orphan marks. A Db's core holds the pools. The Db object and every
// handle share the core, but a shared count would be one cache line that all opens and closes
// fight for. Instead each handle holds a claimed slot, and ~Db, after which nobody claims any
// more, counts them once: OrphanClaimed() marks each slot that is still claimed. Marking and
// releasing are both read-modify-writes of one state word, so each slot is either
//   marked, then released: Release() returns true, and the releaser, who is one of the counted,
//       gives up its share of the core (OrphanCount below), or
//   released, then found free: not counted, and its releaser looked at neither the core nor this
//       pool after its read-modify-write.
// So the core is deleted exactly once, by the last of the counted or, if there are none, by ~Db,
// and nobody looks at it afterwards. Order: the exchange releases whatever its thread did with
// the core; OrphanClaimed() acquires it from the free word, the last of the counted through the
// OrphanCount.
//
// A handle that is made from another handle may race with ~Db. It claims first, then looks
// whether the Db was closed, and if so releases and refuses; ~Db closes first, then marks. All
// four are seq_cst: a slot that OrphanClaimed() found free is refused.
//
// Thread-safety: all methods from any thread.
template <class Policy, class SlotType, Field kStateField = Field::kSlotState,
          size_t kSegmentSlots = 64>
class SlotPool {
 public:
  using Slot = SlotType;
  static constexpr uint64_t kFree = 0;
  static constexpr uint64_t kClaimed = 1;
  static constexpr uint64_t kNoted = uint64_t{1} << 63;
  static constexpr uint64_t kBlank = kNoted - 1;
  static constexpr uint64_t kOrphaned = ~kFree;

  SlotPool() = default;
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;
  ~SlotPool() {
    Segment* segment = first_.load(std::memory_order_acquire);
    while (segment != nullptr) {
      Segment* next = segment->next.load(std::memory_order_acquire);
      delete segment;
      segment = next;
    }
  }

  // A slot whose state is now `value`. seq_cst: a value may be an announcement, as a snapshot's
  // pin is. Throws std::bad_alloc.
  Slot* Claim(uint64_t value = kClaimed) {
    SlotHint& hint = HintOfThisThread();
    if (hint.pool_id == id_ && !SkipShortcut(16)) {
      Slot* slot = static_cast<Slot*>(hint.slot);
      if (TryClaim(StateOf(slot), value)) return slot;
    }
    Slot* slot = Search(hint.pool_id == id_ ? static_cast<Slot*>(hint.slot) : nullptr, value);
    hint = SlotHint{id_, slot};
    return slot;
  }

  // True: OrphanClaimed() counted this slot. False: the caller must not look at the pool, or at
  // whatever owns it, any more.
  //
  // seq_cst, for one that frees what scans look for and then looks whether a scan came before.
  bool Release(Slot* slot) {
    return StateOf(slot).exchange(kFree, std::memory_order_seq_cst) == kOrphaned;
  }
  // Releases a slot that says `value` and that nobody was shown: true, and the caller must not
  // look at the pool any more. False: somebody was, or the slot is an orphan; it is as before.
  bool TryReleaseUnnoted(Slot* slot, uint64_t value) {
    return StateOf(slot).compare_exchange_strong(value, kFree, std::memory_order_seq_cst,
                                                 std::memory_order_relaxed);
  }

  // Changes what a claimed slot says. Only its claimer may. Keeps the marks: of a scan that was
  // shown what it said before, and of ~Db, with which an iterator that pins at its first seek may
  // race. seq_cst, as Claim().
  void Rewrite(Slot* slot, uint64_t value) {
    Replace(slot, [value](uint64_t before) { return value | (before & kNoted); });
  }
  // Lets it say nothing more.
  void Blank(Slot* slot) {
    Replace(slot, [](uint64_t) { return kBlank; });
  }

  // Marks every claimed slot and returns how many there were.
  size_t OrphanClaimed() {
    size_t marked = 0;
    ForEachState([&marked](State& state, Slot&) {
      uint64_t value = state.load(std::memory_order_seq_cst);
      while (value != kFree) {
        if (state.compare_exchange_weak(value, kOrphaned, std::memory_order_seq_cst,
                                        std::memory_order_seq_cst)) {
          ++marked;
          break;
        }
      }
    });
    return marked;
  }

  // visit(Slot&) for every slot, claimed or not. There are no segments that nobody ever needed.
  template <class Visit>
  void ForEach(const Visit& visit) {
    ForEachState([&visit](State&, Slot& slot) { visit(slot); });
  }

  // visit(value) for every claimed slot that says something, noted: its releaser will not get by
  // with TryReleaseUnnoted(). seq_cst, see Claim().
  template <class Visit>
  void NoteClaimed(const Visit& visit) {
    ForEachState([&visit](State& state, Slot&) {
      uint64_t value = state.load(std::memory_order_seq_cst);
      while (IsUnnoted(value)) {
        if (state.compare_exchange_weak(value, value | kNoted, std::memory_order_seq_cst,
                                        std::memory_order_seq_cst)) {
          value |= kNoted;
        }
      }
      if (value > kBlank && value != kOrphaned) visit(value & ~kNoted);
    });
  }
  // What a slot says; kFree or kBlank: nothing. Of an orphan it is forgotten. acquire: whoever
  // finds a value comes after what the claimers before its claimer did.
  uint64_t ValueOf(const Slot& slot) const {
    const uint64_t value = StateOf(&slot).load(std::memory_order_acquire);
    return value == kOrphaned ? kBlank : value & ~kNoted;
  }

  // Exact if nobody claims or releases meanwhile.
  size_t claimed_count() const {
    size_t count = 0;
    ForEachState([&count](State& state, Slot&) {
      if (state.load(std::memory_order_seq_cst) != kFree) ++count;
    });
    return count;
  }

  // How many slots there are, free ones included.
  size_t slot_count() const {
    size_t count = 0;
    for (const Segment* segment = first_.load(std::memory_order_acquire); segment != nullptr;
         segment = segment->next.load(std::memory_order_acquire)) {
      count += kSegmentSlots;
    }
    return count;
  }

 private:
  //   Writer: the claimer, from Claim() to its release; NoteClaimed(), OrphanClaimed().
  //   Reader: scans, any thread.
  //   Order:  seq_cst, see Claim(), Release() and the class comment. That makes a release a
  //           release, paired with the acquire in the next Claim() and in scans: whoever finds
  //           the slot free comes after all that its claimer did.
  using State = typename Policy::template Atomic<uint64_t, kStateField>;

  static constexpr size_t kLineSlots = std::min<size_t>(8, kSegmentSlots);
  static constexpr size_t kLinesPerSegment = kSegmentSlots / kLineSlots;
  static_assert(kLinesPerSegment * kLineSlots == kSegmentSlots);
  static constexpr size_t kMaxHomeLines = 64;

  struct Segment {
    explicit Segment(size_t segment_index) : index(segment_index) {
      for (State& state : states) state.store(kFree, std::memory_order_relaxed);
      for (Slot& slot : slots) slot.segment_ = this;
    }

    alignas(Policy::kCacheLineBytes) State states[kSegmentSlots];
    alignas(Policy::kCacheLineBytes) Slot slots[kSegmentSlots];

    // The next segment.
    //   Writer: Append(), once. Reader: everybody who walks the list.
    //   Order:  seq_cst on both sides, not only release and acquire. A pruner raises its horizon,
    //           then scans; a snapshot in a new segment announces, then checks the horizon. If
    //           the check missed the raise, the scan must find the slot, hence its segment.
    typename Policy::template Atomic<Segment*, Field::kSegmentNext> next{nullptr};
    const size_t index;
  };
  using Next = typename Policy::template Atomic<Segment*, Field::kSegmentNext>;

  SlotHint& HintOfThisThread() const { return slot_hints[id_ % std::size(slot_hints)]; }

  static Segment* SegmentOf(const Slot* slot) { return static_cast<Segment*>(slot->segment_); }
  static size_t IndexOf(const Slot* slot) {
    return static_cast<size_t>(slot - SegmentOf(slot)->slots);
  }
  static State& StateOf(const Slot* slot) { return SegmentOf(slot)->states[IndexOf(slot)]; }

  static bool TryClaim(State& state, uint64_t value) {
    FIRN_INVARIANT(value != kFree && value < kBlank);
    // relaxed: a look that saves a compare-exchange bound to fail.
    uint64_t expected = state.load(std::memory_order_relaxed);
    return expected == kFree &&
           state.compare_exchange_strong(expected, value, std::memory_order_seq_cst,
                                         std::memory_order_relaxed);
  }

  static bool IsUnnoted(uint64_t value) { return value != kFree && value < kBlank; }

  template <class After>
  static void Replace(Slot* slot, const After& after) {
    State& state = StateOf(slot);
    uint64_t before = state.load(std::memory_order_relaxed);
    while (before != kOrphaned &&
           !state.compare_exchange_weak(before, after(before), std::memory_order_seq_cst,
                                        std::memory_order_relaxed)) {
    }
  }

  template <class Visit>
  void ForEachState(const Visit& visit) const {
    for (Segment* segment = first_.load(std::memory_order_seq_cst); segment != nullptr;
         segment = segment->next.load(std::memory_order_seq_cst)) {
      for (size_t i = 0; i < kSegmentSlots; ++i) visit(segment->states[i], segment->slots[i]);
    }
  }

  // The segment that `link` leads to, made if there is none.
  static Segment* Follow(Next& link, size_t index) {
    Segment* segment = link.load(std::memory_order_seq_cst);
    if (segment != nullptr) return segment;
    auto* made = new Segment(index);
    if (link.compare_exchange_strong(segment, made, std::memory_order_seq_cst,
                                     std::memory_order_seq_cst)) {
      return made;
    }
    delete made;  // Another thread was faster.
    return segment;
  }

  Slot* ClaimInLine(Segment* segment, size_t line, uint64_t value) {
    for (size_t i = line * kLineSlots; i < (line + 1) * kLineSlots; ++i) {
      if (TryClaim(segment->states[i], value)) return &segment->slots[i];
    }
    return nullptr;
  }

  Slot* Search(Slot* hint, uint64_t value) {
    // At home.
    const size_t home = Policy::ThreadOrdinal() % kMaxHomeLines;
    Segment* segment = Follow(first_, 0);
    for (size_t i = 1; i <= home / kLinesPerSegment; ++i) segment = Follow(segment->next, i);
    if (Slot* slot = ClaimInLine(segment, home % kLinesPerSegment, value)) return slot;

    // In nobody's home: onwards from the last claim, which finds the end of a long run of
    // claims at once; then from the start.
    if (hint != nullptr) {
      Segment* from = SegmentOf(hint);
      if (Slot* slot = ClaimFrom(from, IndexOf(hint) / kLineSlots, value)) return slot;
    }
    segment = first_.load(std::memory_order_seq_cst);
    if (Slot* slot = ClaimFrom(segment, 0, value)) return slot;

    // In a new segment.
    while (Segment* next = segment->next.load(std::memory_order_seq_cst)) segment = next;
    while (true) {
      segment = Follow(segment->next, segment->index + 1);
      if (Slot* slot = ClaimFrom(segment, 0, value)) return slot;
    }
  }

  // Any free slot from that line on that is not in a home line.
  Slot* ClaimFrom(Segment* segment, size_t line, uint64_t value) {
    const size_t homes = std::min<size_t>(Policy::ThreadOrdinalLimit(), kMaxHomeLines);
    for (; segment != nullptr; segment = segment->next.load(std::memory_order_seq_cst)) {
      for (; line < kLinesPerSegment; ++line) {
        if (segment->index * kLinesPerSegment + line < homes) continue;
        if (Slot* slot = ClaimInLine(segment, line, value)) return slot;
      }
      line = 0;
    }
    return nullptr;
  }

  // Immutable after construction.
  const uint64_t id_ = next_slot_pool_id.fetch_add(1, std::memory_order_relaxed);

  // The first segment. Shared as Segment::next is.
  Next first_{nullptr};
};

// An OrphanCount finds out who is the last to share a Db's core: see SlotPool.
//
//   Writer: ~Db adds the number of slots it marked, once; each releaser of a marked slot takes
//           one away, maybe before that. So the count is below or at 0 until ~Db added, and at
//           0 or above from then on.
//   Order:  acq_rel: the one who deletes the core comes after all that the others did with it.
template <class Policy>
class OrphanCount {
 public:
  // ~Db: `marked` slots were found claimed. True: nobody else is left, delete the core.
  bool AddMarked(size_t marked) {
    const auto added = static_cast<int64_t>(marked);
    return count_.fetch_add(added, std::memory_order_acq_rel) + added == 0;
  }
  // A releaser whose slot was marked. True: nobody else is left, delete the core.
  bool DropMarked() { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  typename Policy::template Atomic<int64_t, Field::kOrphanCount> count_{0};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SLOT_POOL_H_
