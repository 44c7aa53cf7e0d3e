#include "tests/matrix/faulty_engine.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace firn::matrix {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Fault::kCount)> kNames = {
    "none",
    "iterator not frozen",
    "snapshot one commit late",
    "snapshot one commit early",
    "anchored at creation: too early",
    "anchored at the first step: too late",
    "Refresh stays where it was",
    "a re-seek after the end anchors anew",
    "range-for reads now",
    "callback reads now",
    "MultiGet reads two moments",
    "Get of what is absent falls through to now",
    "releasing a snapshot unpins an older one",
    "tombstone visible",
    "tombstone dropped early",
    "overwritten in place",
    "pinned value overwritten",
    "one version pruned too many",
    "a split hides a key from iterators",
    "batch in two commits",
    "range delete misses its last key",
    "Clear keeps the last key",
    "compare-and-swap ignores what it expects",
    "upper bound inclusive",
    "lower bound exclusive",
    "seek-for-prev off by one",
    "Prev after the end skips",
    "turning round skips",
    "a re-seek after the end sticks",
};

constexpr size_t kFillBatch = 24;  // A batch this large splits leaves.

std::string Copy(std::string_view bytes) { return std::string(bytes); }

// What cursors, views and their engine share.
struct Shared {
  Fault fault;
  std::unique_ptr<Engine> engine;

  bool Has(Fault planted) const { return fault == planted; }
  std::optional<std::string> Newest(std::string_view key) const {
    return engine->TakeSnapshot()->Get(key).value_or(std::nullopt);
  }

  std::atomic<uint64_t> settle_count = 0;
  std::atomic<uint64_t> view_count = 0;
  std::atomic<uint64_t> highest_released = 0;  // Of views, by the order in which they were taken.

  std::mutex mutex;
  // Under mutex:
  uint64_t fill_count = 0;
  std::string filled_key;  // The key whose leaf was filled last.
  std::map<std::string, std::shared_ptr<std::string>, std::less<>> pinned;
  std::map<std::string, std::string, std::less<>> deleted;  // What deletes hid.
  std::shared_ptr<View> before_last_commit;
  std::vector<std::weak_ptr<std::shared_ptr<View>>> late_views;
};

Bounds Distorted(const Shared& shared, Bounds bounds) {
  if (shared.Has(Fault::kUpperBoundInclusive) && bounds.upper) bounds.upper->push_back('\0');
  if (shared.Has(Fault::kLowerBoundExclusive) && bounds.lower) bounds.lower->push_back('\0');
  return bounds;
}

class FaultyCursor final : public Cursor {
 public:
  // `of_engine`: it anchors by itself.
  FaultyCursor(Shared& shared, std::unique_ptr<Cursor> cursor, const Bounds& bounds, bool of_engine)
      : shared_(shared),
        cursor_(std::move(cursor)),
        bounds_(Distorted(shared, bounds)),
        of_engine_(of_engine),
        settle_count_(shared.settle_count) {
    const std::lock_guard lock(shared_.mutex);
    fill_count_ = shared_.fill_count;
  }

  bool Valid() const override { return cursor_->Valid() && !stuck_; }
  std::string_view key() const override { return cursor_->key(); }
  std::string_view value() const override {
    if (!shared_.Has(Fault::kOverwrittenInPlace)) return cursor_->value();
    newest_ = shared_.Newest(key());
    return newest_ ? std::string_view(*newest_) : cursor_->value();
  }
  void Seek(std::string_view target) override {
    BeforeSeek();
    cursor_->Seek(target);
    SkipHidden(true);
  }
  void SeekForPrev(std::string_view target) override {
    BeforeSeek();
    cursor_->SeekForPrev(target);
    if (shared_.Has(Fault::kSeekForPrevOffByOne) && Valid() && key() == target) cursor_->Prev();
    SkipHidden(false);
  }
  void SeekToFirst() override {
    BeforeSeek();
    cursor_->SeekToFirst();
    SkipHidden(true);
  }
  void SeekToLast() override {
    BeforeSeek();
    cursor_->SeekToLast();
    SkipHidden(false);
  }
  void Next() override { Step(true); }
  void Prev() override { Step(false); }
  absl::Status Refresh() override {
    if (shared_.Has(Fault::kRefreshStays)) return absl::OkStatus();
    stepped_ = ended_ = false;
    if (!shared_.Has(Fault::kAnchoredAtCreation)) return cursor_->Refresh();
    cursor_ = shared_.engine->TakeSnapshot()->NewCursor(bounds_);
    return absl::OkStatus();
  }
  absl::Status status() const override { return cursor_->status(); }

