#include "tools/matrix/cell_run.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

namespace firn::matrix {
namespace {

constexpr size_t kStormCommits = 16;  // Of each thread.

std::string Shown(const std::optional<std::string>& value) {
  if (!value) return "nothing";
  return value->size() <= 24 ? *value : absl::StrCat(value->substr(0, 24), "...");
}

std::optional<std::string> Find(const State& state, std::string_view key) {
  const auto found = state.find(key);
  if (found == state.end()) return std::nullopt;
  return found->second;
}

}  // namespace

CellRun::CellRun(const Cell& cell, std::string prefix, uint64_t seed, Engine* engine,
                 WriterCrew* crew)
    : cell_(cell),
      plan_(cell, prefix, seed),
      prefix_(std::move(prefix)),
      seed_(seed),
      engine_(*engine),
      crew_(*crew),
      backward_(cell.direction == Direction::kBackward),
      steps_back_from_ends_(engine->promises().steps_back_from_ends),
      storm_status_(WriterCrew::kThreads) {}

absl::Status CellRun::Prepare() {
  Apply(plan_.load());
  Settle();
  Apply(plan_.load_again());
  if (cell_.layout == Layout::kFrozen || cell_.layout == Layout::kMerged) Settle();
  return failed() ? absl::InternalError(failure_) : absl::OkStatus();
}

std::string CellRun::Run() {
  if (IsPointRead(cell_.reader)) {
    RunPointReads();
  } else if (cell_.reader == Reader::kRangeFor || cell_.reader == Reader::kCallback) {
    RunLoop();
  } else {
    RunIterator();
  }
  EndStorm();
  cursor_.reset();
  if (!failed()) CheckHeld();
  return failure_;
}

// --- The ways to read ---------------------------------------------------------------------

void CellRun::RunIterator() {
  std::unique_ptr<View> view;
  if (cell_.reader == Reader::kIterator) {
    view = engine_.TakeSnapshot();
    frozen_ = state_;
    Trace("snapshot");
  }
  if (cell_.moment == Moment::kBeforeIterator) MakeChange();
  cursor_ = view != nullptr ? view->NewCursor(plan_.bounds()) : engine_.NewCursor(plan_.bounds());
  Trace("iterator");
  if (cell_.moment == Moment::kBeforeSeek) MakeChange();
  // Here an iterator of the Db anchors.
  if (view == nullptr) frozen_ = state_;
  reference_ = ReferenceCursor(Within(frozen_, plan_.bounds()));

  const std::string& middle = plan_.half_way();
  switch (cell_.moment) {
    case Moment::kBeforeIterator:
    case Moment::kBeforeSeek:
      Seek();
      break;
    case Moment::kAfterSeek:
      Seek();
      MakeChange();
      break;
    case Moment::kHalfWay:
      SeekToStart();
      while (!failed() && reference_.valid() && reference_.entry().first != middle) StepOn();
      MakeChange();
      break;
    case Moment::kAtEnd:
      SeekToStart();
      while (!failed() && !(backward_ ? reference_.on_first() : reference_.on_last())) StepOn();
      MakeChange();
      break;
    case Moment::kAfterEnd:
      SeekToStart();
      WalkOn();
      MakeChange();
      Seek();
      break;
    case Moment::kRefresh:
      Seek();
      StepOn();
      MakeChange();
      CheckOk("Refresh", cursor_->Refresh());
      Trace("Refresh");
      frozen_ = state_;
      reference_ = ReferenceCursor(Within(frozen_, plan_.bounds()));
      Seek();
      break;
  }
  Walk();
  WalkUntilStormEnds();
  if (view != nullptr && !failed()) CheckEntries("the snapshot, read again,", *view, frozen_);
}

void CellRun::RunLoop() {
  const std::unique_ptr<View> view = engine_.TakeSnapshot();
  frozen_ = state_;
  const Entries expected = Within(frozen_, plan_.bounds());
  if (cell_.moment == Moment::kBeforeIterator) MakeChange();
  bool first_round = true;
  do {
    size_t count = 0;
    const auto visit = [&](std::string_view key, std::string_view value) {
      if (failed()) return;
      if (count >= expected.size()) {
        return Fail(absl::StrCat("entry ", count, " is ", std::string(key),
                                 ", but there are only ", expected.size()));
      }
      const auto& [right_key, right_value] = expected[count++];
      if (key != right_key || value != right_value) {
        return Fail(absl::StrCat("entry ", count - 1, " is ", std::string(key), "=",
                                 Shown(std::string(value)), ", must be ", right_key, "=",
                                 Shown(right_value)));
      }
      if (!first_round) return;
      const bool now = cell_.moment == Moment::kAfterSeek ? count == 1
                       : cell_.moment == Moment::kHalfWay ? key == plan_.half_way()
                       : cell_.moment == Moment::kAtEnd   ? count == expected.size()
                                                          : false;
      if (now) MakeChange();
    };
    const absl::Status status = cell_.reader == Reader::kRangeFor
                                    ? view->RangeFor(plan_.bounds(), visit)
                                    : view->Callback(plan_.bounds(), visit);
    CheckOk("the loop", status);
    if (!failed() && count != expected.size()) {
      Fail(absl::StrCat("the loop ended after ", count, " entries, must show ", expected.size()));
    }
    first_round = false;
  } while (storm_ && !failed() && crew_.running());
  EndStorm();
  if (!failed()) CheckEntries("the snapshot, read again,", *view, frozen_);
}

void CellRun::RunPointReads() {
  const std::unique_ptr<View> view = engine_.TakeSnapshot();
  frozen_ = state_;
  const std::vector<std::string>& keys = plan_.asked_keys();
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<absl::StatusOr<std::optional<Pin>>> pins;
  if (cell_.reader == Reader::kGetPinned) {
    for (const std::string& key : keys) pins.push_back(view->GetPinned(key));
  }
  const auto check = [&](const std::string& key, const std::optional<std::string>& found) {
    const std::optional<std::string> right = Find(frozen_, key);
    if (!failed() && found != right) {
      Fail(absl::StrCat("key ", key, " is ", Shown(found), ", must be ", Shown(right)));
    }
  };
  const auto check_pin = [&](const std::string& key, const absl::StatusOr<std::optional<Pin>>& pin) {
    CheckOk("GetPinned", pin.status());
    if (!pin.ok()) return;
    check(key, *pin ? std::optional<std::string>((*pin)->view) : std::nullopt);
  };
  const auto read_all = [&] {
    if (cell_.reader == Reader::kMultiGet) {
      const auto found = view->MultiGet(views);
      CheckOk("MultiGet", found.status());
      for (size_t i = 0; found.ok() && i < keys.size(); ++i) check(keys[i], (*found)[i]);
      return;
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      if (cell_.reader == Reader::kGetPinned) {
        check_pin(keys[i], view->GetPinned(keys[i]));
        check_pin(keys[i], pins[i]);
        continue;
      }
      const auto found = view->Get(keys[i]);
      CheckOk("Get", found.status());
      if (found.ok()) check(keys[i], *found);
    }
  };
  MakeChange();
  do {
    read_all();
  } while (storm_ && !failed() && crew_.running());
  EndStorm();
  if (!failed()) CheckEntries("the snapshot, read again,", *view, frozen_);
}

// --- Between the steps of a reader -----------------------------------------------------------

void CellRun::MakeChange() {
  if (failed()) return;
  Trace("[change]");
  switch (cell_.writer) {
    case Writer::kSameThread:
      ChangeAndFollow();
      break;
    case Writer::kLockstep:
      crew_.RunOne([this] { ChangeAndFollow(); });
      break;
    case Writer::kStorm:
      storm_ = true;
      weather_ = [this](size_t thread) { Weather(thread); };
      if (cell_.age == Age::kOlderThanThree) Hold();
      crew_.Start(weather_);
      if (cell_.age == Age::kOlderThanThree) Hold();
      if (cell_.age != Age::kNewest) Hold();
      if (cell_.age == Age::kOlderThanReleased) held_.clear();
      break;
  }
}

// The change, what happens to the layout after it, and the snapshots around it.
void CellRun::ChangeAndFollow() {
  if (cell_.age == Age::kOlderThanThree) Hold();
  ApplyChange();
  if (cell_.age != Age::kNewest) Hold();
  if (cell_.age == Age::kOlderThanThree) {
    Apply(plan_.OverwriteOther(5));
    Hold();
  }
  Apply(plan_.OverwriteOther(6));
  if (cell_.age == Age::kOlderThanReleased) held_.clear();

  switch (cell_.layout) {
    case Layout::kFrozen:
    case Layout::kReopened:
      Settle();
      break;
    case Layout::kSplit:
    case Layout::kMerged:
      Apply(plan_.reshape());
      Settle();
      break;
    case Layout::kPruned: {
      const std::unique_ptr<View> first = engine_.TakeSnapshot();
      Apply(plan_.Overwrite(7));
      const std::unique_ptr<View> second = engine_.TakeSnapshot();
      Apply(plan_.Overwrite(8));
      Settle();
      ApplyChange();
      break;
    }
    case Layout::kFresh:
    case Layout::kBoth:
      break;
  }
  if (cell_.layout == Layout::kPruned) Settle();  // Now without the two snapshots.
}

void CellRun::Weather(size_t thread) {
  std::mt19937_64 random(seed_ * WriterCrew::kThreads + thread);
  const bool settles = thread == 0 && cell_.layout != Layout::kFresh && cell_.layout != Layout::kBoth;
  absl::Status status;
  for (size_t i = 0; i < kStormCommits && status.ok(); ++i) {
    if (random() % 2 == 0) {
      for (const Commit& commit : plan_.change()) {
        if (status.ok()) status = ApplyToEngine(commit, std::nullopt);
      }
    } else {
      status = ApplyToEngine(plan_.AnyCommit(random()), std::nullopt);
    }
    if (settles && i % 8 == 7 && status.ok()) status = engine_.Settle();
  }
  storm_status_[thread] = status;
}

void CellRun::EndStorm() {
  if (!storm_) return;
  crew_.Wait();
  for (const absl::Status& status : storm_status_) CheckOk("a write of the storm", status);
}

void CellRun::CheckHeld() {
  for (size_t i = 0; i < held_.size() && !failed(); ++i) {
    CheckEntries(absl::StrCat("newer snapshot ", i, ","), *held_[i].view, held_[i].state);
  }
  if (failed() || storm_) return;
  const std::unique_ptr<View> now = engine_.TakeSnapshot();
  CheckEntries("a snapshot taken at the end", *now, state_);
}

// --- Writers ----------------------------------------------------------------------------

void CellRun::Apply(const Commit& commit) {
  if (failed() || (commit.kind == Commit::Kind::kWrite && commit.batch.empty())) return;
  std::optional<std::string> expected;
  if (commit.kind == Commit::Kind::kCompareAndSwap) {
    expected = Find(state_, commit.batch.front().key);
  }
  CheckOk("a write", ApplyToEngine(commit, expected));
  ApplyToState(commit);
}

void CellRun::ApplyToState(const Commit& commit) {
  switch (commit.kind) {
    case Commit::Kind::kWrite:
    case Commit::Kind::kCompareAndSwap:
      for (const Operation& each : commit.batch) {
        if (each.value) {
          state_[each.key] = *each.value;
        } else {
          state_.erase(each.key);
        }
      }
      break;
    case Commit::Kind::kDeleteRange:
      state_.erase(state_.lower_bound(commit.lower), state_.lower_bound(commit.upper));
      break;
    case Commit::Kind::kClear:
      state_.clear();
      break;
  }
}

absl::Status CellRun::ApplyToEngine(const Commit& commit,
                                    const std::optional<std::string>& expected) {
  switch (commit.kind) {
    case Commit::Kind::kWrite:
      return commit.batch.empty() ? absl::OkStatus() : engine_.Write(commit.batch);
    case Commit::Kind::kDeleteRange:
      return engine_.DeleteRange(commit.lower, commit.upper);
    case Commit::Kind::kClear:
      return engine_.Clear();
    case Commit::Kind::kCompareAndSwap: {
      const Operation& put = commit.batch.front();
      const absl::StatusOr<bool> swapped = engine_.CompareAndSwap(put.key, expected, *put.value);
      if (!swapped.ok()) return swapped.status();
      if (*swapped || storm_) return absl::OkStatus();
      return absl::InternalError(
          absl::StrCat("the key is not what it was set to, ", Shown(expected)));
    }
  }
  return absl::OkStatus();
}

void CellRun::ApplyChange() {
  for (const Commit& commit : plan_.change()) Apply(commit);
}

void CellRun::Settle() {
  if (!failed()) CheckOk("settling", engine_.Settle());
}

void CellRun::Hold() {
  std::unique_ptr<View> view = engine_.TakeSnapshot();
  if (!storm_) {
    held_.push_back({std::move(view), state_});
    return;
  }
  // Read now; read again at the end.
  State seen;
  const Bounds whole =
      prefix_.empty() ? Bounds{} : Bounds{.lower = prefix_, .upper = prefix_ + "~"};
  const std::unique_ptr<Cursor> cursor = view->NewCursor(whole);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    seen.emplace(cursor->key(), cursor->value());
  }
  held_.push_back({std::move(view), std::move(seen)});
}

