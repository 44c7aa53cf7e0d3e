#include "iterator/snapshot_iterator.h"

#include <algorithm>
#include <new>
#include <utility>

#include "mvcc/epoch.h"
#include "mvcc/schedule_point.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

// A window starts small, for short ranges, and doubles while the walk goes on.
constexpr size_t kFirstLimit = 4;
// Cache lines fetched at a seek that likely begins a walk: a dozen entries of a hundred bytes.
constexpr size_t kWalkLines = 24;
// A scan that meets so many fresh entries in a leaf wants them frozen: more of them, if the leaf is
// larger than usual. Leaves that are scanned all the time then hold half as many on average. Each
// leaf with any costs a scan some 150 ns and 35 for each entry, a usual freeze costs a writer 1 to
// 3 us: a scan's time counts for more than a writer's, as far as the bars of both allow
// (docs/performance.md).
constexpr size_t kFreshPerFreeze = 4;
constexpr size_t kBytesPerFresh = 3328;

}  // namespace

SnapshotIterator::SnapshotIterator(VersionedMap* map, HazardSlot* hazard, SnapshotSlot* slot,
                                   KeyBounds bounds, bool keys_only, bool refreshable)
    : map_(map),
      hazard_(hazard),
      slot_(slot),
      refreshable_(refreshable),
      keys_only_(keys_only),
      bounds_(std::move(bounds)),
      next_limit_(kFirstLimit) {
  if (slot_ != nullptr) map_->ShareSnapshot(slot_);
  if (bounds_.crossed) {
    Fail(MakeError(ErrorKind::kCrossedBounds,
                   "iterator bounds are crossed: the lower bound is above the upper bound; "
                   "give them in order"));
  }
}

SnapshotIterator::~SnapshotIterator() {
  DropHeldLarge();
  // The snapshot's slot last but one: the hazard slot keeps the map until the end.
  if (slot_ != nullptr) map_->DropSnapshot(slot_);
  map_->ReleaseHazard(hazard_);
}

std::unique_ptr<SnapshotIterator> SnapshotIterator::Make(VersionedMap* map, SnapshotSlot* slot,
                                                         KeyBounds bounds, bool keys_only,
                                                         bool refreshable) {
  HazardSlot* hazard = map->ClaimHazard();
  if (hazard == nullptr) return nullptr;
  try {
    return std::unique_ptr<SnapshotIterator>(
        new SnapshotIterator(map, hazard, slot, std::move(bounds), keys_only, refreshable));
  } catch (...) {
    map->ReleaseHazard(hazard);
    throw;
  }
}

template <class Move>
bool SnapshotIterator::Guarded(const Move& move) {
  if (bounds_.crossed) return false;
  if (map_->closed()) return Fail(ClosedError());
  try {
    return move();
  } catch (const std::bad_alloc&) {
    cursor_.Leave();  // It may know only half of its leaf.
    return Fail(OutOfMemoryError("moving an iterator; seek again"));
  }
}

bool SnapshotIterator::Fail(absl::Status status) {
  position_ = Position::kFailed;
  failure_ = std::move(status);
  return false;
}

void SnapshotIterator::Anchor() {
  if (slot_ == nullptr) slot_ = map_->PinForIterator();
}

bool SnapshotIterator::Seek(std::string_view target) {
  return Guarded([&] {
    Anchor();
    BeginWalk();
    const std::string_view from = std::max(target, std::string_view(bounds_.lower));
    if (bounds_.AtOrPastUpper(from)) {
      DropHeldLarge();
      position_ = Position::kAfterLast;
      return false;
    }
    const size_t fetch_lines = likely_goes_on_ ? kWalkLines : FrozenBlock::kRecordLines;
    EnterCovering(from, [&] { cursor_.CutBefore(from, fetch_lines); });
    return FillForwardAcrossLeaves();
  });
}

bool SnapshotIterator::SeekToFirst() { return Seek(bounds_.lower); }

