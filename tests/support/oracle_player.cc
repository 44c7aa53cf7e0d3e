#include "tests/support/oracle_player.h"

#include <algorithm>

#include "tests/support/transcript.h"

namespace firn::test {
namespace {

using Verb = Operation::Verb;

bool IsCrossed(const Operation& operation) {
  if (operation.verb == Verb::kDeleteRange) return operation.bounds.crossed();
  return std::any_of(operation.batch.begin(), operation.batch.end(), IsCrossed);
}

WriteBatch BatchOf(const Operation& operation) {
  WriteBatch batch;
  AddTo(batch, operation.batch);
  return batch;
}

}  // namespace

std::string OraclePlayer::Play(const Operation& operation) {
  if (IsCommit(operation.verb)) return Commit(operation);
  switch (operation.verb) {
    case Verb::kCount: {
      uint64_t bytes = 0;
      const std::vector<Entry> view = oracle_.View(latest_);
      for (const Entry& entry : view) bytes += entry.key.size() + entry.value.size();
      return std::to_string(view.size()) + " keys, " + std::to_string(bytes) + " bytes";
    }
    case Verb::kTakeSnapshot:
      snapshots_[operation.place] = latest_;
      return Written(latest_);
    case Verb::kCloneSnapshot:
      if (!snapshots_[operation.from]) return kEmptyPlace;
      snapshots_[operation.place] = snapshots_[operation.from];
      return Written(*snapshots_[operation.place]);
    case Verb::kReleaseSnapshot:
      snapshots_[operation.place].reset();
      return kDone;
    case Verb::kShowPin:
      if (!pins_[operation.place]) return kEmptyPlace;
      return pins_[operation.place]->entry ? Written(*pins_[operation.place]->entry) : kNothing;
    case Verb::kCloneIterator:
      if (!iterators_[operation.from]) return kEmptyPlace;
      iterators_[operation.place] = iterators_[operation.from];
      return Standing(*iterators_[operation.place]);
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
    case Verb::kReopen:
      DropHandles();
      return Written(latest_);
    case Verb::kSetClock:
      now_nanos_ = operation.clock_nanos;
      return kDone;
    case Verb::kSettle:
    case Verb::kStep:
    case Verb::kFlush:
    case Verb::kCompact:
    case Verb::kVerify:
      return kDone;
    default:
      break;
  }
  if (operation.verb == Verb::kOpenIterator) return OpenIterator(operation);
  const std::optional<CommitTs> ts = ReadTs(operation);
  if (!ts) return kEmptyPlace;
  if (operation.verb == Verb::kPinValue) {
    pins_[operation.place] = Pin{oracle_.Find(operation.key, *ts)};
    return kDone;
  }
  return ReadAt(operation, *ts);
}

bool OraclePlayer::Holds(const Operation& operation) const {
  const std::optional<std::string> now = oracle_.Get(operation.key, latest_);
  switch (operation.expected) {
    case Operation::Expected::kAbsent:
      return !now;
    case Operation::Expected::kValue:
      return now == operation.expected_value;
    case Operation::Expected::kCurrent:
      return true;
  }
  return false;
}

std::string OraclePlayer::Commit(const Operation& operation) {
  if (IsCrossed(operation)) return Written(ErrorKind::kCrossedBounds);
  if (operation.verb == Verb::kWrite && operation.batch.empty()) return Written(latest_);
  const std::optional<Entry> before = oracle_.Find(operation.key, latest_);
  const bool compares =
      operation.verb == Verb::kCompareAndSwap || operation.verb == Verb::kCompareAndDelete;
  if (compares && !Holds(operation)) return kConditionFailed;
  if (operation.verb == Verb::kLoadOrStore && before) return "loaded " + Written(*before);
  if (operation.stamp == Operation::Stamp::kInPast) return Written(ErrorKind::kTimestampInPast);
  if (operation.stamp == Operation::Stamp::kInFuture) {
    return Written(ErrorKind::kTimestampInFuture);
  }
  const CommitTs by_clock{std::max(latest_.value + 1, now_nanos_)};
  latest_ = GivenTs(operation.stamp, latest_, now_nanos_).value_or(by_clock);
  switch (operation.verb) {
    case Verb::kDelete:
    case Verb::kLoadAndDelete:
    case Verb::kCompareAndDelete:
      oracle_.Delete(latest_, operation.key);
      break;
    case Verb::kDeleteRange:
      oracle_.DeleteRange(latest_, operation.bounds.range());
      break;
    case Verb::kClear:
      oracle_.Clear(latest_);
      break;
    case Verb::kWrite:
      oracle_.Write(latest_, BatchOf(operation));
      break;
    default:
      oracle_.Put(latest_, operation.key, operation.value);
      break;
  }
  switch (operation.verb) {
    case Verb::kLoadOrStore:
      return "stored " + Written(Entry{operation.key, operation.value, latest_});
    case Verb::kLoadAndDelete:
    case Verb::kSwap:
      return (before ? Written(std::string_view(before->value)) : kNothing) + Written(latest_);
    default:
      return Written(latest_);
  }
}

std::optional<CommitTs> OraclePlayer::ReadTs(const Operation& operation) const {
  return operation.snapshot ? snapshots_[*operation.snapshot] : latest_;
}

std::string OraclePlayer::ReadAt(const Operation& operation, CommitTs ts) const {
  switch (operation.verb) {
    case Verb::kGet:
      return Written(oracle_.Get(operation.key, ts));
    case Verb::kContains:
      return oracle_.Get(operation.key, ts) ? "yes" : "no";
    case Verb::kMultiGet: {
      std::string text;
      for (const std::string& key : operation.keys) text += Written(oracle_.Get(key, ts)) + ' ';
      return text;
    }
    default: {  // kScan
      if (operation.bounds.crossed()) return Written(ErrorKind::kCrossedBounds);
      std::vector<Entry> view = oracle_.View(ts, operation.bounds);
      if (operation.backward) std::reverse(view.begin(), view.end());
      return Written(view);
    }
  }
}

std::string OraclePlayer::OpenIterator(const Operation& operation) {
  std::optional<CommitTs> ts;
  if (operation.snapshot) {
    ts = snapshots_[*operation.snapshot];
    if (!ts) return kEmptyPlace;
  }
  iterators_[operation.place].emplace(&oracle_, operation.bounds, ts);
  return Standing(*iterators_[operation.place]);
}

std::string OraclePlayer::MoveIterator(const Operation& operation) {
  OracleCursor& cursor = *iterators_[operation.place];
  switch (operation.verb) {
    case Verb::kSeek:
      cursor.Seek(operation.key, latest_);
      break;
    case Verb::kSeekForPrev:
      cursor.SeekForPrev(operation.key, latest_);
      break;
    case Verb::kSeekToFirst:
      cursor.SeekToFirst(latest_);
      break;
    case Verb::kSeekToLast:
      cursor.SeekToLast(latest_);
      break;
    case Verb::kNext:
      cursor.Next();
      break;
    case Verb::kPrev:
      cursor.Prev();
      break;
    default:  // kRefresh
      if (cursor.bounds().crossed()) break;
      cursor.Refresh();
      return (cursor.of_snapshot() ? Written(ErrorKind::kFrozenIterator) : kDone) + " " +
             Standing(cursor);
  }
  return Standing(cursor);
}

std::string OraclePlayer::Standing(const OracleCursor& cursor) const {
  if (cursor.bounds().crossed()) return Written(ErrorKind::kCrossedBounds);
  const std::string moment = cursor.read_ts() ? Written(*cursor.read_ts()) : "no moment";
  return (cursor.Valid() ? Written(cursor.entry()) : kNothing) + " at " + moment;
}

void OraclePlayer::DropHandles() {
  iterators_.fill(std::nullopt);
  snapshots_.fill(std::nullopt);
  pins_.fill(std::nullopt);
}

}  // namespace firn::test
