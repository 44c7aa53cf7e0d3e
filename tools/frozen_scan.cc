#include "tools/frozen_scan.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "firn/firn.h"
#include "tools/human_format.h"
#include "tools/stopwatch.h"

namespace firn::tools {
namespace {

constexpr char kSnapshotLabel[] = "package report";
constexpr char kSnapshotOwner[] = "package_index_demo";

// With so many, each kind of change happens before and behind the cursor.
constexpr size_t kMinPackages = 32;

// A Db that has been written to in another order is cut into leaves in another way; this
// much may their sizes differ.
constexpr double kMemorySlack = 0.05;
constexpr uint64_t kMemorySlackBytes = 64 << 10;

using Entries = std::vector<const PackageMap::value_type*>;

Entries Shuffled(const PackageMap& packages, uint64_t seed) {
  Entries entries;
  entries.reserve(packages.size());
  for (const auto& entry : packages) entries.push_back(&entry);
  std::mt19937_64 random(seed);
  std::shuffle(entries.begin(), entries.end(), random);
  return entries;
}

absl::Status WriteBatchOf(Db& db, absl::Span<const Change> changes) {
  WriteBatch batch;
  for (const Change& change : changes) {
    if (change.kind == Change::Kind::kRemove) {
      batch.Delete(change.name);
    } else {
      batch.Put(change.name, change.value);
    }
  }
  return db.Write(batch).status();
}

absl::Status WriteSingly(Db& db, const Change& change) {
  if (change.kind == Change::Kind::kRemove) return db.Delete(change.name).status();
  return db.Put(change.name, change.value).status();
}

class FrozenScan {
 public:
  FrozenScan(const FrozenScanOptions& options, StepListener& listener)
      : options_(options), listener_(listener) {}

  absl::Status Run(const PackageIndex& index);
  FrozenScanReport TakeReport() { return std::move(report_); }

 private:
  // Times `work`, which returns how many things it has done.
  absl::Status RunStep(std::string name, std::string unit,
                       absl::FunctionRef<absl::StatusOr<uint64_t>()> work);
  void EndStep(Step step);

  absl::Status Load();
  absl::Status StartScan();
  absl::Status ChangePackages();
  absl::Status ChangeOnThisThread(absl::Span<const Change> plan);
  absl::Status FinishScan();
  absl::Status ScanAtSnapshot();
  absl::Status ScanLive(std::string name);
  absl::Status MeasureHeld();
  absl::Status Release();
  absl::Status MeasureFresh();
  void CheckOutcome();

  absl::StatusOr<uint64_t> LoadBatches(Db& db,
                                       absl::Span<const PackageMap::value_type* const> entries);
  absl::StatusOr<MemoryPoint> Settled(Db& db);
  // A full walk with `make_iterator`'s iterator: once compared with `expected`, once timed.
  absl::StatusOr<CheckedView> FullScan(std::string name, Direction direction,
                                       const PackageMap& expected,
                                       absl::FunctionRef<Iterator()> make_iterator);
  // Compares the entry that `it` stands on.
  static void Compare(const Iterator& it, ViewComparison& comparison);
  void CheckView(CheckedView& view, const ViewResult& copy);
  void AddCheck(std::string claim, bool passed, std::string found);

  const FrozenScanOptions options_;
  StepListener& listener_;
  FrozenScanReport report_;

  PackageMap frozen_;  // What the snapshot must show.
  PackageMap live_;    // What the newest state must show; kept by whoever writes.
  std::unique_ptr<Db> db_;
  std::optional<Snapshot> snapshot_;