 private:
  void BeforeSeek() {
    if (ended_ && shared_.Has(Fault::kReseekAfterEndSticks)) stuck_ = true;
    if (ended_ && shared_.Has(Fault::kReseekAnchorsAnew)) AnchorNow();
    ended_ = false;
  }

  void Step(bool forward) {
    const bool first_step = !std::exchange(stepped_, true);
    if (shared_.Has(Fault::kIteratorNotFrozen) ||
        (shared_.Has(Fault::kAnchoredAtFirstStep) && of_engine_ && first_step)) {
      StandAgainNow(forward);
    }
    const bool was_valid = Valid();
    const bool turned = was_valid && std::exchange(forward_, forward) != forward;
    Move(forward);
    if ((turned && shared_.Has(Fault::kTurningSkips)) ||
        (!was_valid && !forward && shared_.Has(Fault::kPrevAfterEndSkips))) {
      Move(forward);
    }
    SkipHidden(forward);
    ended_ = !Valid();
  }
  void Move(bool forward) { forward ? cursor_->Next() : cursor_->Prev(); }

  void AnchorNow() { cursor_ = shared_.engine->NewCursor(bounds_); }
  // On its key, or where it can be stepped to from.
  void StandAgainNow(bool forward) {
    if (!Valid()) return;
    const std::string at = Copy(key());
    AnchorNow();
    forward ? cursor_->SeekForPrev(at) : cursor_->Seek(at);
  }

  void SkipHidden(bool forward) {
    while (Valid() && IsHidden()) Move(forward);
  }
  bool IsHidden() {
    if (shared_.Has(Fault::kOneVersionPrunedTooMany)) {
      return settle_count_ != shared_.settle_count && shared_.Newest(key()) != value();
    }
    if (!shared_.Has(Fault::kSplitHidesAKey)) return false;
    const std::lock_guard lock(shared_.mutex);
    return fill_count_ != shared_.fill_count && key() == shared_.filled_key;
  }

  Shared& shared_;
  std::unique_ptr<Cursor> cursor_;
  const Bounds bounds_;
  const bool of_engine_;
  const uint64_t settle_count_;
  uint64_t fill_count_ = 0;
  bool forward_ = true;
  bool stepped_ = false;
  bool ended_ = false;
  bool stuck_ = false;
  mutable std::optional<std::string> newest_;
};

