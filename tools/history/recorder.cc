#include "tools/history/recorder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace firn::history {
namespace {

int64_t NowNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

WriteStep PutOf(KeyIndex key, ValueId value) {
  return {WriteStep::Kind::kPut, {key, key + 1}, value};
}
WriteStep DeleteOf(KeyIndex key) { return {WriteStep::Kind::kDelete, {key, key + 1}}; }

}  // namespace

Recorder::Recorder(uint32_t client, const KeySet& keys) : keys_(keys) { log_.client = client; }

Log Recorder::TakeLog() {
  Log next{log_.client, log_.first_number + log_.operations.size()};
  return std::exchange(log_, std::move(next));
}

// --- The frame of every call.

Operation Recorder::Begin(Verb verb) const {
  Operation operation{.verb = verb};
  operation.begin_ns = NowNanos();
  operation.visible_before = db_->LatestCommitTs();
  return operation;
}

void Recorder::End(Operation& operation) const {
  operation.visible_after = db_->LatestCommitTs();
  operation.end_ns = NowNanos();
}

void Recorder::Append(Operation operation, const absl::Status& status) {
  if (!status.ok()) operation.failure = status.ToString();
  log_.operations.push_back(std::move(operation));
}

template <class Call>
auto Recorder::From(const Snapshot* view, Call call) const {
  return view != nullptr ? call(*view) : call(*db_);
}

// `note(operation, *result)` writes down what was seen.
template <class Result, class Note>
void Recorder::AppendRead(Operation operation, const Snapshot* view, const Result& result,
                          Note note) {
  if (view != nullptr) operation.read_ts = view->ts();
  if (result.ok()) note(operation, *result);
  Append(std::move(operation), result.status());
}

// --- Reads.

ValueId Recorder::Get(const Snapshot* view, KeyIndex key) {
  Operation operation = Begin(Verb::kGet);
  const auto result = From(view, [&](const auto& source) { return source.Get(keys_.key(key)); });
  End(operation);
  ValueId seen = kAbsent;
  AppendRead(std::move(operation), view, result, [&](Operation& noted, const auto& value) {
    seen = IdOrAbsent(value);
    noted.sightings.push_back({.key = key, .value = seen});
  });
  return seen;
}

void Recorder::GetPinned(const Snapshot* view, KeyIndex key) {
  Operation operation = Begin(Verb::kGetPinned);
  const auto result =
      From(view, [&](const auto& source) { return source.GetPinned(keys_.key(key)); });
  End(operation);
  AppendRead(std::move(operation), view, result, [&](Operation& noted, const auto& pinned) {
    Sighting sighting{.key = key};
    if (pinned) {
      sighting.value = IdOfValue(pinned->view());
      sighting.commit_ts = pinned->commit_ts();
    }
    noted.sightings.push_back(sighting);
  });
}

void Recorder::MultiGet(const Snapshot* view, const std::vector<KeyIndex>& keys) {
  std::vector<std::string_view> names;
  for (const KeyIndex key : keys) names.push_back(keys_.key(key));
  Operation operation = Begin(Verb::kMultiGet);
  const auto result = From(view, [&](const auto& source) { return source.MultiGet(names); });
  End(operation);
  AppendRead(std::move(operation), view, result, [&](Operation& noted, const auto& values) {
    for (size_t i = 0; i < keys.size(); ++i) {
      noted.sightings.push_back({.key = keys[i], .value = IdOrAbsent(values[i])});
    }
  });
}

void Recorder::Contains(const Snapshot* view, KeyIndex key) {
  Operation operation = Begin(Verb::kContains);
  const auto result =
      From(view, [&](const auto& source) { return source.Contains(keys_.key(key)); });
  End(operation);
  AppendRead(std::move(operation), view, result, [&](Operation& noted, bool contains) {
    noted.sightings.push_back({.key = key, .is = !contains, .value = kAbsent});
  });
}