// --- Walks --------------------------------------------------------------------------------

void CellRun::Seek() {
  if (failed()) return;
  const std::string& target = plan_.seek_target();
  Trace(absl::StrCat(backward_ ? "SeekForPrev(" : "Seek(", target, ")"));
  if (backward_) {
    cursor_->SeekForPrev(target);
    reference_.SeekForPrev(target);
  } else {
    cursor_->Seek(target);
    reference_.Seek(target);
  }
  Compare();
}

void CellRun::SeekToStart() {
  if (failed()) return;
  Trace(backward_ ? "SeekToLast" : "SeekToFirst");
  if (backward_) {
    cursor_->SeekToLast();
    reference_.SeekToLast();
  } else {
    cursor_->SeekToFirst();
    reference_.SeekToFirst();
  }
  Compare();
}

// One step in the direction of the walk, or against it.
void CellRun::StepOn() {
  if (failed()) return;
  const bool forward = backward_ == turned_;
  const bool off_end = !reference_.valid();
  const bool inwards = off_end && reference_.after_last() != forward;
  if (off_end && !steps_back_from_ends_) {
    if (!inwards) return;
    Trace(forward ? "SeekToFirst" : "SeekToLast");
    forward ? cursor_->SeekToFirst() : cursor_->SeekToLast();
  } else {
    Trace(forward ? "Next" : "Prev");
    forward ? cursor_->Next() : cursor_->Prev();
  }
  forward ? reference_.Next() : reference_.Prev();
  Compare();
}

