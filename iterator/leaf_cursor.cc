#include "iterator/leaf_cursor.h"

#include <algorithm>

#include "mvcc/point_read.h"
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

void LeafCursor::Expect(std::string_view next) {
  ahead_ = next;
  const size_t entries = std::max<size_t>(1, block_->count() + fresh_.size());
  ahead_share_ = next.size() / entries + 1;
}

void LeafCursor::ExpectOwn(uint32_t first, uint32_t last) {
  ahead_ = {};
  if (first >= last) return;
  ahead_ = block_->RecordsOf(first, last);
  ahead_share_ = 2 * (ahead_.size() / (last - first)) + 1;
}

void LeafCursor::FetchAhead(size_t entries, bool forward) {
  const size_t bytes = std::min(ahead_.size(), entries * ahead_share_);
  const char* piece = forward ? ahead_.data() : ahead_.data() + ahead_.size() - bytes;
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(piece + at);
  ahead_ = forward ? ahead_.substr(bytes) : ahead_.substr(0, ahead_.size() - bytes);
}

void LeafCursor::GatherFresh() {
  const FreshDelta* delta = state_->delta.load(std::memory_order_acquire);
  if (delta == nullptr) return;
  AtSchedulePoint("cursor:before_fresh");
  const uint32_t count = delta->count();
  delta->PrefetchSlots(count);
  delta->PrefetchVersions(count);
  candidates_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    const FreshSlot& slot = delta->slot(i);
    // A slot without a visible version leaves the key to the run.
    if (const Version* version = slot.chain.NewestAt(read_ts_)) {
      candidates_.emplace_back(slot, version);
    }
  }
  std::sort(candidates_.begin(), candidates_.end());
  for (const FreshCandidate& each : candidates_) {
    const std::string_view key = each.slot->key();
    const KeyPosition at = block_->count() == 0 ? KeyPosition{0, false} : block_->Find(key, 1);
    fresh_.push_back({key, ViewOf(*each.version), at.index, at.exact});
  }
}

VersionView LeafCursor::VisibleFrozen(uint32_t i) {
  if (IsVisible(block_->commit_ts(i), read_ts_)) return block_->newest(i);
  SnapshotView view(read_ts_);
  return FindOlder(*state_, i, view, &run_place_);
}

uint32_t LeafCursor::FirstFresh(std::string_view target) const {
  const auto at = std::partition_point(fresh_.begin(), fresh_.end(),
                                       [&](const FreshEntry& entry) { return entry.key < target; });
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
  if (front_.fresh < fresh_.size() && fresh_[front_.fresh].key == target) ++front_.fresh;
  back_ = front_;
}

void LeafCursor::CutAtEnd() { front_ = back_ = highest_; }

bool LeafCursor::FillForward(ReadyWindow* window, size_t limit, bool keys_only, bool* large) {
  *large = false;
  if (run_is_plain_ && fresh_.empty()) return FillStretchForward(window, limit, keys_only);
  Cut cut = back_;
  Cut front = cut;
  size_t filled = 0;
  while (filled < limit) {
    const bool has_frozen = cut.frozen < highest_.frozen;
    const bool has_fresh = cut.fresh < highest_.fresh;
    if (!has_frozen && !has_fresh) break;
    const uint32_t run_end = has_fresh ? fresh_[cut.fresh].run_at : highest_.frozen;
    if (run_is_plain_ && cut.frozen < run_end) {
      const auto count =
          static_cast<uint32_t>(std::min<size_t>(limit - filled, run_end - cut.frozen));
      CopyPlain(window, filled, cut.frozen, count, keys_only);
      NoteInBlock(window, filled, cut.frozen, count);
      filled += count;
      cut.frozen += count;
      continue;
    }
    const Cut before = cut;
    std::string_view key;
    VersionView version;
    if (has_fresh && fresh_[cut.fresh].run_at <= cut.frozen) {
      const FreshEntry& fresh = fresh_[cut.fresh];
      key = fresh.key;
      version = fresh.version;
      cut = {fresh.run_end(), cut.fresh + 1};
    } else {
      key = block_->key(cut.frozen);
      version = VisibleFrozen(cut.frozen);
      ++cut.frozen;
    }
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
  if (run_is_plain_ && fresh_.empty()) return FillStretchBackward(window, limit, keys_only);
  Cut cut = front_;
  Cut back = cut;
  size_t at = ReadyWindow::kCapacity;
  const size_t stop = at - limit;
  while (at > stop) {
    const bool has_frozen = cut.frozen > lowest_.frozen;
    const bool has_fresh = cut.fresh > lowest_.fresh;
    if (!has_frozen && !has_fresh) break;
    const uint32_t run_begin = has_fresh ? fresh_[cut.fresh - 1].run_end() : lowest_.frozen;
    if (run_is_plain_ && cut.frozen > run_begin) {
      const auto count = static_cast<uint32_t>(std::min<size_t>(at - stop, cut.frozen - run_begin));
      at -= count;
      cut.frozen -= count;
      CopyPlain(window, at, cut.frozen, count, keys_only);
      NoteInBlock(window, at, cut.frozen, count);
      continue;
    }
    const Cut behind = cut;
    std::string_view key;
    VersionView version;
    if (has_fresh && fresh_[cut.fresh - 1].run_end() >= cut.frozen) {
      const FreshEntry& fresh = fresh_[cut.fresh - 1];
      key = fresh.key;
      version = fresh.version;
      cut = {fresh.run_at, cut.fresh - 1};
    } else {
      key = block_->key(cut.frozen - 1);
      version = VisibleFrozen(cut.frozen - 1);
      --cut.frozen;
    }
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

bool LeafCursor::FillStretchForward(ReadyWindow* window, size_t limit, bool keys_only) {
  const uint32_t begin = back_.frozen;
  if (begin >= highest_.frozen) return false;
  const auto count = static_cast<uint32_t>(std::min<size_t>(limit, highest_.frozen - begin));
  ShowStretch(window, 0, begin, count, keys_only);
  FetchAhead(count, /*forward=*/true);
  return true;
}

bool LeafCursor::FillStretchBackward(ReadyWindow* window, size_t limit, bool keys_only) {
  const uint32_t end = front_.frozen;
  if (end <= lowest_.frozen) return false;
  const auto count = static_cast<uint32_t>(std::min<size_t>(limit, end - lowest_.frozen));
  ShowStretch(window, ReadyWindow::kCapacity - count, end - count, count, keys_only);
  FetchAhead(count, /*forward=*/false);
  return true;
}

void LeafCursor::ShowStretch(ReadyWindow* window, size_t at, uint32_t first, uint32_t count,
                             bool keys_only) {
  CopyPlain(window, at, first, count, keys_only);
  window->begin = at;
  window->end = at + count;
  window->block = block_;
  window->is_stretch = true;
  window->first = first;
  front_.frozen = first;
  back_.frozen = first + count;
}

void LeafCursor::CopyPlain(ReadyWindow* window, size_t at, uint32_t first, uint32_t count,
                           bool keys_only) const {
  block_->CopyPlainEntries(first, count, window->entries + at);
  if (!keys_only) return;
  for (uint32_t i = 0; i < count; ++i) window->entries[at + i].value_size = 0;
}

}  // namespace firn::internal
