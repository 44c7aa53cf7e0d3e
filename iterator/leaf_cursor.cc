#include "iterator/leaf_cursor.h"

#include <algorithm>
#include <utility>

#include "mvcc/point_read.h"
#include "mvcc/prefetch.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {
namespace {

void SetEntry(ReadyWindow* window, size_t at, std::string_view key, const VersionView& version,
              bool keys_only) {
  const bool inline_value = version.kind == ValueKind::kValue && !keys_only;
  window->entries[at] = {key.data(), inline_value ? version.data : key.data(),
                         static_cast<uint32_t>(key.size()), inline_value ? version.size : 0};
  window->times[at] = version.commit_ts;
}

void NoteInBlock(ReadyWindow* window, size_t at, uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) window->times[at + i] = ReadyWindow::kInBlock | (first + i);
}

}  // namespace

void LeafCursor::Enter(const LeafState* state, uint64_t read_ts, const KeyBounds& bounds) {
  fresh_.clear();
  ahead_ = {};
  run_place_ = {};
  is_in_line_ = std::exchange(next_is_in_line_, false);
  state_ = state;
  block_ = state->block();
  read_ts_ = read_ts;
  GatherFresh();
  run_is_plain_ = block_->PlainAt(read_ts) && !block_->has_large() && !SkipShortcut(4);

  const Fences fences = state->fences();
  lowest_ = {0, 0};
  highest_ = {block_->count(), static_cast<uint32_t>(fresh_.size())};
  if (bounds.lower > fences.lower) {
    CutBefore(bounds.lower);
    lowest_ = front_;
  }
  if (bounds.upper && (!fences.upper || *bounds.upper < *fences.upper)) {
    CutBefore(*bounds.upper);
    highest_ = front_;
  }
}

void LeafCursor::Expect(const OrderedMap::NextState& next, Direction direction) {
  next_is_in_line_ = direction == Direction::kForward && next.is_in_line;
  own_fetches_ = is_in_line_ && next_is_in_line_ ? ProcessorsOwnFetches() : OwnFetches::kTooFew;
  if (own_fetches_ != OwnFetches::kTooFew) FetchUpToRecords();
  if (own_fetches_ == OwnFetches::kEnough) return;
  ahead_ = next.memory.memory();
  ahead_share_ = ahead_.size() / std::max<size_t>(1, block_->count() + fresh_.size()) + 1;
}

void LeafCursor::FetchUpToRecords() {
  if (block_->count() == 0) return;
  const std::string_view memory = state_->memory();
  const char* records = block_->RecordsOf(0, 1).data();
  PrefetchToL2(memory.substr(0, static_cast<size_t>(records - memory.data()) + kLineBytes));
}

void LeafCursor::ExpectOwn(uint32_t first, uint32_t last) {
  ahead_ = {};
  own_fetches_ = OwnFetches::kTooFew;
  if (first >= last) return;
  ahead_ = block_->RecordsOf(first, last);
  ahead_share_ = 2 * (ahead_.size() / (last - first)) + 1;
}

void LeafCursor::FetchAhead(size_t entries, bool forward) {
  const size_t bytes = std::min(ahead_.size(), entries * ahead_share_);
  const char* piece = forward ? ahead_.data() : ahead_.data() + ahead_.size() - bytes;
  if (own_fetches_ == OwnFetches::kWithinPages) {
    PrefetchPageStarts({piece, bytes});
  } else {
    forward ? PrefetchToL2({piece, bytes}) : PrefetchToL2Downwards({piece, bytes});
  }
  ahead_ = forward ? ahead_.substr(bytes) : ahead_.substr(0, ahead_.size() - bytes);
}

void LeafCursor::GatherFresh() {
  const FreshDelta* delta = state_->delta.load(std::memory_order_acquire);
  if (delta == nullptr) return;
  AtSchedulePoint("cursor:before_fresh");
  const uint32_t count = delta->count();
  delta->PrefetchSlots(count);
  delta->PrefetchVersions(count);
  order_.Reset(count, *block_);
  seen_.clear();
  delta->ForEachSlot(count, [&](const FreshSlot& slot) {
    // A slot without a visible version leaves the key to the run.
    if (const Version* version = slot.chain.NewestAt(read_ts_)) {
      order_.Add(slot);
      seen_.push_back(version);
    }
  });
  for (const uint16_t number : order_.Sort()) {
    const KeyPosition at = order_.place(number);
    fresh_.push_back({&order_.slot(number), seen_[number], at.index, at.exact});
  }
}

VersionView LeafCursor::VisibleFrozen(uint32_t i) {
  if (IsVisible(block_->commit_ts(i), read_ts_)) return block_->newest(i);
  SnapshotView view(read_ts_);
  return FindOlder(*state_, i, view, &run_place_);
}