void Recorder::RangeCallback(const Snapshot* view, KeySpan span, size_t most) {
  Operation operation = Begin(Verb::kRangeCallback);
  std::vector<Sighting> seen;
  const auto visit = [&](std::string_view key, std::string_view value) {
    seen.push_back({.key = keys_.IndexOf(key), .value = IdOfValue(value)});
    return seen.size() < most;
  };
  const absl::Status status =
      From(view, [&](const auto& source) { return source.Range(Bounds(span), visit); });
  End(operation);
  if (view != nullptr) operation.read_ts = view->ts();
  operation.scan = Scan{span, true};
  if (seen.size() == most) operation.scan->covered.upper = seen.back().key + 1;
  operation.sightings = std::move(seen);
  Append(std::move(operation), status);
}

void Recorder::RangeFor(const Snapshot& view, KeySpan span, size_t most) {
  Operation operation = Begin(Verb::kRangeFor);
  operation.read_ts = view.ts();
  operation.scan = Scan{span, true};
  EntryRange range = view.Range(keys_.LowerBound(span).value_or(""),
                                keys_.UpperBound(span).value_or(kAboveAllKeys));
  for (const auto [key, value] : range) {
    const KeyIndex index = keys_.IndexOf(key);
    operation.sightings.push_back({.key = index, .value = IdOfValue(value)});
    if (operation.sightings.size() < most) continue;
    operation.scan->covered.upper = index + 1;
    break;
  }
  End(operation);
  Append(std::move(operation), range.status());
}

// --- Views.

Snapshot Recorder::TakeSnapshot(const std::string& label) {
  Operation operation = Begin(Verb::kGetSnapshot);
  Snapshot snapshot = db_->GetSnapshot({.label = label});
  End(operation);
  operation.read_ts = snapshot.ts();
  operation.takes_view = true;
  Append(std::move(operation), snapshot.status());
  return snapshot;
}

IteratorOptions Recorder::Bounds(KeySpan span) const {
  IteratorOptions options;
  options.lower_bound = keys_.LowerBound(span);
  options.upper_bound = keys_.UpperBound(span);
  return options;
}

Walker Recorder::NewWalker(const Snapshot* view, KeySpan bounds, bool keys_only) const {
  IteratorOptions options = Bounds(bounds);
  options.keys_only = keys_only;
  return {From(view, [&](const auto& source) { return source.NewIterator(options); }), bounds,
          view == nullptr, keys_only};
}

KeyIndex Recorder::NoteEntry(const Walker& walker, Operation& operation) const {
  const Iterator& at = walker.iterator;
  Sighting sighting{.key = keys_.IndexOf(at.key()), .commit_ts = at.commit_ts()};
  if (walker.keys_only) {
    sighting.is = false;
    sighting.value = kAbsent;
  } else {
    sighting.value = IdOfValue(at.value());
  }
  operation.sightings.push_back(sighting);
  return sighting.key;
}

void Recorder::Walk(Walker& walker, bool forward, std::optional<KeyIndex> seek, size_t steps) {
  Iterator& at = walker.iterator;
  const auto move = [&] { forward ? at.Next() : at.Prev(); };
  Operation operation = Begin(Verb::kWalk);
  operation.takes_view = !at.read_ts();
  // What of the bounds lies ahead; cut at the last entry shown once that is known.
  KeySpan covered = walker.bounds;
  if (!seek) {
    (forward ? covered.lower : covered.upper) = forward ? walker.next : walker.prev;
    move();
  } else if (forward) {
    covered.lower = std::clamp(*seek, covered.lower, covered.upper);
    *seek == 0 ? at.SeekToFirst() : at.Seek(keys_.key(*seek));
  } else {
    covered.upper = std::clamp(*seek + 1, covered.lower, covered.upper);
    *seek + 1 == keys_.size() ? at.SeekToLast() : at.SeekForPrev(keys_.key(*seek));
  }
  while (at.Valid()) {
    const KeyIndex key = NoteEntry(walker, operation);
    walker.next = key + 1;
    walker.prev = key;
    if (operation.sightings.size() >= steps) break;
    move();
  }
  if (at.Valid()) {
    (forward ? covered.upper : covered.lower) = forward ? walker.next : walker.prev;
  } else {
    walker.next = walker.prev = forward ? walker.bounds.upper : walker.bounds.lower;
  }
  End(operation);
  walker.positioned = true;
  operation.read_ts = at.read_ts();
  operation.scan = Scan{covered, forward};
  Append(std::move(operation), at.status());
}