void CellRun::StepBack() {
  turned_ = !turned_;
  StepOn();
}

// To the end, and one step beyond.
void CellRun::WalkOn() {
  while (!failed() && reference_.valid()) StepOn();
  StepOn();
}

bool CellRun::AtChangedKey() const {
  if (!reference_.valid()) return true;
  const std::string& key = reference_.entry().first;
  return backward_ == turned_ ? key >= plan_.changed_key() : key <= plan_.changed_key();
}

void CellRun::Walk() {
  if (cell_.direction != Direction::kTurning) return WalkOn();
  // Towards the changed key, and back from it; then round again, over everything.
  if (reference_.valid() && reference_.entry().first > plan_.changed_key()) turned_ = true;
  while (!failed() && !AtChangedKey()) StepOn();
  StepBack();
  WalkOn();
  StepBack();
  WalkOn();
  turned_ = false;
}

void CellRun::WalkUntilStormEnds() {
  while (storm_ && !failed() && crew_.running()) {
    trace_.clear();
    SeekToStart();
    WalkOn();
  }
}

void CellRun::Compare() {
  CheckOk("the iterator", cursor_->status());
  if (failed()) return;
  if (cursor_->Valid() != reference_.valid()) {
    return Fail(cursor_->Valid() ? absl::StrCat("shows ", std::string(cursor_->key()),
                                                ", must be past the end")
                                 : absl::StrCat("is past the end, must show ",
                                                reference_.entry().first));
  }
  if (!reference_.valid()) return;
  const auto& [key, value] = reference_.entry();
  if (cursor_->key() != key || cursor_->value() != value) {
    Fail(absl::StrCat("shows ", std::string(cursor_->key()), "=",
                      Shown(std::string(cursor_->value())), ", must show ", key, "=",
                      Shown(value)));
  }
}