bool SnapshotIterator::SeekForPrev(std::string_view target) {
  if (bounds_.AtOrPastUpper(target)) return SeekToLast();
  return Guarded([&] {
    Anchor();
    BeginWalk();
    if (target < bounds_.lower) {
      DropHeldLarge();
      position_ = Position::kBeforeFirst;
      return false;
    }
    EnterCovering(target, [&] { cursor_.CutAfter(target); });
    return FillBackwardAcrossLeaves();
  });
}

bool SnapshotIterator::SeekToLast() {
  return Guarded([&] {
    Anchor();
    BeginWalk();
    if (bounds_.empty()) {
      DropHeldLarge();
      position_ = Position::kBeforeFirst;
      return false;
    }
    path_ = {};
    const EpochGuard guard;
    const OrderedMap& map = map_->map();
    Enter(bounds_.upper ? map.FindStateBefore(*bounds_.upper) : map.FindLastState(),
          [&] { cursor_.CutAtEnd(); });
    return FillBackwardAcrossLeaves();
  });
}

bool SnapshotIterator::MoveForward() {
  switch (position_) {
    case Position::kAt:
      return Guarded([&] { return FillForwardAcrossLeaves(); });
    case Position::kBeforeFirst:
      return SeekToFirst();
    default:
      return false;
  }
}

bool SnapshotIterator::MoveBackward() {
  switch (position_) {
    case Position::kAt:
      return Guarded([&] { return FillBackwardAcrossLeaves(); });
    case Position::kAfterLast:
      return SeekToLast();
    default:
      return false;
  }
}

template <class Cut>
void SnapshotIterator::EnterCovering(std::string_view key, const Cut& cut) {
  if (cursor_.state() != nullptr && cursor_.state()->Covers(key) && !SkipShortcut(2)) {
    cut();
    return;
  }
  path_ = {};
  const EpochGuard guard;
  Enter(map_->map().FindState(key), cut);
}

// Requires: an EpochGuard in which `state` was found.
template <class Cut>
void SnapshotIterator::Enter(const LeafState* state, const Cut& cut) {
  cursor_.Enter(state, slot_->ts, bounds_);
  cut();
  AtSchedulePoint("cursor:before_protect");
  // Last: what is cut at may stand in the state that is left, and that one may go as soon as the
  // slot names another. If it was retired long ago, no guard keeps it.
  map_->map().hazards().Protect(hazard_, &state->retired);
  AskForFreezeIfLong();
}

// A point read costs the same however long a delta is, but a scan pays for each entry. So where
// scans come by, deltas are frozen early, as Go's sync.Map promotes its dirty map after a number of
// misses.
void SnapshotIterator::AskForFreezeIfLong() {
  const size_t fresh = cursor_.fresh_count();
  if (fresh < kFreshPerFreeze) return;
  if (fresh < cursor_.state()->memory().size() / kBytesPerFresh) return;
  cursor_.state()->delta.load(std::memory_order_acquire)->AskForFreeze();
}

void SnapshotIterator::BeginWalk() {
  // As after the last seek: who only looked at what stood there would have memory fetched in vain.
  likely_goes_on_ = next_limit_ > 2 * kFirstLimit;
  next_limit_ = kFirstLimit;
}

size_t SnapshotIterator::NextLimit() {
  const size_t limit = SkipShortcut(4) ? 1 : next_limit_;
  next_limit_ = std::min(2 * next_limit_, ReadyWindow::kCapacity);
  return limit;
}

bool SnapshotIterator::FillForwardAcrossLeaves() {
  DropHeldLarge();  // Not before: a seek's target may be a view of it.
  bool large;
  const size_t limit = NextLimit();
  if (limit == 2 * kFirstLimit) cursor_.ExpectOwnForward();  // The seek has become a walk.
  while (!cursor_.FillForward(&window_, limit, keys_only_, &large)) {
    const Fences fences = cursor_.state()->fences();
    if (!fences.upper || bounds_.AtOrPastUpper(*fences.upper)) {
      position_ = Position::kAfterLast;
      return false;
    }
    // The state found may begin below the fence: leaves are merged meanwhile.
    const EpochGuard guard;
    const auto [state, next] = map_->map().FindStateForward(*fences.upper, &path_);
    Enter(state, [&] { cursor_.CutBefore(*fences.upper); });
    cursor_.Expect(next, Direction::kForward);
  }
  if (large) HoldLarge(window_.begin);
  position_ = Position::kAt;
  return true;
}