void Recorder::Refresh(Walker& walker) {
  Operation operation = Begin(Verb::kCare);
  const absl::Status status = walker.iterator.Refresh();
  End(operation);
  walker.positioned = false;
  Append(std::move(operation), status);
}

void Recorder::Care(absl::FunctionRef<absl::Status(Db& db)> work) {
  Operation operation = Begin(Verb::kCare);
  const absl::Status status = work(*db_);
  End(operation);
  Append(std::move(operation), status);
}

// --- Writes.

void Recorder::AppendCommit(Operation operation, const absl::StatusOr<CommitTs>& committed) {
  if (committed.ok()) operation.commit_ts = *committed;
  Append(std::move(operation), committed.status());
}

void Recorder::Put(KeyIndex key, const WriteOptions& options) {
  const ValueId value = NewValue();
  const std::string bytes = ValueBytes(value);
  Operation operation = Begin(Verb::kPut);
  const auto committed = db_->Put(keys_.key(key), bytes, options);
  End(operation);
  operation.writes = {PutOf(key, value)};
  AppendCommit(std::move(operation), committed);
}

void Recorder::Delete(KeyIndex key) {
  Operation operation = Begin(Verb::kDelete);
  const auto committed = db_->Delete(keys_.key(key));
  End(operation);
  operation.writes = {DeleteOf(key)};
  AppendCommit(std::move(operation), committed);
}

void Recorder::DeleteRange(KeySpan span) {
  Operation operation = Begin(Verb::kDeleteRange);
  const auto committed = db_->DeleteRange(keys_.Range(span));
  End(operation);
  operation.writes = {{WriteStep::Kind::kDeleteRange, span}};
  AppendCommit(std::move(operation), committed);
}

void Recorder::Clear() {
  Operation operation = Begin(Verb::kClear);
  const auto committed = db_->Clear();
  End(operation);
  operation.writes = {{WriteStep::Kind::kDeleteRange, keys_.all()}};
  AppendCommit(std::move(operation), committed);
}

void Recorder::Write(std::vector<WriteStep> steps, const WriteOptions& options) {
  WriteBatch batch;
  for (WriteStep& step : steps) {
    switch (step.kind) {
      case WriteStep::Kind::kPut:
        step.value = NewValue();
        batch.Put(keys_.key(step.keys.lower), ValueBytes(step.value));
        break;
      case WriteStep::Kind::kDelete:
        batch.Delete(keys_.key(step.keys.lower));
        break;
      case WriteStep::Kind::kDeleteRange:
        batch.DeleteRange(keys_.Range(step.keys));
        break;
    }
  }
  Operation operation = Begin(Verb::kWrite);
  const auto committed = db_->Write(batch, options);
  End(operation);
  operation.writes = std::move(steps);
  AppendCommit(std::move(operation), committed);
}

// No commit: what it returns is what a snapshot taken now would read at.
void Recorder::WriteNothing() {
  Operation operation = Begin(Verb::kWriteNothing);
  const auto latest = db_->Write(WriteBatch());
  End(operation);
  if (latest.ok()) {
    operation.read_ts = *latest;
    operation.takes_view = true;
  }
  Append(std::move(operation), latest.status());
}

// --- Conditional writes.