// --- Findings -----------------------------------------------------------------------------

void CellRun::CheckEntries(std::string_view what, View& view, const State& state) {
  const Bounds whole =
      prefix_.empty() ? Bounds{} : Bounds{.lower = prefix_, .upper = prefix_ + "~"};
  const std::unique_ptr<Cursor> cursor = view.NewCursor(whole);
  auto right = state.begin();
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next(), ++right) {
    if (right != state.end() && cursor->key() == right->first && cursor->value() == right->second) {
      continue;
    }
    return Fail(absl::StrCat(
        std::string(what), " shows ", std::string(cursor->key()), "=",
        Shown(std::string(cursor->value())), ", must show ",
        right == state.end() ? "nothing more" : absl::StrCat(right->first, "=", Shown(right->second))));
  }
  CheckOk(what, cursor->status());
  if (!failed() && right != state.end()) {
    Fail(absl::StrCat(std::string(what), " ends, must show ", right->first, "=",
                      Shown(right->second)));
  }
}

void CellRun::CheckOk(std::string_view doing, const absl::Status& status) {
  if (!status.ok()) Fail(absl::StrCat(std::string(doing), " answers ", status.ToString()));
}

void CellRun::Fail(std::string_view what) {
  if (failed()) return;
  for (const auto& [step, count] : trace_) {
    absl::StrAppend(&failure_, step, count > 1 ? absl::StrCat(" x", count) : "", " ");
  }
  absl::StrAppend(&failure_, ": ", std::string(what));
}

void CellRun::Trace(std::string_view step) {
  if (trace_.empty() || trace_.back().first != step) {
    trace_.emplace_back(step, 1);
  } else {
    ++trace_.back().second;
  }
}

}  // namespace firn::matrix
