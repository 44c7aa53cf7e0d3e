#include "tests/support/db_player.h"

#include <utility>
#include <vector>

#include "tests/support/status_checks.h"
#include "tests/support/transcript.h"

namespace firn::test {
namespace {

using Verb = Operation::Verb;

std::string Refusal(const absl::Status& status) {
  const ErrorKind kind = KindOf(status);
  return kind == ErrorKind::kOther ? status.ToString() : Written(kind);
}

// A care that the Db has taken, or has no need of.
std::string Taken(const absl::Status& status) {
  return status.ok() || KindOf(status) == ErrorKind::kNotOnDisk ? kDone : status.ToString();
}

std::string Committed(const absl::StatusOr<CommitTs>& ts) {
  return ts.ok() ? Written(*ts) : Refusal(ts.status());
}

std::string Exchanged(const absl::StatusOr<ExchangeResult>& result) {
  if (!result.ok()) return Refusal(result.status());
  return Written(result->old) + Written(result->commit_ts);
}

}  // namespace

std::unique_ptr<Db> MemoryHome::Open(Clock& clock) {
  options_.clock = &clock;
  return ValueOf(Db::OpenInMemory(options_));
}

DbPlayer::DbPlayer(DbHome& home) : home_(home), db_(home.Open(clock_)) {}

std::string DbPlayer::Play(const Operation& operation) {
  if (IsCommit(operation.verb)) return Commit(operation);
  switch (operation.verb) {
    case Verb::kCount: {
      const DbStats stats = ValueOf(db_->Stats());
      return std::to_string(stats.key_count) + " keys, " + std::to_string(stats.logical_bytes) +
             " bytes";
    }
    case Verb::kTakeSnapshot:
      snapshots_[operation.place] = db_->GetSnapshot();
      return Written(snapshots_[operation.place]->ts());
    case Verb::kCloneSnapshot: {
      if (!snapshots_[operation.from]) return kEmptyPlace;
      Snapshot clone = snapshots_[operation.from]->Clone();
      const CommitTs ts = clone.ts();
      snapshots_[operation.place] = std::move(clone);
      return Written(ts);
    }
    case Verb::kReleaseSnapshot:
      snapshots_[operation.place].reset();
      return kDone;
    case Verb::kShowPin:
      return ShowPin(pins_[operation.place]);
    case Verb::kCloneIterator: {
      if (!iterators_[operation.from]) return kEmptyPlace;
      CheckingCursor clone = iterators_[operation.from]->Clone();
      iterators_[operation.place] = std::move(clone);
      return Standing(*iterators_[operation.place]);
    }
    case Verb::kCloseIterator:
      iterators_[operation.place].reset();
      return kDone;
    case Verb::kSeek:
    case Verb::kSeekForPrev:
    case Verb::kSeekToFirst:
    case Verb::kSeekToLast:
    case Verb::kNext:
    case Verb::kPrev:
    case Verb::kRefresh:
      return iterators_[operation.place] ? MoveIterator(operation) : kEmptyPlace;
    case Verb::kSettle:
      return Taken(db_->Settle());
    case Verb::kStep:
      return Taken(db_->StepBackgroundWork().status());
    case Verb::kFlush:
      return Taken(db_->Flush());
    case Verb::kCompact:
      return Taken(db_->Compact(operation.bounds.range()));
    case Verb::kVerify:
      return Taken(db_->VerifyInvariants());
    case Verb::kReopen:
      return Reopen();
    case Verb::kSetClock:
      clock_.Set(operation.clock_nanos);
      return kDone;
    default:
      break;
  }
  if (!operation.snapshot) return ReadFrom(*db_, operation);
  const std::optional<Snapshot>& snapshot = snapshots_[*operation.snapshot];
  return snapshot ? ReadFrom(*snapshot, operation) : kEmptyPlace;
}

std::string DbPlayer::Commit(const Operation& operation) {
  WriteOptions options;
  options.commit_ts = GivenTs(operation.stamp, db_->LatestCommitTs(), clock_.NowNanos());
  if (operation.raised && home_.on_disk()) options.durability = Durability::kSync;
  switch (operation.verb) {
    case Verb::kPut:
      return Committed(db_->Put(operation.key, operation.value, options));
    case Verb::kDelete:
      return Committed(db_->Delete(operation.key, options));
    case Verb::kDeleteRange:
      return Committed(db_->DeleteRange(operation.bounds.range(), options));
    case Verb::kClear:
      return Committed(db_->Clear(options));
    case Verb::kWrite: {
      WriteBatch batch;
      AddTo(batch, operation.batch);
      return Committed(db_->Write(batch, options));
    }
    case Verb::kLoadOrStore: {
      const absl::StatusOr<LoadOrStoreResult> result =
          db_->LoadOrStore(operation.key, operation.value, options);
      if (!result.ok()) return Refusal(result.status());
      return (result->loaded ? "loaded " : "stored ") +
             Written(Entry{operation.key, result->value, result->commit_ts});
    }
    case Verb::kLoadAndDelete:
      return Exchanged(db_->LoadAndDelete(operation.key, options));
    case Verb::kSwap:
      return Exchanged(db_->Swap(operation.key, operation.value, options));
    default:
      return Compare(operation, options);
  }
}

std::string DbPlayer::Compare(const Operation& operation, const WriteOptions& options) {
  std::optional<std::string> expected;
  if (operation.expected == Operation::Expected::kValue) expected = operation.expected_value;
  if (operation.expected == Operation::Expected::kCurrent) {
    expected = ValueOf(db_->Get(operation.key));
  }
  const absl::StatusOr<std::optional<CommitTs>> result =
      operation.verb == Verb::kCompareAndSwap
          ? db_->CompareAndSwap(operation.key, expected, operation.value, options)
          : db_->CompareAndDelete(operation.key, expected, options);
  if (!result.ok()) return Refusal(result.status());
  return *result ? Written(**result) : kConditionFailed;
}

template <class Source>
std::string DbPlayer::ReadFrom(const Source& source, const Operation& operation) {
  switch (operation.verb) {
    case Verb::kGet:
      return Written(ValueOf(source.Get(operation.key)));
    case Verb::kContains:
      return ValueOf(source.Contains(operation.key)) ? "yes" : "no";
    case Verb::kMultiGet: {
      const std::vector<std::string_view> keys(operation.keys.begin(), operation.keys.end());
      std::string text;
      for (const auto& value : ValueOf(source.MultiGet(keys))) text += Written(value) + ' ';
      return text;
    }
    case Verb::kPinValue:
      pins_[operation.place] = Pin{operation.key, ValueOf(source.GetPinned(operation.key))};
      return kDone;
    case Verb::kOpenIterator:
      iterators_[operation.place].emplace(source.NewIterator(operation.bounds.options()));
      return Standing(*iterators_[operation.place]);
    default:
      return Scan(CheckingCursor(source.NewIterator(operation.bounds.options())),
                  operation.backward);
  }
}

std::string DbPlayer::Scan(CheckingCursor cursor, bool backward) const {
  std::vector<Entry> entries;
  backward ? cursor.SeekToLast() : cursor.SeekToFirst();
  for (; cursor.Valid(); backward ? cursor.Prev() : cursor.Next()) {
    entries.push_back({std::string(cursor.key()), std::string(cursor.value()), cursor.commit_ts()});
  }
  return cursor.status().ok() ? Written(entries) : Refusal(cursor.status());
}

std::string DbPlayer::MoveIterator(const Operation& operation) {
  CheckingCursor& cursor = *iterators_[operation.place];
  switch (operation.verb) {
    case Verb::kSeek:
      cursor.Seek(operation.key);
      break;
    case Verb::kSeekForPrev:
      cursor.SeekForPrev(operation.key);
      break;
    case Verb::kSeekToFirst:
      cursor.SeekToFirst();
      break;
    case Verb::kSeekToLast:
      cursor.SeekToLast();
      break;
    case Verb::kNext:
      cursor.Next();
      break;
    case Verb::kPrev:
      cursor.Prev();
      break;
    default: {  // kRefresh
      const absl::Status refreshed = cursor.Refresh();
      if (!cursor.status().ok()) break;
      return (refreshed.ok() ? kDone : Refusal(refreshed)) + " " + Standing(cursor);
    }
  }
  return Standing(cursor);
}

std::string DbPlayer::Standing(const CheckingCursor& cursor) const {
  if (!cursor.status().ok()) return Refusal(cursor.status());
  const std::string moment = cursor.read_ts() ? Written(*cursor.read_ts()) : "no moment";
  if (!cursor.Valid()) return kNothing + (" at " + moment);
  return Written(
             Entry{std::string(cursor.key()), std::string(cursor.value()), cursor.commit_ts()}) +
         " at " + moment;
}

std::string DbPlayer::ShowPin(const std::optional<Pin>& pin) const {
  if (!pin) return kEmptyPlace;
  if (!pin->value) return kNothing;
  return Written(Entry{pin->key, std::string(pin->value->view()), pin->value->commit_ts()});
}

std::string DbPlayer::Reopen() {
  for (auto& iterator : iterators_) iterator.reset();
  for (auto& snapshot : snapshots_) snapshot.reset();
  for (auto& pin : pins_) pin.reset();
  db_ = home_.Reopen(std::move(db_));
  return Written(db_->LatestCommitTs());
}

}  // namespace firn::test