uint32_t LeafCursor::FirstFresh(std::string_view target) const {
  const auto at = std::partition_point(
      fresh_.begin(), fresh_.end(), [&](const FreshEntry& entry) { return entry.key() < target; });
  return static_cast<uint32_t>(at - fresh_.begin());
}

void LeafCursor::CutBefore(std::string_view target, size_t fetch_lines) {
  if (target <= state_->fences().lower) {
    front_ = back_ = lowest_;  // The common case of a hop: no search.
    return;
  }
  if (!state_->BelowUpper(target)) {
    front_ = back_ = highest_;
    return;
  }
  front_ = {block_->count() == 0 ? 0 : block_->Find(target, fetch_lines).index, FirstFresh(target)};
  back_ = front_;
}

void LeafCursor::CutAfter(std::string_view target) {
  CutBefore(target);
  if (front_.frozen < block_->count() && block_->key(front_.frozen) == target) ++front_.frozen;
  if (front_.fresh < fresh_.size() && fresh_[front_.fresh].key() == target) ++front_.fresh;
  back_ = front_;
}

void LeafCursor::CutAtEnd() { front_ = back_ = highest_; }

bool LeafCursor::FillForward(ReadyWindow* window, size_t limit, bool keys_only, bool* large) {
  *large = false;
  if (run_is_plain_ && FillPlainForward(window, limit, keys_only)) return true;
  Cut cut = back_;
  Cut front = cut;
  size_t filled = 0;
  while (filled < limit) {
    const bool has_frozen = cut.frozen < highest_.frozen;
    const bool has_fresh = cut.fresh < highest_.fresh;
    if (!has_frozen && !has_fresh) break;
    if (run_is_plain_) {
      const Cut end = PlainForward(cut, limit - filled);
      if (end.frozen != cut.frozen) {
        CopyCovered(window, filled, cut, end, keys_only);
        filled += end.frozen - cut.frozen;
        cut = end;
        continue;
      }
    }
    const Cut before = cut;
    const bool is_fresh = has_fresh && fresh_[cut.fresh].run_at <= cut.frozen;
    const FreshEntry* fresh = is_fresh ? &fresh_[cut.fresh] : nullptr;
    const std::string_view key = is_fresh ? fresh->key() : block_->key(cut.frozen);
    const VersionView version = is_fresh ? ViewOf(*fresh->version) : VisibleFrozen(cut.frozen);
    cut = is_fresh ? Cut{fresh->run_end(), cut.fresh + 1} : Cut{cut.frozen + 1, cut.fresh};
    if (version.kind == ValueKind::kTombstone) {
      if (filled == 0) front = cut;
      continue;
    }
    if (version.kind == ValueKind::kLarge && !keys_only) {
      if (filled > 0) {
        cut = before;
        break;
      }
      *large = true;
    }
    SetEntry(window, filled++, key, version, keys_only);
    if (*large) {
      window->entries[0].value = version.data;
      break;
    }
  }
  if (filled == 0) return false;
  FetchAhead(filled, /*forward=*/true);
  window->block = block_;
  window->is_stretch = false;
  window->begin = 0;
  window->end = filled;
  front_ = front;
  back_ = cut;
  return true;
}

bool LeafCursor::FillBackward(ReadyWindow* window, size_t limit, bool keys_only, bool* large) {
  *large = false;
  if (run_is_plain_ && FillPlainBackward(window, limit, keys_only)) return true;
  Cut cut = front_;
  Cut back = cut;
  size_t at = ReadyWindow::kCapacity;
  const size_t stop = at - limit;
  while (at > stop) {
    const bool has_frozen = cut.frozen > lowest_.frozen;
    const bool has_fresh = cut.fresh > lowest_.fresh;
    if (!has_frozen && !has_fresh) break;
    if (run_is_plain_) {
      const Cut begin = PlainBackward(cut, at - stop);
      if (begin.frozen != cut.frozen) {
        at -= cut.frozen - begin.frozen;
        CopyCovered(window, at, begin, cut, keys_only);
        cut = begin;
        continue;
      }
    }
    const Cut behind = cut;
    const bool is_fresh = has_fresh && fresh_[cut.fresh - 1].run_end() >= cut.frozen;
    const FreshEntry* fresh = is_fresh ? &fresh_[cut.fresh - 1] : nullptr;
    const std::string_view key = is_fresh ? fresh->key() : block_->key(cut.frozen - 1);
    const VersionView version = is_fresh ? ViewOf(*fresh->version) : VisibleFrozen(cut.frozen - 1);
    cut = is_fresh ? Cut{fresh->run_at, cut.fresh - 1} : Cut{cut.frozen - 1, cut.fresh};
    if (version.kind == ValueKind::kTombstone) {
      if (at == ReadyWindow::kCapacity) back = cut;
      continue;
    }
    if (version.kind == ValueKind::kLarge && !keys_only) {
      if (at < ReadyWindow::kCapacity) {
        cut = behind;
        break;
      }
      *large = true;
    }
    SetEntry(window, --at, key, version, keys_only);
    if (*large) {
      window->entries[at].value = version.data;
      break;
    }
  }
  if (at == ReadyWindow::kCapacity) return false;
  FetchAhead(ReadyWindow::kCapacity - at, /*forward=*/false);
  window->block = block_;
  window->is_stretch = false;
  window->begin = at;
  window->end = ReadyWindow::kCapacity;
  front_ = cut;
  back_ = back;
  return true;
}

