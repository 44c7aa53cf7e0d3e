#include "tests/support/model_run.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

AssertionResult SameEntries(const std::vector<Entry>& actual, const std::vector<Entry>& expected) {
  const auto [got, wanted] =
      std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
  if (got == actual.end() && wanted == expected.end()) return AssertionSuccess();
  AssertionResult failure = AssertionFailure();
  failure << "entry " << got - actual.begin() << " of " << actual.size() << " (expected "
          << expected.size() << "): ";
  got == actual.end() ? failure << "the end" : failure << *got;
  failure << ", expected ";
  wanted == expected.end() ? failure << "the end" : failure << *wanted;
  return failure;
}

AssertionResult SameValue(const std::optional<std::string>& actual,
                          const std::optional<std::string>& expected) {
  if (actual == expected) return AssertionSuccess();
  return AssertionFailure() << (actual ? Printable(*actual) : "absent") << ", expected "
                            << (expected ? Printable(*expected) : "absent");
}

std::optional<std::string_view> View(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

}  // namespace

ModelRun::ModelRun(uint64_t seed) : random_(seed), clock_(random_.Below(1000)), keys_(random_) {
  options_ = TinyOptions();
  options_.background = random_.OneIn(2) ? BackgroundMode::kManual : BackgroundMode::kInline;
  options_.clock = &clock_;
  options_.tuning.settle_idle_us = random_.OneIn(2) ? 0 : 5;
  if (!random_.OneIn(3)) {
    options_.tuning.block_bytes = random_.Between(64, 1024);
    options_.tuning.block_entries = random_.Between(2, 16);
    options_.tuning.delta_slots = random_.Between(2, 8);
    options_.tuning.inner_fanout = random_.Between(4, 8);
    options_.tuning.large_value_bytes = random_.Between(16, 128);
  }
  largest_value_bytes_ = random_.OneIn(4) ? 400 : 2 * options_.tuning.large_value_bytes;
  db_ = OpenTestDb(options_);
  empty_stats_ = ValueOf(db_->Stats());
}

ModelRun::~ModelRun() = default;

std::string ModelRun::Description() const {
  std::ostringstream text;
  const TuningOptions& tuning = options_.tuning;
  text << (options_.background == BackgroundMode::kInline ? "inline" : "manual")
       << " block_bytes=" << tuning.block_bytes << " block_entries=" << tuning.block_entries
       << " delta_slots=" << tuning.delta_slots << " inner_fanout=" << tuning.inner_fanout
       << " large_value_bytes=" << tuning.large_value_bytes << ", " << keys_.keys().size()
       << " keys, " << snapshots_.size() << " snapshots, " << cursors_.size()
       << " cursors; last operations:\n";
  for (const std::string& line : trace_) text << "  " << line << '\n';
  return text.str();
}

// --- Random material.

std::string ModelRun::RandomValue() {
  const size_t bytes = random_.OneIn(3) ? random_.Below(largest_value_bytes_) : random_.Below(6);
  std::string value(bytes, static_cast<char>('A' + random_.Below(26)));
  if (!value.empty()) value.back() = static_cast<char>(random_.Next());
  return value;
}

KeyRange ModelRun::RandomRange() {
  range_ = keys_.Range();
  return range_.range();
}