void Recorder::AppendExchange(Operation operation, KeyIndex key,
                              const absl::StatusOr<ExchangeResult>& result) {
  if (result.ok()) {
    operation.commit_ts = result->commit_ts;
    operation.sightings = {{.key = key, .value = IdOrAbsent(result->old)}};
  }
  Append(std::move(operation), result.status());
}

void Recorder::LoadAndDelete(KeyIndex key) {
  Operation operation = Begin(Verb::kLoadAndDelete);
  const auto result = db_->LoadAndDelete(keys_.key(key));
  End(operation);
  operation.writes = {DeleteOf(key)};
  AppendExchange(std::move(operation), key, result);
}

void Recorder::Swap(KeyIndex key) {
  const ValueId value = NewValue();
  const std::string bytes = ValueBytes(value);
  Operation operation = Begin(Verb::kSwap);
  const auto result = db_->Swap(keys_.key(key), bytes);
  End(operation);
  operation.writes = {PutOf(key, value)};
  AppendExchange(std::move(operation), key, result);
}

void Recorder::AppendLoadOrStore(Operation operation, KeyIndex key, ValueId value,
                                 const absl::StatusOr<LoadOrStoreResult>& result) {
  absl::Status status = result.status();
  if (result.ok() && result->loaded) {
    operation.sightings = {
        {.key = key, .value = IdOfValue(result->value), .commit_ts = result->commit_ts}};
  } else if (result.ok()) {
    operation.commit_ts = result->commit_ts;
    operation.sightings = {{.key = key, .value = kAbsent}};
    operation.writes = {PutOf(key, value)};
    if (IdOfValue(result->value) != value) {
      status =
          absl::InternalError("it says that it stored a value other than the one it was given");
    }
  }
  Append(std::move(operation), status);
}

void Recorder::LoadOrStore(KeyIndex key) {
  const ValueId value = NewValue();
  const std::string bytes = ValueBytes(value);
  Operation operation = Begin(Verb::kLoadOrStore);
  const auto result = db_->LoadOrStore(keys_.key(key), bytes);
  End(operation);
  AppendLoadOrStore(std::move(operation), key, value, result);
}

void Recorder::LazyLoadOrStore(KeyIndex key) {
  const ValueId value = NewValue();
  const auto make = [&]() -> absl::StatusOr<std::string> { return ValueBytes(value); };
  Operation operation = Begin(Verb::kLazyLoadOrStore);
  const auto result = db_->LoadOrStore(keys_.key(key), make);
  End(operation);
  AppendLoadOrStore(std::move(operation), key, value, result);
}

void Recorder::AppendCompared(Operation operation, KeyIndex key, ValueId expected,
                              const absl::StatusOr<std::optional<CommitTs>>& committed) {
  if (committed.ok()) {
    operation.commit_ts = *committed;
    operation.sightings = {{.key = key, .is = operation.commit_ts.has_value(), .value = expected}};
    if (!operation.commit_ts) operation.writes.clear();
  }
  Append(std::move(operation), committed.status());
}

void Recorder::CompareAndSwap(KeyIndex key, ValueId expected) {
  const ValueId value = NewValue();
  const std::string bytes = ValueBytes(value);
  const std::optional<std::string> old = BytesOrAbsent(expected);
  Operation operation = Begin(Verb::kCompareAndSwap);
  const auto committed = db_->CompareAndSwap(keys_.key(key), old, bytes);
  End(operation);
  operation.writes = {PutOf(key, value)};
  AppendCompared(std::move(operation), key, expected, committed);
}

void Recorder::CompareAndDelete(KeyIndex key, ValueId expected) {
  const std::optional<std::string> old = BytesOrAbsent(expected);
  Operation operation = Begin(Verb::kCompareAndDelete);
  const auto committed = db_->CompareAndDelete(keys_.key(key), old);
  End(operation);
  operation.writes = {DeleteOf(key)};
  AppendCompared(std::move(operation), key, expected, committed);
}

}  // namespace firn::history