LeafCursor::Cut LeafCursor::PlainForward(Cut cut, size_t most) const {
  Cut end{static_cast<uint32_t>(std::min<size_t>(highest_.frozen, cut.frozen + most)), cut.fresh};
  for (; end.fresh < highest_.fresh && fresh_[end.fresh].run_at < end.frozen; ++end.fresh) {
    if (!fresh_[end.fresh].covers()) return {fresh_[end.fresh].run_at, end.fresh};
  }
  return end;
}

LeafCursor::Cut LeafCursor::PlainBackward(Cut cut, size_t most) const {
  Cut begin{cut.frozen - static_cast<uint32_t>(std::min<size_t>(cut.frozen - lowest_.frozen, most)),
            cut.fresh};
  for (; begin.fresh > lowest_.fresh && fresh_[begin.fresh - 1].run_end() > begin.frozen;
       --begin.fresh) {
    if (!fresh_[begin.fresh - 1].covers()) return {fresh_[begin.fresh - 1].run_end(), begin.fresh};
  }
  return begin;
}

void LeafCursor::CopyCovered(ReadyWindow* window, size_t at, Cut begin, Cut end,
                             bool keys_only) const {
  const uint32_t count = end.frozen - begin.frozen;
  CopyPlain(window, at, begin.frozen, count, keys_only);
  CoverPlain(window, at, begin, end, keys_only);
}

void LeafCursor::CoverPlain(ReadyWindow* window, size_t at, Cut begin, Cut end,
                            bool keys_only) const {
  NoteInBlock(window, at, begin.frozen, end.frozen - begin.frozen);
  for (uint32_t i = begin.fresh; i < end.fresh; ++i) {
    const FreshEntry& fresh = fresh_[i];
    SetEntry(window, at + (fresh.run_at - begin.frozen), fresh.key(), ViewOf(*fresh.version),
             keys_only);
  }
}

bool LeafCursor::FillPlainForward(ReadyWindow* window, size_t limit, bool keys_only) {
  const size_t wanted = std::min<size_t>(limit, highest_.frozen - back_.frozen);
  const Cut end = PlainForward(back_, wanted);
  if (wanted == 0 || end.frozen != back_.frozen + wanted) return false;
  if (wanted < limit && end.fresh != highest_.fresh) return false;  // There is more to show.
  ShowPlain(window, 0, back_, end, keys_only);
  FetchAhead(wanted, /*forward=*/true);
  return true;
}

bool LeafCursor::FillPlainBackward(ReadyWindow* window, size_t limit, bool keys_only) {
  const size_t wanted = std::min<size_t>(limit, front_.frozen - lowest_.frozen);
  const Cut begin = PlainBackward(front_, wanted);
  if (wanted == 0 || begin.frozen != front_.frozen - wanted) return false;
  if (wanted < limit && begin.fresh != lowest_.fresh) return false;
  ShowPlain(window, ReadyWindow::kCapacity - wanted, begin, front_, keys_only);
  FetchAhead(wanted, /*forward=*/false);
  return true;
}

void LeafCursor::ShowPlain(ReadyWindow* window, size_t at, Cut begin, Cut end, bool keys_only) {
  const uint32_t count = end.frozen - begin.frozen;
  CopyPlain(window, at, begin.frozen, count, keys_only);
  window->begin = at;
  window->end = at + count;
  window->block = block_;
  window->is_stretch = begin.fresh == end.fresh;
  window->first = begin.frozen;
  if (!window->is_stretch) CoverPlain(window, at, begin, end, keys_only);
  front_ = begin;
  back_ = end;
}

void LeafCursor::CopyPlain(ReadyWindow* window, size_t at, uint32_t first, uint32_t count,
                           bool keys_only) const {
  ReadyEntry* entry = window->entries + at;
  block_->ForEachPlain(first, first + count,
                       [&](uint32_t, const char* key, uint32_t key_size, uint32_t value_size) {
                         *entry++ = {key, key + key_size, key_size, value_size};
                       });
  if (!keys_only) return;
  for (uint32_t i = 0; i < count; ++i) window->entries[at + i].value_size = 0;
}

}  // namespace firn::internal