bool SnapshotIterator::FillBackwardAcrossLeaves() {
  DropHeldLarge();
  bool large;
  const size_t limit = NextLimit();
  if (limit == 2 * kFirstLimit) cursor_.ExpectOwnBackward();
  while (!cursor_.FillBackward(&window_, limit, keys_only_, &large)) {
    const std::string_view lower = cursor_.state()->fences().lower;
    if (lower <= bounds_.lower) {
      position_ = Position::kBeforeFirst;
      return false;
    }
    const EpochGuard guard;  // As in the other direction.
    const auto [state, next] = map_->map().FindStateBefore(lower, &path_);
    Enter(state, [&] { cursor_.CutBefore(lower); });
    cursor_.Expect(next, Direction::kBackward);
  }
  if (large) HoldLarge(window_.begin);
  position_ = Position::kAt;
  return true;
}

void SnapshotIterator::HoldLarge(size_t at) {
  ReadyEntry& entry = window_.entries[at];
  const auto large_of = [](const char* value) {
    return reinterpret_cast<LargeValue*>(const_cast<char*>(value));
  };
  const EpochGuard guard;
  // seq_cst: see LeafState::DropLargeCounts().
  const bool intact = !cursor_.state()->counts_dropped.load(std::memory_order_seq_cst) &&
                      large_of(entry.value)->TryAddRef();
  if (!intact) {
    // The state was retired and has given up its large values. The snapshot keeps them in the
    // current one, which cannot give them up while this guard lasts.
    const std::string key(entry.key, entry.key_size);
    Enter(map_->map().FindState(key), [&] { cursor_.CutBefore(key); });
    bool large;
    const bool found = cursor_.FillForward(&window_, 1, keys_only_, &large);
    FIRN_CHECK(found && large);
    if (at != window_.begin) {
      window_.entries[at] = window_.entries[window_.begin];
      window_.times[at] = window_.times[window_.begin];
      window_.begin = at;
      window_.end = at + 1;
    }
    const bool counted = large_of(entry.value)->TryAddRef();
    FIRN_CHECK(counted);
  }
  held_large_ = large_of(entry.value);
  entry.value = held_large_->view().data();
  entry.value_size = static_cast<uint32_t>(held_large_->view().size());
}

void SnapshotIterator::DropHeldLarge() {
  if (held_large_ == nullptr) return;
  map_->map().DropLarge(held_large_);
  held_large_ = nullptr;
}

absl::Status SnapshotIterator::Refresh() {
  if (map_->closed()) return ClosedError();
  if (!refreshable_) {
    return MakeError(ErrorKind::kFrozenIterator,
                     "Refresh() on a snapshot's iterator, which is frozen for good; make an "
                     "iterator from the Db to be able to refresh it");
  }
  if (bounds_.crossed) return failure_;
  DropHeldLarge();
  cursor_.Leave();
  map_->map().hazards().Clear(hazard_);
  if (slot_ != nullptr) map_->DropSnapshot(slot_);
  slot_ = nullptr;
  position_ = Position::kUnpositioned;
  failure_ = absl::OkStatus();
  return absl::OkStatus();
}

std::unique_ptr<SnapshotIterator> SnapshotIterator::Clone(std::string_view key) const {
  std::unique_ptr<SnapshotIterator> clone = Make(map_, slot_, bounds_, keys_only_, refreshable_);
  if (clone == nullptr) return nullptr;
  clone->position_ = position_;
  clone->failure_ = failure_;
  if (position_ == Position::kAt) clone->Seek(key);
  return clone;
}

absl::Status SnapshotIterator::status() const {
  return position_ == Position::kFailed ? failure_ : absl::OkStatus();
}

std::optional<uint64_t> SnapshotIterator::read_ts() const {
  return slot_ == nullptr ? std::nullopt : std::optional<uint64_t>(slot_->ts);
}

}  // namespace firn::internal