class FaultyView final : public View {
 public:
  // The view it reads may come later: see Fault::kSnapshotOneCommitLate.
  FaultyView(Shared& shared, std::shared_ptr<std::shared_ptr<View>> view)
      : shared_(shared),
        view_(std::move(view)),
        number_(++shared.view_count),
        settle_count_(shared.settle_count) {}
  ~FaultyView() override {
    if (!shared_.Has(Fault::kReleaseUnpinsOlder)) return;
    uint64_t highest = shared_.highest_released;
    while (highest < number_ && !shared_.highest_released.compare_exchange_weak(highest, number_)) {
    }
  }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const absl::StatusOr<std::optional<std::string>> found = Moment()->Get(key);
    if (!found.ok()) return found;
    const std::optional<std::string> newest = shared_.Newest(key);
    switch (shared_.fault) {
      case Fault::kGetFallsThroughToNow:
        return *found ? found : newest;
      case Fault::kOverwrittenInPlace:
        return *found && newest ? newest : found;
      case Fault::kOneVersionPrunedTooMany:
        if (settle_count_ != shared_.settle_count && newest != *found) return std::nullopt;
        return found;
      default:
        return found;
    }
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return std::make_unique<FaultyCursor>(shared_, Moment()->NewCursor(Distorted(shared_, bounds)),
                                          bounds, false);
  }
  absl::StatusOr<std::optional<Pin>> GetPinned(std::string_view key) override {
    absl::StatusOr<std::optional<Pin>> pin = Moment()->GetPinned(key);
    if (!shared_.Has(Fault::kPinnedValueOverwritten) || !pin.ok() || !*pin) return pin;
    const std::lock_guard lock(shared_.mutex);
    const auto place = std::make_shared<std::string>((*pin)->view);
    shared_.pinned.insert_or_assign(Copy(key), place);
    return Pin{*place, place};
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys) override {
    auto found = Moment()->MultiGet(keys);
    if (!shared_.Has(Fault::kMultiGetReadsTwoMoments) || !found.ok()) return found;
    for (size_t i = 0; i < keys.size() / 2; ++i) (*found)[i] = shared_.Newest(keys[i]);
    return found;
  }
  absl::Status RangeFor(const Bounds& bounds, Visit visit) override {
    const bool now = shared_.Has(Fault::kRangeForReadsNow);
    return (now ? Now() : Moment())->RangeFor(Distorted(shared_, bounds), visit);
  }
  absl::Status Callback(const Bounds& bounds, Visit visit) override {
    const bool now = shared_.Has(Fault::kCallbackReadsNow);
    return (now ? Now() : Moment())->Callback(Distorted(shared_, bounds), visit);
  }

 private:
  std::shared_ptr<View> Now() { return shared_.engine->TakeSnapshot(); }
  std::shared_ptr<View> Moment() {
    if (number_ < shared_.highest_released) return Now();
    const std::lock_guard lock(shared_.mutex);
    return *view_ != nullptr ? *view_ : Now();
  }

  Shared& shared_;
  const std::shared_ptr<std::shared_ptr<View>> view_;
  const uint64_t number_;
  const uint64_t settle_count_;
};

class FaultyEngine final : public Engine {
 public:
  FaultyEngine(std::unique_ptr<Engine> engine, Fault fault) {
    shared_.fault = fault;
    shared_.engine = std::move(engine);
  }

  const Promises& promises() const override { return shared_.engine->promises(); }
  absl::Status Write(absl::Span<const Operation> batch) override {
    NoteFill(batch);
    const CommitScope scope(shared_);
    std::vector<Operation> writes(batch.begin(), batch.end());
    if (Has(Fault::kTombstoneVisible)) {
      for (Operation& each : writes) each.value = each.value.value_or("");
    }
    if (Has(Fault::kTombstoneDroppedEarly)) RememberDeleted(writes);
    if (Has(Fault::kPinnedValueOverwritten)) OverwritePinned(writes);
    if (!Has(Fault::kBatchInTwoCommits) || writes.size() == 1) return shared_.engine->Write(writes);
    const auto halves = absl::MakeConstSpan(writes);
    absl::Status status = shared_.engine->Write(halves.first(1));
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    status.Update(shared_.engine->Write(halves.subspan(1)));
    return status;
  }
  std::unique_ptr<View> TakeSnapshot() override {
    const std::lock_guard lock(shared_.mutex);
    auto place = std::make_shared<std::shared_ptr<View>>();
    if (Has(Fault::kSnapshotOneCommitLate)) {
      shared_.late_views.push_back(place);
    } else if (Has(Fault::kSnapshotOneCommitEarly) && shared_.before_last_commit != nullptr) {
      *place = shared_.before_last_commit;
    } else {
      *place = shared_.engine->TakeSnapshot();
    }
    return std::make_unique<FaultyView>(shared_, std::move(place));
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    const Bounds distorted = Distorted(shared_, bounds);
    auto cursor = Has(Fault::kAnchoredAtCreation)
                      ? shared_.engine->TakeSnapshot()->NewCursor(distorted)
                      : shared_.engine->NewCursor(distorted);
    return std::make_unique<FaultyCursor>(shared_, std::move(cursor), bounds, true);
  }
  absl::Status Settle() override {
    ++shared_.settle_count;
    if (Has(Fault::kTombstoneDroppedEarly)) {
      const std::lock_guard lock(shared_.mutex);
      for (const auto& [key, value] : shared_.deleted) {
        const Operation put = {key, value};
        if (shared_.Newest(key)) continue;
        if (absl::Status status = shared_.engine->Write({&put, 1}); !status.ok()) return status;
      }
      shared_.deleted.clear();
    }
    return shared_.engine->Settle();
  }
  std::optional<Work> WorkDone() override { return shared_.engine->WorkDone(); }
  absl::Status Wipe() override {
    const std::lock_guard lock(shared_.mutex);
    shared_.deleted.clear();
    shared_.pinned.clear();
    shared_.before_last_commit.reset();
    return shared_.engine->Wipe();
  }
  absl::Status DeleteRange(std::string_view lower, std::string_view upper) override {
    const CommitScope scope(shared_);
    if (!Has(Fault::kRangeDeleteMissesItsLastKey)) return shared_.engine->DeleteRange(lower, upper);
    const std::string last = LastKeyIn({Copy(lower), Copy(upper)});
    return last.empty() ? absl::OkStatus() : shared_.engine->DeleteRange(lower, last);
  }
  absl::Status Clear() override {
    const CommitScope scope(shared_);
    if (!Has(Fault::kClearKeepsTheLastKey)) return shared_.engine->Clear();
    return shared_.engine->DeleteRange("", LastKeyIn({}));
  }
  absl::StatusOr<bool> CompareAndSwap(std::string_view key,
                                      const std::optional<std::string>& expected,
                                      std::string_view value) override {
    const CommitScope scope(shared_);
    if (!Has(Fault::kSwapIgnoresExpectation)) {
      return shared_.engine->CompareAndSwap(key, expected, value);
    }
    return shared_.engine->CompareAndSwap(key, shared_.Newest(key), value);
  }