  // The scan that stops half way.
  std::optional<Iterator> half_way_;
  std::optional<ViewComparison> half_way_comparison_;
  std::string cursor_;
};

absl::Status FrozenScan::RunStep(std::string name, std::string unit,
                                 absl::FunctionRef<absl::StatusOr<uint64_t>()> work) {
  listener_.OnBegin(name);
  const Stopwatch stopwatch;
  const absl::StatusOr<uint64_t> count = work();
  const double seconds = stopwatch.seconds();
  if (!count.ok()) return count.status();
  EndStep({std::move(name), *count, std::move(unit), seconds});
  return absl::OkStatus();
}

void FrozenScan::EndStep(Step step) {
  listener_.OnEnd(step);
  report_.steps.push_back(std::move(step));
}

absl::Status FrozenScan::Run(const PackageIndex& index) {
  if (index.packages.size() < kMinPackages) {
    return absl::InvalidArgumentError(
        absl::StrCat(index.source, " holds ", CountText(index.packages.size(), "package"),
                     "; there must be at least ", kMinPackages, " to change some on both sides"));
  }
  for (const Package& package : index.packages) {
    frozen_.emplace(package.name, PackageValue(package.version, package.description));
  }
  live_ = frozen_;
  report_.frozen_copy = Summarize(frozen_);

  absl::StatusOr<std::unique_ptr<Db>> opened =
      options_.directory.empty() ? Db::OpenInMemory()
                                 : Db::Open({.error_if_exists = true}, options_.directory);
  if (!opened.ok()) return opened.status();
  db_ = std::move(*opened);

  // In this order; the first error ends the run.
  static constexpr absl::Status (FrozenScan::*kStory[])() = {
      &FrozenScan::Load,       &FrozenScan::StartScan,      &FrozenScan::ChangePackages,
      &FrozenScan::FinishScan, &FrozenScan::ScanAtSnapshot, &FrozenScan::MeasureHeld,
      &FrozenScan::Release,    &FrozenScan::MeasureFresh,
  };
  for (const auto chapter : kStory) {
    if (const absl::Status status = (this->*chapter)(); !status.ok()) return status;
  }
  CheckOutcome();
  report_.live = std::move(live_);
  return db_->Close();
}

absl::StatusOr<uint64_t> FrozenScan::LoadBatches(
    Db& db, absl::Span<const PackageMap::value_type* const> entries) {
  WriteBatch batch;
  for (size_t i = 0; i < entries.size(); ++i) {
    batch.Put(entries[i]->first, entries[i]->second);
    if (batch.operation_count() < options_.batch_size && i + 1 < entries.size()) continue;
    if (const auto committed = db.Write(batch); !committed.ok()) return committed.status();
    batch.Clear();
    listener_.OnProgress(i + 1, entries.size());
  }
  return entries.size();
}

absl::StatusOr<MemoryPoint> FrozenScan::Settled(Db& db) {
  if (const absl::Status status = db.Settle(); !status.ok()) return status;
  const absl::StatusOr<DbStats> stats = db.Stats();
  if (!stats.ok()) return stats.status();
  return MemoryPoint{stats->version_count, stats->memory_bytes};
}

absl::Status FrozenScan::Load() {
  const Entries entries = Shuffled(frozen_, options_.seed);
  const auto in_batches = absl::MakeConstSpan(entries).subspan(0, entries.size() * 4 / 5);
  const auto singly = absl::MakeConstSpan(entries).subspan(in_batches.size());
  absl::Status status = RunStep(absl::StrCat("load in batches of ", options_.batch_size), "package",
                                [&] { return LoadBatches(*db_, in_batches); });
  if (!status.ok()) return status;
  status = RunStep("load one by one", "package", [&]() -> absl::StatusOr<uint64_t> {
    for (const auto* entry : singly) {
      if (const auto put = db_->Put(entry->first, entry->second); !put.ok()) return put.status();
    }
    return singly.size();
  });
  if (!status.ok()) return status;

  return RunStep("settle", "package", [&]() -> absl::StatusOr<uint64_t> {
    const absl::StatusOr<MemoryPoint> loaded = Settled(*db_);
    if (!loaded.ok()) return loaded.status();
    report_.loaded = *loaded;
    return frozen_.size();
  });
}

void FrozenScan::Compare(const Iterator& it, ViewComparison& comparison) {
  comparison.Take(it.key(), it.value());
  if (it.commit_ts() > it.read_ts()) comparison.Reject(it.key(), "is younger than the view");
}

absl::Status FrozenScan::StartScan() {
  snapshot_.emplace(db_->GetSnapshot({.label = kSnapshotLabel, .owner = kSnapshotOwner}));
  if (!snapshot_->status().ok()) return snapshot_->status();
  half_way_.emplace(snapshot_->NewIterator());
  half_way_comparison_.emplace(frozen_, Direction::kForward);
  return RunStep("scan half way and compare", "package", [&]() -> absl::StatusOr<uint64_t> {
    Iterator& it = *half_way_;
    uint64_t count = 0;
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      Compare(it, *half_way_comparison_);
      if (++count > frozen_.size() / 2) break;
    }
    if (!it.Valid())
      return it.status().ok() ? absl::DataLossError("the scan ended early") : it.status();
    cursor_ = it.key();
    return count;
  });
}

absl::Status FrozenScan::ChangePackages() {
  const std::vector<Change> plan = PlanChanges(frozen_, options_.seed);
  absl::Status status;
  std::thread second_thread([&] { status = ChangeOnThisThread(plan); });
  second_thread.join();
  if (!status.ok()) return status;
  report_.live_copy = Summarize(live_);
  report_.changed_before_cursor = CountChanges(frozen_, live_, "", cursor_);
  report_.changed_behind_cursor = CountChanges(frozen_, live_, cursor_, "");
  return absl::OkStatus();
}

absl::Status FrozenScan::ChangeOnThisThread(absl::Span<const Change> plan) {
  listener_.OnBegin("second thread changes packages");
  // A batch, then a few changes one by one, and so on; also where there is little to change.
  const size_t batch_size = std::clamp<size_t>(plan.size() / 8, 1, options_.batch_size);
  const size_t single_count = std::max<size_t>(batch_size / 4, 1);
  Step batched{absl::StrCat("2nd thread, batches of ", batch_size), 0, "change", 0};
  Step single{"2nd thread, one by one", 0, "change", 0};
  for (size_t at = 0; at < plan.size();) {
    const auto batch = plan.subspan(at, batch_size);
    const auto singles = plan.subspan(at + batch.size(), single_count);
    at += batch.size() + singles.size();

    const Stopwatch batch_watch;
    if (const absl::Status status = WriteBatchOf(*db_, batch); !status.ok()) return status;
    batched.seconds += batch_watch.seconds();
    batched.count += batch.size();

    const Stopwatch single_watch;
    for (const Change& change : singles) {
      if (const absl::Status status = WriteSingly(*db_, change); !status.ok()) return status;
    }
    single.seconds += single_watch.seconds();
    single.count += singles.size();

    for (const Change& change : batch) Apply(change, live_);
    for (const Change& change : singles) Apply(change, live_);
    listener_.OnProgress(at, plan.size());
  }
  EndStep(std::move(batched));
  EndStep(std::move(single));
  return absl::OkStatus();
}

absl::Status FrozenScan::FinishScan() {
  // The cursor has not moved; what it shows is what it showed before the changes.
  const auto standing = frozen_.find(cursor_);
  if (half_way_->key() != cursor_ || half_way_->value() != standing->second) {
    half_way_comparison_->Reject(cursor_, "changed under the standing iterator");
  }
  const absl::Status status =
      RunStep("finish that scan and compare", "package", [&]() -> absl::StatusOr<uint64_t> {
        uint64_t count = 0;
        for (half_way_->Next(); half_way_->Valid(); half_way_->Next(), ++count) {
          Compare(*half_way_, *half_way_comparison_);
        }
        if (!half_way_->status().ok()) return half_way_->status();
        return count;
      });
  if (!status.ok()) return status;
  CheckedView view{"iterator that stood half way", half_way_comparison_->Finish(), false};
  CheckView(view, report_.frozen_copy);
  report_.frozen_views.push_back(std::move(view));
  half_way_.reset();
  return absl::OkStatus();
}

absl::StatusOr<CheckedView> FrozenScan::FullScan(std::string name, Direction direction,
                                                 const PackageMap& expected,
                                                 absl::FunctionRef<Iterator()> make_iterator) {
  const auto walk = [&](auto&& visit) -> absl::StatusOr<uint64_t> {
    Iterator it = make_iterator();
    uint64_t count = 0;
    if (direction == Direction::kForward) {
      for (it.SeekToFirst(); it.Valid(); it.Next(), ++count) visit(it);
    } else {
      for (it.SeekToLast(); it.Valid(); it.Prev(), ++count) visit(it);
    }
    if (!it.status().ok()) return it.status();
    return count;
  };
  // Compared first: the timed walk then finds the caches as warm in either direction.
  ViewComparison comparison(expected, direction);
  const absl::StatusOr<uint64_t> compared =
      walk([&](const Iterator& it) { Compare(it, comparison); });
  if (!compared.ok()) return compared.status();
  uint64_t checksum = 0;
  const absl::Status timed = RunStep(name, "package", [&] {
    return walk([&](const Iterator& it) { checksum += EntryChecksum(it.key(), it.value()); });
  });
  if (!timed.ok()) return timed;

  CheckedView view{std::move(name), comparison.Finish(), false};
  view.result.checksum = checksum;  // The timed walk's; the other one's was compared.
  return view;
}

absl::Status FrozenScan::ScanAtSnapshot() {
  const struct {
    const char* name;
    Direction direction;
  } kScans[] = {
      {"forward scan at the snapshot", Direction::kForward},
      {"backward scan at the snapshot", Direction::kBackward},
  };
  for (const auto& scan : kScans) {
    absl::StatusOr<CheckedView> view =
        FullScan(scan.name, scan.direction, frozen_, [&] { return snapshot_->NewIterator(); });
    if (!view.ok()) return view.status();
    CheckView(*view, report_.frozen_copy);
    report_.frozen_views.push_back(*std::move(view));
  }
  return ScanLive("live scan beside the snapshot");
}

absl::Status FrozenScan::ScanLive(std::string name) {
  absl::StatusOr<CheckedView> view =
      FullScan(std::move(name), Direction::kForward, live_, [&] { return db_->NewIterator(); });
  if (!view.ok()) return view.status();
  CheckView(*view, report_.live_copy);
  report_.live_views.push_back(*std::move(view));
  return absl::OkStatus();
}

absl::Status FrozenScan::MeasureHeld() {
  absl::StatusOr<MemoryPoint> held = Settled(*db_);
  if (!held.ok()) return held.status();
  report_.held = *held;
  absl::StatusOr<std::vector<SnapshotInfo>> snapshots = db_->LiveSnapshots();
  if (!snapshots.ok()) return snapshots.status();
  const bool listed = snapshots->size() == 1 && snapshots->front().label == kSnapshotLabel &&
                      snapshots->front().owner == kSnapshotOwner &&
                      snapshots->front().ts == snapshot_->ts();
  AddCheck("LiveSnapshots() names the snapshot's label, owner and timestamp", listed,
           CountText(snapshots->size(), "live snapshot"));
  if (!snapshots->empty()) report_.snapshot = snapshots->front();
  return absl::OkStatus();
}

absl::Status FrozenScan::Release() {
  const absl::Status status =
      RunStep("close the snapshot, settle", "version", [&]() -> absl::StatusOr<uint64_t> {
        snapshot_.reset();
        const absl::StatusOr<MemoryPoint> released = Settled(*db_);
        if (!released.ok()) return released.status();
        report_.released = *released;
        return report_.held.version_count -
               std::min(report_.held.version_count, report_.released.version_count);
      });
  if (!status.ok()) return status;
  if (const absl::Status scanned = ScanLive("live scan after it"); !scanned.ok()) return scanned;
  return db_->VerifyInvariants();
}

absl::Status FrozenScan::MeasureFresh() {
  absl::StatusOr<std::unique_ptr<Db>> fresh = Db::OpenInMemory();
  if (!fresh.ok()) return fresh.status();
  const Entries entries = Shuffled(live_, options_.seed);
  return RunStep("load a fresh Db to compare with", "package", [&]() -> absl::StatusOr<uint64_t> {
    absl::StatusOr<uint64_t> loaded = LoadBatches(**fresh, entries);
    if (!loaded.ok()) return loaded;
    const absl::StatusOr<MemoryPoint> settled = Settled(**fresh);
    if (!settled.ok()) return settled.status();
    report_.fresh = *settled;
    return loaded;
  });
}

void FrozenScan::CheckOutcome() {
  const ViewResult& frozen = report_.frozen_views.front().result;
  const ViewResult& live = report_.live_views.front().result;
  AddCheck("the live view has moved on", live.checksum != frozen.checksum,
           absl::StrCat(CountText(live.entry_count, "package"), " instead of ",
                        WithCommas(frozen.entry_count)));

  // Of an upgraded package the snapshot keeps the version it sees; of a removed one also the
  // tombstone that hides that version from everybody else.
  const ChangeCounts& before = report_.changed_before_cursor;
  const ChangeCounts& behind = report_.changed_behind_cursor;
  const uint64_t kept = before.upgraded + behind.upgraded + 2 * (before.removed + behind.removed);
  AddCheck("the snapshot's price is what only it keeps", report_.snapshot.price_versions == kept,
           absl::StrCat(CountText(report_.snapshot.price_versions, "version"), ", expected ",
                        WithCommas(kept)));
  AddCheck("closing the snapshot leaves one version of each live package",
           report_.released.version_count == live_.size(),
           absl::StrCat(CountText(report_.released.version_count, "version"), ", expected ",
                        WithCommas(live_.size())));
  const double limit = static_cast<double>(report_.fresh.memory_bytes) * (1 + kMemorySlack) +
                       static_cast<double>(kMemorySlackBytes);
  report_.memory_came_back = static_cast<double>(report_.released.memory_bytes) <= limit;
  AddCheck("closing the snapshot gives its memory back", report_.memory_came_back,
           absl::StrCat(BytesText(report_.released.memory_bytes), ", a fresh Db takes ",
                        BytesText(report_.fresh.memory_bytes)));
}

void FrozenScan::CheckView(CheckedView& view, const ViewResult& copy) {
  const ViewResult& result = view.result;
  view.passed = result.mismatch_count == 0 && result.entry_count == copy.entry_count &&
                result.checksum == copy.checksum;
  std::string found = absl::StrCat(CountText(result.entry_count, "package"), ", ",
                                   WithCommas(result.mismatch_count), " mismatches");
  if (!result.first_mismatch.empty()) absl::StrAppend(&found, "; ", result.first_mismatch);
  AddCheck(view.name + " equals its copy", view.passed, std::move(found));
}

void FrozenScan::AddCheck(std::string claim, bool passed, std::string found) {
  report_.checks.push_back({std::move(claim), passed, std::move(found)});
}

}  // namespace

bool FrozenScanReport::Passed() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.passed; });
}

void AddKilledWriter(KilledWriterReport killed, FrozenScanReport& report) {
  report.checks.push_back(
      {"after kill -9 the Db holds every acknowledged commit, each whole, up to one commit",
       killed.wrong.empty(),
       killed.wrong.empty() ? absl::StrCat(CountText(killed.recovered_commits, "commit"), " of ",
                                           WithCommas(killed.acknowledged_commits), " acknowledged")
                            : killed.wrong});
  report.killed_writer = std::move(killed);
}

absl::StatusOr<FrozenScanReport> RunFrozenScan(const PackageIndex& index,
                                               const FrozenScanOptions& options,
                                               StepListener& listener) {
  FrozenScan scan(options, listener);
  if (const absl::Status status = scan.Run(index); !status.ok()) return status;
  return scan.TakeReport();
}

}  // namespace firn::tools