WriteOptions ModelRun::RandomWriteOptions() {
  WriteOptions options;
  const uint64_t last_or_now = std::max(latest_.value, clock_.NowNanos());
  switch (random_.Below(16)) {
    case 0:
    case 1:
      options.commit_ts = CommitTs{latest_.value + random_.Between(1, 5)};
      break;
    case 2:
      options.commit_ts = CommitTs{last_or_now + 1'000'000'000};  // As far ahead as is legal.
      break;
    default:
      break;
  }
  if (random_.OneIn(16)) options.durability = Durability::kMemory;
  return options;
}

std::optional<std::string> ModelRun::LikelyValue(const std::string& key) {
  return random_.OneIn(3) ? std::optional<std::string>(RandomValue()) : oracle_.Get(key, latest_);
}

std::multiset<CommitTs> ModelRun::Pins() const {
  std::multiset<CommitTs> pins;
  for (const HeldSnapshot& held : snapshots_) pins.insert(held.ts);
  for (const HeldCursor& held : cursors_) {
    if (held.cursor.read_ts()) pins.insert(*held.cursor.read_ts());
  }
  return pins;
}

void ModelRun::Trace(const char* operation, const std::string& detail) {
  constexpr size_t kRemembered = 40;
  trace_.push_back(operation + (detail.empty() ? "" : " " + detail));
  if (trace_.size() > kRemembered) trace_.pop_front();
}

// --- Operations.

void ModelRun::Step() {
  using Operation = void (ModelRun::*)();
  struct Weighted {
    uint64_t weight;
    Operation operation;
  };
  static constexpr Weighted kOperations[] = {
      {200, &ModelRun::Put},
      {80, &ModelRun::Delete},
      {30, &ModelRun::DeleteRange},
      {3, &ModelRun::Clear},
      {60, &ModelRun::WriteBatchOfMany},
      {10, &ModelRun::WriteInThePast},
      {20, &ModelRun::LoadOrStore},
      {20, &ModelRun::LoadOrStoreLazily},
      {20, &ModelRun::LoadAndDelete},
      {20, &ModelRun::Swap},
      {30, &ModelRun::CompareAndSwap},
      {20, &ModelRun::CompareAndDelete},
      {40, &ModelRun::TakeSnapshot},
      {10, &ModelRun::CloneSnapshot},
      {48, &ModelRun::ReleaseSnapshot},
      {40, &ModelRun::OpenCursor},
      {10, &ModelRun::CloneCursor},
      {150, &ModelRun::MoveCursor},
      {10, &ModelRun::RefreshCursor},
      {45, &ModelRun::CloseCursor},
      {20, &ModelRun::PinValue},
      {20, &ModelRun::MoveClock},
      {15, &ModelRun::Settle},
      {60, &ModelRun::StepBackgroundWork},
  };
  static constexpr uint64_t kTotalWeight = [] {
    uint64_t total = 0;
    for (const Weighted& weighted : kOperations) total += weighted.weight;
    return total;
  }();

  uint64_t roll = random_.Below(kTotalWeight);
  const Weighted* chosen = kOperations;
  while (roll >= chosen->weight) roll -= (chosen++)->weight;
  (this->*chosen->operation)();
  CheckLiveState();
  if (!snapshots_.empty()) CheckSnapshot(random_.Pick(snapshots_));
}

void ModelRun::Committed(const absl::StatusOr<CommitTs>& committed, const WriteOptions& options) {
  ASSERT_TRUE(IsOk(committed));
  const CommitTs by_clock{std::max(latest_.value + 1, clock_.NowNanos())};
  EXPECT_EQ(*committed, options.commit_ts.value_or(by_clock));
  EXPECT_GT(*committed, latest_);
  latest_ = *committed;
}

void ModelRun::Put() {
  const std::string& key = keys_.Key();
  const std::string value =
      random_.OneIn(8) ? oracle_.Get(key, latest_).value_or("") : RandomValue();
  const WriteOptions options = RandomWriteOptions();
  Trace("Put", Printable(key) + " " + Printable(value));
  Committed(db_->Put(key, value, options), options);
  oracle_.Put(latest_, key, value);
}

void ModelRun::Delete() {
  const std::string& key = keys_.Key();
  const WriteOptions options = RandomWriteOptions();
  Trace("Delete", Printable(key));
  Committed(db_->Delete(key, options), options);
  oracle_.Delete(latest_, key);
}

void ModelRun::DeleteRange() {
  const KeyRange range = RandomRange();
  const WriteOptions options = RandomWriteOptions();
  Trace("DeleteRange", (range.lower ? Printable(*range.lower) : "-inf") + " " +
                           (range.upper ? Printable(*range.upper) : "+inf"));
  Committed(db_->DeleteRange(range, options), options);
  oracle_.DeleteRange(latest_, range);
}

void ModelRun::Clear() {
  const WriteOptions options = RandomWriteOptions();
  Trace("Clear");
  Committed(db_->Clear(options), options);
  oracle_.Clear(latest_);
}

void ModelRun::WriteBatchOfMany() {
  WriteBatch batch;
  std::string detail;
  for (uint64_t count = random_.Below(random_.OneIn(4) ? 60 : 8); count > 0; --count) {
    const std::string& key = keys_.Key();
    switch (random_.Below(8)) {
      case 0:
      case 1:
        batch.Delete(key);
        detail += " -" + Printable(key);
        break;
      case 2: {
        const KeyRange range = RandomRange();
        batch.DeleteRange(range);
        detail += " [" + (range.lower ? Printable(*range.lower) : "-inf") + ", " +
                  (range.upper ? Printable(*range.upper) : "+inf") + ")";
        break;
      }
      default: {
        const std::string value = RandomValue();
        batch.Put(key, value);
        detail += " " + Printable(key) + "=" + Printable(value);
        break;
      }
    }
  }
  Trace("Write", detail);
  if (batch.empty()) {
    EXPECT_EQ(ValueOf(db_->Write(batch)), latest_);
    return;
  }
  const WriteOptions options = RandomWriteOptions();
  Committed(db_->Write(batch, options), options);
  oracle_.Write(latest_, batch);
}

void ModelRun::WriteInThePast() {
  WriteOptions options;
  options.commit_ts = CommitTs{latest_.value - std::min(latest_.value, random_.Below(3))};
  Trace("Put in the past");
  EXPECT_TRUE(FailsWith(db_->Put(keys_.Key(), "late", options), ErrorKind::kTimestampInPast));
  options.commit_ts = CommitTs{std::max(latest_.value, clock_.NowNanos()) + 1'000'000'001};
  EXPECT_TRUE(FailsWith(db_->Clear(options), ErrorKind::kTimestampInFuture));
}

void ModelRun::LoadOrStore() {
  const std::string& key = keys_.Key();
  const std::string value = RandomValue();
  const WriteOptions options = RandomWriteOptions();
  const std::optional<Entry> before = oracle_.Find(key, latest_);
  Trace("LoadOrStore", Printable(key) + " " + Printable(value));
  const LoadOrStoreResult result = ValueOf(db_->LoadOrStore(key, value, options));
  EXPECT_EQ(result.loaded, before.has_value());
  if (before) {
    EXPECT_EQ((Entry{key, result.value, result.commit_ts}), *before);
  } else {
    EXPECT_EQ(result.value, value);
    Committed(result.commit_ts, options);
    oracle_.Put(latest_, key, value);
  }
}

void ModelRun::LoadOrStoreLazily() {
  enum class Factory { kReturns, kFails, kThrows, kIsOvertaken };
  const auto factory_does = static_cast<Factory>(random_.Below(4));
  const std::string& key = keys_.Key();
  const std::string value = RandomValue();
  const WriteOptions options;
  const std::optional<Entry> before = oracle_.Find(key, latest_);
  Trace("LoadOrStore lazily", Printable(key) + " " + Printable(value) + " factory " +
                                  std::to_string(static_cast<int>(factory_does)));
  int calls = 0;
  const auto factory = [&]() -> absl::StatusOr<std::string> {
    ++calls;
    if (factory_does == Factory::kFails) return absl::NotFoundError("no such recipe");
    if (factory_does == Factory::kThrows) throw 7;
    if (factory_does == Factory::kIsOvertaken) {
      Committed(db_->Put(key, "overtaker", options), options);
      oracle_.Put(latest_, key, "overtaker");
    }
    return value;
  };
  const absl::StatusOr<LoadOrStoreResult> result = db_->LoadOrStore(key, factory, options);
  EXPECT_EQ(calls, before ? 0 : 1);
  if (before || factory_does == Factory::kIsOvertaken) {
    ASSERT_TRUE(IsOk(result));
    EXPECT_TRUE(result->loaded);
    EXPECT_EQ((Entry{key, result->value, result->commit_ts}), oracle_.Find(key, latest_));
  } else if (factory_does == Factory::kFails) {
    EXPECT_EQ(result.status(), absl::NotFoundError("no such recipe"));
  } else if (factory_does == Factory::kThrows) {
    EXPECT_TRUE(FailsWith(result, ErrorKind::kFactoryThrew));
  } else {
    ASSERT_TRUE(IsOk(result));
    EXPECT_FALSE(result->loaded);
    EXPECT_EQ(result->value, value);
    Committed(result->commit_ts, options);
    oracle_.Put(latest_, key, value);
  }
}

void ModelRun::LoadAndDelete() {
  const std::string& key = keys_.Key();
  const WriteOptions options = RandomWriteOptions();
  Trace("LoadAndDelete", Printable(key));
  const ExchangeResult result = ValueOf(db_->LoadAndDelete(key, options));
  EXPECT_TRUE(SameValue(result.old, oracle_.Get(key, latest_)));
  Committed(result.commit_ts, options);
  oracle_.Delete(latest_, key);
}

void ModelRun::Swap() {
  const std::string& key = keys_.Key();
  const std::string value = RandomValue();
  const WriteOptions options = RandomWriteOptions();
  Trace("Swap", Printable(key) + " " + Printable(value));
  const ExchangeResult result = ValueOf(db_->Swap(key, value, options));
  EXPECT_TRUE(SameValue(result.old, oracle_.Get(key, latest_)));
  Committed(result.commit_ts, options);
  oracle_.Put(latest_, key, value);
}

void ModelRun::CompareAndSwap() {
  const std::string& key = keys_.Key();
  const std::optional<std::string> expected = LikelyValue(key);
  const std::string value = RandomValue();
  const WriteOptions options = RandomWriteOptions();
  Trace("CompareAndSwap", Printable(key) + " " + Printable(value));
  const std::optional<CommitTs> swapped =
      ValueOf(db_->CompareAndSwap(key, View(expected), value, options));
  ASSERT_EQ(swapped.has_value(), expected == oracle_.Get(key, latest_));
  if (!swapped) return;
  Committed(*swapped, options);
  oracle_.Put(latest_, key, value);
}

void ModelRun::CompareAndDelete() {
  const std::string& key = keys_.Key();
  const std::optional<std::string> expected = LikelyValue(key);
  const WriteOptions options = RandomWriteOptions();
  Trace("CompareAndDelete", Printable(key));
  const std::optional<CommitTs> deleted =
      ValueOf(db_->CompareAndDelete(key, View(expected), options));
  ASSERT_EQ(deleted.has_value(), expected == oracle_.Get(key, latest_));
  if (!deleted) return;
  Committed(*deleted, options);
  oracle_.Delete(latest_, key);
}

void ModelRun::TakeSnapshot() {
  constexpr size_t kMostSnapshots = 12;
  if (snapshots_.size() >= kMostSnapshots) return ReleaseSnapshot();
  Trace("TakeSnapshot");
  Snapshot snapshot = db_->GetSnapshot(Labelled("model"));
  EXPECT_TRUE(IsOk(snapshot.status()));
  EXPECT_EQ(snapshot.ts(), latest_);
  snapshots_.push_back({std::move(snapshot), latest_});
}

void ModelRun::CloneSnapshot() {
  if (snapshots_.empty()) return;
  Trace("CloneSnapshot");
  const HeldSnapshot& original = random_.Pick(snapshots_);
  const CommitTs ts = original.ts;
  Snapshot clone = original.snapshot.Clone();
  EXPECT_TRUE(IsOk(clone.status()));
  EXPECT_EQ(clone.ts(), ts);
  snapshots_.push_back({std::move(clone), ts});
}

void ModelRun::ReleaseSnapshot() {
  if (snapshots_.empty()) return;
  HeldSnapshot& released = random_.Pick(snapshots_);
  Trace("ReleaseSnapshot", std::to_string(released.ts.value));
  std::swap(released, snapshots_.back());
  snapshots_.pop_back();
}

void ModelRun::OpenCursor() {
  constexpr size_t kMostCursors = 12;
  if (cursors_.size() >= kMostCursors) return CloseCursor();
  const Bounds bounds = keys_.AnyBounds();
  std::ostringstream detail;
  detail << bounds;
  if (snapshots_.empty() || random_.OneIn(3)) {
    Trace("OpenCursor live", detail.str());
    cursors_.push_back({CheckingCursor(db_->NewIterator(bounds.options())),
                        OracleCursor(&oracle_, bounds, std::nullopt)});
  } else {
    const HeldSnapshot& held = random_.Pick(snapshots_);
    Trace("OpenCursor", "at " + std::to_string(held.ts.value) + " " + detail.str());
    cursors_.push_back({CheckingCursor(held.snapshot.NewIterator(bounds.options())),
                        OracleCursor(&oracle_, bounds, held.ts)});
  }
  if (bounds.crossed()) {
    EXPECT_TRUE(FailsWith(cursors_.back().cursor.status(), ErrorKind::kCrossedBounds));
  }
  CheckPosition(cursors_.back().cursor, cursors_.back().expected);
}

void ModelRun::CloneCursor() {
  if (cursors_.empty()) return;
  Trace("CloneCursor");
  const HeldCursor& original = random_.Pick(cursors_);
  HeldCursor clone{original.cursor.Clone(), original.expected};
  CheckPosition(clone.cursor, clone.expected);
  cursors_.push_back(std::move(clone));
}

void ModelRun::MoveCursor() {
  if (cursors_.empty()) return;
  HeldCursor& held = random_.Pick(cursors_);
  for (uint64_t moves = random_.Between(1, 6); moves > 0; --moves) {
    MoveBoth(held.cursor, held.expected);
  }
}

void ModelRun::MoveBoth(CheckingCursor& cursor, OracleCursor& expected) {
  const std::string target = keys_.Target();
  switch (random_.Below(10)) {
    case 0:
      Trace("Seek", Printable(target));
      cursor.Seek(target);
      expected.Seek(target, latest_);
      break;
    case 1:
      Trace("SeekForPrev", Printable(target));
      cursor.SeekForPrev(target);
      expected.SeekForPrev(target, latest_);
      break;
    case 2:
      Trace("SeekToFirst");
      cursor.SeekToFirst();
      expected.SeekToFirst(latest_);
      break;
    case 3:
      Trace("SeekToLast");
      cursor.SeekToLast();
      expected.SeekToLast(latest_);
      break;
    case 4:
    case 5:
    case 6:
      Trace("Next");
      cursor.Next();
      expected.Next();
      break;
    default:
      Trace("Prev");
      cursor.Prev();
      expected.Prev();
      break;
  }
  CheckPosition(cursor, expected);
}

void ModelRun::RefreshCursor() {
  if (cursors_.empty()) return;
  Trace("Refresh");
  HeldCursor& held = random_.Pick(cursors_);
  const absl::Status refreshed = held.cursor.Refresh();
  if (held.expected.bounds().crossed()) {
    EXPECT_TRUE(FailsWith(held.cursor.status(), ErrorKind::kCrossedBounds));
  } else if (held.expected.of_snapshot()) {
    EXPECT_TRUE(FailsWith(refreshed, ErrorKind::kFrozenIterator));
  } else {
    EXPECT_TRUE(IsOk(refreshed));
  }
  held.expected.Refresh();
  CheckPosition(held.cursor, held.expected);
}

void ModelRun::CloseCursor() {
  if (cursors_.empty()) return;
  Trace("CloseCursor");
  std::swap(random_.Pick(cursors_), cursors_.back());
  cursors_.pop_back();
}

void ModelRun::PinValue() {
  constexpr size_t kMostValues = 8;
  if (values_.size() >= kMostValues) {
    std::swap(random_.Pick(values_), values_.back());
    values_.pop_back();
  }
  const std::string& key = keys_.Key();
  Trace("PinValue", Printable(key));
  const bool live = snapshots_.empty() || random_.OneIn(2);
  const HeldSnapshot* held = live ? nullptr : &random_.Pick(snapshots_);
  absl::StatusOr<std::optional<PinnedValue>> pinned =
      live ? db_->GetPinned(key) : held->snapshot.GetPinned(key);
  ASSERT_TRUE(IsOk(pinned));
  const std::optional<Entry> expected = oracle_.Find(key, live ? latest_ : held->ts);
  ASSERT_EQ(pinned->has_value(), expected.has_value());
  if (expected) values_.push_back({std::move(**pinned), *expected});
}

void ModelRun::MoveClock() {
  const uint64_t now = clock_.NowNanos();
  const bool backward = random_.OneIn(4);
  clock_.Set(backward ? now / 2 : std::max(now, latest_.value) + random_.Below(100'000));
  Trace("MoveClock", std::to_string(clock_.NowNanos()));
}

void ModelRun::Settle() {
  Trace("Settle");
  EXPECT_TRUE(IsOk(db_->Settle()));
  CheckStatsAfterSettle();
}

void ModelRun::StepBackgroundWork() {
  Trace("StepBackgroundWork");
  EXPECT_TRUE(IsOk(db_->StepBackgroundWork()));
}

// --- Checks.

void ModelRun::CheckLiveState() {
  EXPECT_EQ(db_->LatestCommitTs(), latest_);
  const std::vector<std::string_view> keys(keys_.keys().begin(), keys_.keys().end());
  const auto values = ValueOf(db_->MultiGet(keys));
  ASSERT_EQ(values.size(), keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_TRUE(SameValue(values[i], oracle_.Get(keys_.keys()[i], latest_))) << Printable(keys[i]);
  }
  const std::string& key = keys_.Key();
  const std::optional<std::string> expected = oracle_.Get(key, latest_);
  EXPECT_TRUE(SameValue(ValueOf(db_->Get(key)), expected)) << Printable(key);
  EXPECT_EQ(ValueOf(db_->Contains(key)), expected.has_value());
  std::string buffer = "kept";
  EXPECT_EQ(ValueOf(db_->Get(key, &buffer)), expected.has_value());
  EXPECT_EQ(buffer, expected.value_or("kept"));
  const Bounds bounds;
  const std::vector<Entry> view = oracle_.View(latest_, bounds);
  EXPECT_TRUE(SameEntries(random_.OneIn(2) ? ReadForward(*db_) : ReadBackward(*db_), view));
}

void ModelRun::CheckSnapshot(const HeldSnapshot& held) {
  const auto trace = [&held] { return "at " + std::to_string(held.ts.value); };
  const std::string& key = keys_.Key();
  EXPECT_TRUE(SameValue(ValueOf(held.snapshot.Get(key)), oracle_.Get(key, held.ts)))
      << Printable(key) << ' ' << trace();
  Bounds bounds = keys_.AnyBounds();
  if (bounds.crossed()) bounds = {};
  const std::vector<Entry> view = oracle_.View(held.ts, bounds);
  EXPECT_TRUE(SameEntries(ReadForward(held.snapshot, bounds), view)) << bounds << ' ' << trace();
  EXPECT_TRUE(SameEntries(ReadBackward(held.snapshot, bounds), view)) << bounds << ' ' << trace();
}

void ModelRun::CheckPosition(const CheckingCursor& cursor, const OracleCursor& expected) {
  if (expected.bounds().crossed()) {
    EXPECT_FALSE(cursor.Valid());
    EXPECT_TRUE(FailsWith(cursor.status(), ErrorKind::kCrossedBounds));
    return;
  }
  EXPECT_TRUE(IsOk(cursor.status()));
  EXPECT_EQ(cursor.read_ts(), expected.read_ts());
  ASSERT_EQ(cursor.Valid(), expected.Valid());
  if (!cursor.Valid()) return;
  EXPECT_EQ((Entry{std::string(cursor.key()), std::string(cursor.value()), cursor.commit_ts()}),
            expected.entry());
}

void ModelRun::CheckCursor(HeldCursor& held) {
  CheckPosition(held.cursor, held.expected);
  // A clone walks on from here, so that the held one keeps its place.
  CheckingCursor clone = held.cursor.Clone();
  OracleCursor expected = held.expected;
  CheckPosition(clone, expected);
  for (uint64_t moves = random_.Below(8); moves > 0; --moves) MoveBoth(clone, expected);
  const bool forward = random_.OneIn(2);
  while (clone.Valid() && expected.Valid() && !::testing::Test::HasFailure()) {
    forward ? clone.Next() : clone.Prev();
    forward ? expected.Next() : expected.Prev();
    CheckPosition(clone, expected);
  }
}

void ModelRun::CheckEverything() {
  for (const HeldSnapshot& held : snapshots_) CheckSnapshot(held);
  for (HeldCursor& held : cursors_) CheckCursor(held);
  for (const HeldValue& held : values_) {
    EXPECT_EQ(Printable(held.pinned.view()), Printable(held.expected.value));
    EXPECT_TRUE(held.pinned.view() == held.expected.value);
    EXPECT_EQ(held.pinned.commit_ts(), held.expected.commit_ts);
  }
  const DbStats stats = ValueOf(db_->Stats());
  const std::vector<Entry> view = oracle_.View(latest_);
  EXPECT_EQ(stats.as_of, latest_);
  EXPECT_EQ(stats.key_count, view.size());
  uint64_t logical_bytes = 0;
  for (const Entry& entry : view) logical_bytes += entry.key.size() + entry.value.size();
  EXPECT_EQ(stats.logical_bytes, logical_bytes);
  EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
}

void ModelRun::CheckStatsAfterSettle() {
  const std::multiset<CommitTs> pins = Pins();
  const DbStats stats = ValueOf(db_->Stats());
  const Oracle::VersionCount kept = oracle_.CountKept({pins.begin(), pins.end()});
  EXPECT_GE(stats.version_count, kept.least);
  EXPECT_LE(stats.version_count, kept.most);
  EXPECT_EQ(stats.fresh_leaf_count, 0u);
  if (pins.empty()) {
    EXPECT_EQ(stats.owing_leaf_count, 0u);
  }
}

void ModelRun::CheckThatNothingStays() {
  Trace("the end");
  values_.clear();
  cursors_.clear();
  snapshots_.clear();
  Clear();
  CheckLiveState();
  Settle();
  const DbStats stats = ValueOf(db_->Stats());
  EXPECT_EQ(stats.version_count, 0u);
  EXPECT_EQ(stats.key_count, 0u);
  EXPECT_EQ(stats.large_value_bytes, 0u);
  EXPECT_EQ(stats.live_snapshot_count, 0u);
  EXPECT_EQ(stats.leaf_count, empty_stats_.leaf_count);
  EXPECT_EQ(stats.inner_node_count, empty_stats_.inner_node_count);
  EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
  EXPECT_TRUE(IsOk(db_->Close()));
}

}  // namespace firn::test