 private:
  // The snapshots before and after a commit that two of the faults read.
  class CommitScope {
   public:
    explicit CommitScope(Shared& shared) : shared_(shared) {
      if (!shared_.Has(Fault::kSnapshotOneCommitEarly)) return;
      const std::lock_guard lock(shared_.mutex);
      shared_.before_last_commit = shared_.engine->TakeSnapshot();
    }
    ~CommitScope() {
      const std::lock_guard lock(shared_.mutex);
      for (const auto& each : shared_.late_views) {
        if (const auto place = each.lock()) *place = shared_.engine->TakeSnapshot();
      }
      shared_.late_views.clear();
    }
    CommitScope(const CommitScope&) = delete;
    CommitScope& operator=(const CommitScope&) = delete;

   private:
    Shared& shared_;
  };

  bool Has(Fault planted) const { return shared_.Has(planted); }

  void NoteFill(absl::Span<const Operation> batch) {
    if (batch.size() != kFillBatch || !batch.front().value) return;
    const std::lock_guard lock(shared_.mutex);
    ++shared_.fill_count;
    shared_.filled_key = batch.front().key.substr(0, batch.front().key.rfind('.'));
  }
  void RememberDeleted(const std::vector<Operation>& writes) {
    const std::lock_guard lock(shared_.mutex);
    for (const Operation& each : writes) {
      std::optional<std::string> hidden = shared_.Newest(each.key);
      if (!each.value && hidden) shared_.deleted.insert_or_assign(each.key, *std::move(hidden));
    }
  }
  // As far as the old bytes reach.
  void OverwritePinned(const std::vector<Operation>& writes) {
    const std::lock_guard lock(shared_.mutex);
    for (const Operation& each : writes) {
      const auto found = shared_.pinned.find(each.key);
      if (found == shared_.pinned.end() || !each.value) continue;
      std::string& bytes = *found->second;
      std::memcpy(bytes.data(), each.value->data(), std::min(bytes.size(), each.value->size()));
    }
  }
  std::string LastKeyIn(const Bounds& bounds) {
    const std::unique_ptr<Cursor> cursor = shared_.engine->NewCursor(bounds);
    cursor->SeekToLast();
    return cursor->Valid() ? Copy(cursor->key()) : "";
  }

  Shared shared_;
};

}  // namespace

std::string_view NameOf(Fault fault) { return kNames[static_cast<size_t>(fault)]; }

EngineEntry WithFault(EngineEntry engine, Fault fault) {
  auto open = [engine, fault](const EngineSetup& setup) -> absl::StatusOr<std::unique_ptr<Engine>> {
    absl::StatusOr<std::unique_ptr<Engine>> opened = engine.open(setup);
    if (!opened.ok()) return opened.status();
    return std::make_unique<FaultyEngine>(*std::move(opened), fault);
  };
  return {engine.name, std::string(NameOf(fault)), std::move(open)};
}

}  // namespace firn::matrix
