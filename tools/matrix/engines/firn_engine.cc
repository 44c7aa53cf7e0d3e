#include <utility>

#include "firn/firn.h"
#include "tools/matrix/engines/engines.h"

namespace firn::matrix {
namespace {

constexpr Promises kPromises = {.anchors_at_first_seek = true,
                                .steps_back_from_ends = true,
                                .refresh = true,
                                .range_delete = true,
                                .clear = true,
                                .compare_and_swap = true,
                                .get_pinned = true,
                                .multi_get = true,
                                .range_for = true,
                                .callback = true};

#ifdef FIRN_INVARIANTS
constexpr bool kFreezesEarly = true;  // To take its slow paths.
#else
constexpr bool kFreezesEarly = false;
#endif

class FirnCursor final : public Cursor {
 public:
  explicit FirnCursor(Iterator iterator) : it_(std::move(iterator)) {}

  bool Valid() const override { return it_.Valid(); }
  std::string_view key() const override { return it_.key(); }
  std::string_view value() const override { return it_.value(); }
  void Seek(std::string_view target) override { it_.Seek(target); }
  void SeekForPrev(std::string_view target) override { it_.SeekForPrev(target); }
  void SeekToFirst() override { it_.SeekToFirst(); }
  void SeekToLast() override { it_.SeekToLast(); }
  void Next() override { it_.Next(); }
  void Prev() override { it_.Prev(); }
  absl::Status Refresh() override { return it_.Refresh(); }
  absl::Status status() const override { return it_.status(); }

 private:
  Iterator it_;
};

IteratorOptions OptionsOf(const Bounds& bounds) {
  IteratorOptions options;
  options.lower_bound = bounds.lower;
  options.upper_bound = bounds.upper;
  return options;
}

class FirnView final : public View {
 public:
  explicit FirnView(Snapshot snapshot) : snapshot_(std::move(snapshot)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    return snapshot_.Get(key);
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return std::make_unique<FirnCursor>(snapshot_.NewIterator(OptionsOf(bounds)));
  }
  absl::StatusOr<std::optional<Pin>> GetPinned(std::string_view key) override {
    absl::StatusOr<std::optional<PinnedValue>> found = snapshot_.GetPinned(key);
    if (!found.ok()) return found.status();
    if (!*found) return std::optional<Pin>();
    const auto value = std::make_shared<const PinnedValue>(**std::move(found));
    return Pin{value->view(), value};
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys) override {
    return snapshot_.MultiGet(keys);
  }
  absl::Status RangeFor(const Bounds& bounds, Visit visit) override {
    EntryRange range(snapshot_.NewIterator(OptionsOf(bounds)));
    for (auto [key, value] : range) visit(key, value);
    return range.status();
  }
  absl::Status Callback(const Bounds& bounds, Visit visit) override {
    return snapshot_.Range(OptionsOf(bounds),
                           [visit](std::string_view key, std::string_view value) {
                             visit(key, value);
                             return true;
                           });
  }

 private:
  const Snapshot snapshot_;
};

// Leaves so small that a cell's twenty keys fill several; fresh deltas as the layout wants them, and
// nothing frozen but when the cell says so.
Options OptionsFor(Layout layout) {
  const bool keeps_fresh = layout == Layout::kFresh || layout == Layout::kBoth;
  Options options;
  options.background = BackgroundMode::kManual;
  options.tuning = {.block_bytes = size_t{64} << 10,
                    .block_entries = 4,
                    .delta_slots = keeps_fresh ? size_t{256} : size_t{4},
                    .inner_fanout = 4,
                    .large_value_bytes = 64};
  return options;
}

class FirnEngine final : public Engine {
 public:
  // In memory without a directory.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const EngineSetup& setup, bool on_disk) {
    std::unique_ptr<FirnEngine> engine(new FirnEngine(setup, on_disk));
    if (absl::Status status = engine->OpenDb(); !status.ok()) return status;
    return engine;
  }

  const Promises& promises() const override { return promises_; }
  absl::Status Write(absl::Span<const Operation> batch) override {
    WriteBatch writes;
    for (const Operation& each : batch) {
      each.value ? writes.Put(each.key, *each.value) : writes.Delete(each.key);
    }
    return db_->Write(writes).status();
  }
  std::unique_ptr<View> TakeSnapshot() override {
    return std::make_unique<FirnView>(db_->GetSnapshot({.label = "matrix"}));
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return std::make_unique<FirnCursor>(db_->NewIterator(OptionsOf(bounds)));
  }
  absl::Status Settle() override { return db_->Settle(); }
  std::optional<Work> WorkDone() override {
    const absl::StatusOr<DbStats> stats = db_->Stats();
    if (!stats.ok()) return std::nullopt;
    return Work{.freezes = kFreezesEarly ? std::nullopt : std::optional(stats->freeze_count),
                .splits = stats->split_count,
                .merges = stats->merge_count,
                .pruned_versions = stats->pruned_version_count,
                .fresh_leaves = stats->fresh_leaf_count};
  }
  absl::Status Wipe() override {
    if (absl::Status status = Clear(); !status.ok()) return status;
    return Settle();
  }
  absl::Status DeleteRange(std::string_view lower, std::string_view upper) override {
    return db_->DeleteRange({lower, upper}).status();
  }
  absl::Status Clear() override { return db_->Clear().status(); }
  absl::StatusOr<bool> CompareAndSwap(std::string_view key,
                                      const std::optional<std::string>& expected,
                                      std::string_view value) override {
    const auto swapped = db_->CompareAndSwap(key, expected, value);
    if (!swapped.ok()) return swapped.status();
    return swapped->has_value();
  }
  absl::Status Reopen() override {
    if (absl::Status status = db_->Close(); !status.ok()) return status;
    db_.reset();
    return OpenDb();
  }

 private:
  FirnEngine(EngineSetup setup, bool on_disk)
      : setup_(std::move(setup)), on_disk_(on_disk), promises_(kPromises) {
    promises_.reopen = on_disk;
  }

  absl::Status OpenDb() {
    const Options options = OptionsFor(setup_.layout);
    absl::StatusOr<std::unique_ptr<Db>> db =
        on_disk_ ? Db::Open(options, setup_.directory) : Db::OpenInMemory(options);
    if (db.ok()) db_ = *std::move(db);
    return db.status();
  }

  const EngineSetup setup_;
  const bool on_disk_;
  Promises promises_;
  std::unique_ptr<Db> db_;
};

}  // namespace

EngineEntry FirnMemory() {
  return {"firn-memory", "Firn in memory",
          [](const EngineSetup& setup) { return FirnEngine::Open(setup, false); }};
}

EngineEntry FirnDisk() {
  return {"firn-disk", "Firn on disk",
          [](const EngineSetup& setup) { return FirnEngine::Open(setup, true); }};
}

}  // namespace firn::matrix
