#include "tools/matrix/cell_run.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

namespace firn::matrix {
namespace {

constexpr size_t kStormRounds = 8;  // Of each thread.

std::string Shown(const std::optional<std::string>& value) {
  if (!value) return "nothing";
  return value->size() <= 24 ? *value : absl::StrCat(value->substr(0, 24), "...");
}

std::string Shown(const Entries& entries, size_t index) {
  if (index == entries.size()) return "nothing more";
  return absl::StrCat(entries[index].first, "=", Shown(entries[index].second));
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
      plan_(cell, std::move(prefix), seed),
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

absl::Status CellRun::Erase() {
  const std::unique_ptr<View> view = engine_.TakeSnapshot();
  std::vector<Operation> deletes;
  for (const auto& [key, value] : ReadAll(*view)) deletes.push_back({key, std::nullopt});
  return deletes.empty() ? absl::OkStatus() : engine_.Write(deletes);
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
  WalkAllUntilStormEnds();
  if (view != nullptr && !failed()) CheckEntries("the snapshot, read again,", *view, frozen_);
}

void CellRun::RunLoop() {
  const std::unique_ptr<View> view = engine_.TakeSnapshot();
  frozen_ = state_;
  const Entries right = Within(frozen_, plan_.bounds());
  if (cell_.moment == Moment::kBeforeIterator) MakeChange();
  bool changes = cell_.moment != Moment::kBeforeIterator;
  do {
    LoopOnce(*view, right, changes);
    changes = false;
    CheckPair();
  } while (storm_ && !failed() && crew_.running());
  EndStorm();
  if (!failed()) CheckEntries("the snapshot, read again,", *view, frozen_);
}

void CellRun::LoopOnce(View& view, const Entries& right, bool changes) {
  size_t count = 0;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (failed()) return;
    if (count == right.size() || key != right[count].first || value != right[count].second) {
      return Fail(absl::StrCat("entry ", count, " is ", std::string(key), "=",
                               Shown(std::string(value)), ", must be ", Shown(right, count)));
    }
    ++count;
    const bool now = cell_.moment == Moment::kAfterSeek ? count == 1
                     : cell_.moment == Moment::kHalfWay ? key == plan_.half_way()
                                                        : count == right.size();
    if (changes && now) MakeChange();
  };
  const absl::Status status = cell_.reader == Reader::kRangeFor
                                  ? view.RangeFor(plan_.bounds(), visit)
                                  : view.Callback(plan_.bounds(), visit);
  CheckOk("the loop", status);
  if (!failed() && count != right.size()) {
    Fail(absl::StrCat("the loop ended, must show ", Shown(right, count)));
  }
}

void CellRun::RunPointReads() {
  const std::unique_ptr<View> view = engine_.TakeSnapshot();
  frozen_ = state_;
  std::vector<absl::StatusOr<std::optional<Pin>>> pins;
  if (cell_.reader == Reader::kGetPinned) {
    for (const std::string& key : plan_.asked_keys()) pins.push_back(view->GetPinned(key));
  }
  MakeChange();
  do {
    ReadPoints(*view);
    for (size_t i = 0; i < pins.size(); ++i) CheckPinned(plan_.asked_keys()[i], pins[i]);
    CheckPair();
  } while (storm_ && !failed() && crew_.running());
  EndStorm();
  if (!failed()) CheckEntries("the snapshot, read again,", *view, frozen_);
}

void CellRun::ReadPoints(View& view) {
  const std::vector<std::string>& keys = plan_.asked_keys();
  if (cell_.reader == Reader::kMultiGet) {
    const auto found = view.MultiGet(std::vector<std::string_view>(keys.begin(), keys.end()));
    CheckOk("MultiGet", found.status());
    for (size_t i = 0; found.ok() && i < keys.size(); ++i) CheckValue(keys[i], (*found)[i]);
    return;
  }
  for (const std::string& key : keys) {
    if (cell_.reader == Reader::kGetPinned) {
      CheckPinned(key, view.GetPinned(key));
      continue;
    }
    const auto found = view.Get(key);
    CheckOk("Get", found.status());
    if (found.ok()) CheckValue(key, *found);
  }
}

void CellRun::CheckPinned(const std::string& key, const absl::StatusOr<std::optional<Pin>>& pin) {
  CheckOk("GetPinned", pin.status());
  if (!pin.ok()) return;
  CheckValue(key, *pin ? std::optional<std::string>((*pin)->view) : std::nullopt);
}

void CellRun::CheckValue(const std::string& key, const std::optional<std::string>& found) {
  const std::optional<std::string> right = Find(frozen_, key);
  if (found != right) {
    Fail(absl::StrCat("key ", key, " is ", Shown(found), ", must be ", Shown(right)));
  }
}

// --- Between the steps of a reader -----------------------------------------------------------

void CellRun::MakeChange() {
  if (failed()) return;
  Trace("[change]");
  work_before_ = engine_.WorkDone();
  switch (cell_.writer) {
    case Writer::kSameThread:
      ChangeAndFollow();
      break;
    case Writer::kLockstep:
      crew_.RunOne([this] { ChangeAndFollow(); });
      break;
    case Writer::kStorm:
      BeginStorm();
      break;
  }
}

// The change, the snapshots around it, and what happens to the layout after it.
void CellRun::ChangeAndFollow() {
  if (cell_.age == Age::kOlderThanThree) Hold();
  ApplyChange();
  if (cell_.age != Age::kNewest) {
    Hold();
    Apply(plan_.OverwriteOther(5));
  }
  if (cell_.age == Age::kOlderThanThree) Hold();
  if (cell_.age == Age::kOlderThanReleased) held_.clear();

  switch (cell_.layout) {
    case Layout::kFresh:
    case Layout::kBoth:
      break;
    case Layout::kFrozen:
    case Layout::kReopened:
      Settle();
      break;
    case Layout::kSplit:
    case Layout::kMerged:
      for (const Commit& commit : plan_.reshape()) {
        Apply(commit);
        Settle();
      }
      break;
    case Layout::kPruned:
      PileUpVersions();
      Settle();
      break;
  }
  CheckLayout();
}

// Leaves the changed key as the change did, with versions that snapshots saw which are gone now: what
// prunes must drop those and keep the ones beside them.
void CellRun::PileUpVersions() {
  const std::unique_ptr<View> first = engine_.TakeSnapshot();
  Apply(plan_.Overwrite(7));
  const std::unique_ptr<View> second = engine_.TakeSnapshot();
  Apply(plan_.Overwrite(8));
  Settle();
  ApplyChange();
}

// Whether what the scenario says of the layout came about.
void CellRun::CheckLayout() {
  const std::optional<Work> now = engine_.WorkDone();
  if (failed() || !now || !work_before_) return;
  const auto require = [this](bool came_about, std::string_view what) {
    if (!came_about) Fail(absl::StrCat("the layout did not come about: ", std::string(what)));
  };
  switch (cell_.layout) {
    case Layout::kFresh:
    case Layout::kBoth:
      require(now->fresh_leaves > 0 && now->freezes == work_before_->freezes, "leaves were frozen");
      break;
    case Layout::kFrozen:
    case Layout::kReopened:
      require(storm_ || now->fresh_leaves == 0, "leaves are fresh");
      break;
    case Layout::kSplit:
      require(now->splits > work_before_->splits, "no leaf split");
      break;
    case Layout::kMerged:
      // A snapshot that was taken in mid-storm may keep what would merge.
      require(storm_ || now->merges > work_before_->merges, "no leaf merged");
      break;
    case Layout::kPruned:
      require(now->pruned_versions > work_before_->pruned_versions, "no version was pruned");
      break;
  }
}

void CellRun::BeginStorm() {
  storm_ = true;
  weather_ = [this](size_t thread) { Weather(thread); };
  if (cell_.age == Age::kOlderThanThree) Hold();
  crew_.Start(weather_);
  if (cell_.age != Age::kNewest) Hold();
  if (cell_.age == Age::kOlderThanThree) Hold();
  if (cell_.age == Age::kOlderThanReleased) held_.clear();
}

void CellRun::Weather(size_t thread) {
  std::mt19937_64 random(seed_ * WriterCrew::kThreads + thread);
  absl::Status status;
  for (size_t i = 0; i < kStormRounds && status.ok(); ++i) {
    if (random() % 2 == 0) {
      for (const Commit& commit : plan_.change()) status.Update(ApplyInStorm(commit));
    } else {
      status.Update(ApplyInStorm(plan_.AnyCommit(random())));
    }
    if (plan_.has_pair()) {
      status.Update(ApplyInStorm(plan_.PairCommit(thread * kStormRounds + i)));
    }
    if (thread == 0 && i % 4 == 3) status.Update(ReshapeInStorm());
  }
  storm_status_[thread] = status;
}

absl::Status CellRun::ApplyInStorm(const Commit& commit) {
  if (commit.kind != Commit::Kind::kCompareAndSwap) return ApplyToEngine(commit, std::nullopt);
  const auto found = engine_.TakeSnapshot()->Get(commit.batch.front().key);
  return found.ok() ? ApplyToEngine(commit, *found) : found.status();
}

absl::Status CellRun::ReshapeInStorm() {
  if (cell_.layout == Layout::kFresh || cell_.layout == Layout::kBoth) return absl::OkStatus();
  absl::Status status;
  for (const Commit& commit : plan_.reshape()) {
    status.Update(ApplyInStorm(commit));
    status.Update(engine_.Settle());
  }
  status.Update(engine_.Settle());
  return status;
}

// Of a pair, nobody ever sees one key without the other.
void CellRun::CheckPair() {
  if (failed() || !storm_ || !plan_.has_pair()) return;
  const std::unique_ptr<View> view = engine_.TakeSnapshot();
  const auto [first_key, second_key] = plan_.PairKeys();
  const auto first = view->Get(first_key);
  const auto second = view->Get(second_key);
  CheckOk("Get", first.status());
  CheckOk("Get", second.status());
  if (!failed() && *first != *second) {
    Fail(absl::StrCat("half a batch is visible: ", first_key, "=", Shown(*first), ", ", second_key,
                      "=", Shown(*second)));
  }
}

void CellRun::EndStorm() {
  if (!storm_) return;
  crew_.Wait();
  for (const absl::Status& status : storm_status_) CheckOk("a write of the storm", status);
  CheckLayout();
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
    TryWrongSwap(commit.batch.front().key, expected);
  }
  CheckOk("a write", ApplyToEngine(commit, expected));
  matrix::Apply(commit, &state_);
}

// A swap that expects anything but what is there changes nothing.
void CellRun::TryWrongSwap(const std::string& key, const std::optional<std::string>& value) {
  const std::optional<std::string> wrong = value ? std::nullopt : std::optional<std::string>("?");
  for (const auto& expected : {wrong, std::optional(value.value_or("") + "!")}) {
    const absl::StatusOr<bool> swapped =
        engine_.CompareAndSwap(key, expected, "swapped by mistake");
    CheckOk("a swap", swapped.status());
    if (swapped.ok() && *swapped) {
      Fail(absl::StrCat("a swap that expects ", Shown(expected), " replaces ", Shown(value)));
    }
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
  State seen = ReadAll(*view);  // And again at the end.
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

// Whatever is behind the cursor is as frozen as what is ahead.
void CellRun::WalkAllUntilStormEnds() {
  do {
    if (storm_) trace_.clear();
    SeekToStart();
    WalkOn();
    CheckPair();
  } while (storm_ && !failed() && crew_.running());
}

void CellRun::Compare() {
  CheckOk("the iterator", cursor_->status());
  if (failed()) return;
  if (cursor_->Valid() != reference_.valid()) {
    return Fail(cursor_->Valid()
                    ? absl::StrCat("shows ", std::string(cursor_->key()), ", must be past the end")
                    : absl::StrCat("is past the end, must show ", reference_.entry().first));
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

State CellRun::ReadAll(View& view) {
  State seen;
  if (!engine_.promises().cursors) {
    for (const std::string& key : plan_.line()) {
      const absl::StatusOr<std::optional<std::string>> value = view.Get(key);
      CheckOk("Get", value.status());
      if (value.ok() && *value) seen.insert_or_assign(key, **value);
    }
    return seen;
  }
  const std::unique_ptr<Cursor> cursor = view.NewCursor(plan_.whole());
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    seen.insert_or_assign(std::string(cursor->key()), std::string(cursor->value()));
  }
  CheckOk("the iterator", cursor->status());
  return seen;
}

void CellRun::CheckEntries(std::string_view what, View& view, const State& right) {
  const State seen = ReadAll(view);
  const auto [shown, wanted] = std::mismatch(seen.begin(), seen.end(), right.begin(), right.end());
  if (failed() || (shown == seen.end() && wanted == right.end())) return;
  const auto entry = [](const State& state, State::const_iterator at) {
    return at == state.end() ? "nothing more" : absl::StrCat(at->first, "=", Shown(at->second));
  };
  Fail(absl::StrCat(std::string(what), " shows ", entry(seen, shown), ", must show ",
                    entry(right, wanted)));
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
