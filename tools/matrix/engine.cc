#include "tools/matrix/engine.h"

#include <utility>

namespace firn::matrix {
namespace {

absl::Status Missing(const char* what) { return absl::UnimplementedError(what); }

class BoundedCursor final : public Cursor {
 public:
  BoundedCursor(std::unique_ptr<Cursor> cursor, Bounds bounds)
      : cursor_(std::move(cursor)), bounds_(std::move(bounds)) {}

  bool Valid() const override {
    return cursor_->Valid() && (!bounds_.lower || cursor_->key() >= *bounds_.lower) &&
           (!bounds_.upper || cursor_->key() < *bounds_.upper);
  }
  std::string_view key() const override { return cursor_->key(); }
  std::string_view value() const override { return cursor_->value(); }
  void Seek(std::string_view target) override {
    cursor_->Seek(bounds_.lower && target < *bounds_.lower ? *bounds_.lower : target);
  }
  void SeekForPrev(std::string_view target) override {
    if (bounds_.upper && target >= *bounds_.upper) return SeekToLast();
    cursor_->SeekForPrev(target);
  }
  void SeekToFirst() override {
    bounds_.lower ? cursor_->Seek(*bounds_.lower) : cursor_->SeekToFirst();
  }
  void SeekToLast() override {
    if (!bounds_.upper) return cursor_->SeekToLast();
    cursor_->Seek(*bounds_.upper);
    cursor_->Valid() ? cursor_->Prev() : cursor_->SeekToLast();
  }
  void Next() override { cursor_->Next(); }
  void Prev() override { cursor_->Prev(); }
  absl::Status Refresh() override { return cursor_->Refresh(); }
  absl::Status status() const override { return cursor_->status(); }

 private:
  const std::unique_ptr<Cursor> cursor_;
  const Bounds bounds_;
};

bool CanRead(const Promises& promises, Reader reader) {
  switch (reader) {
    case Reader::kRangeFor:
      return promises.range_for;
    case Reader::kCallback:
      return promises.callback;
    case Reader::kGetPinned:
      return promises.get_pinned;
    case Reader::kMultiGet:
      return promises.multi_get;
    case Reader::kIterator:
    case Reader::kDbIterator:
      return promises.cursors;
    case Reader::kGet:
      break;
  }
  return true;
}

bool CanWrite(const Promises& promises, Change change) {
  switch (change) {
    case Change::kRangeDelete:
      return promises.range_delete;
    case Change::kClear:
      return promises.clear;
    case Change::kCompareAndSwap:
      return promises.compare_and_swap;
    default:
      return true;
  }
}

}  // namespace

Support SupportOf(const Promises& promises, const Cell& cell) {
  if (!CanRead(promises, cell.reader) || !CanWrite(promises, cell.change) ||
      (cell.moment == Moment::kRefresh && !promises.refresh) ||
      (cell.layout == Layout::kReopened && !promises.reopen)) {
    return Support::kMissing;
  }
  const bool anchors_otherwise = cell.reader == Reader::kDbIterator &&
                                 cell.moment == Moment::kBeforeSeek &&
                                 !promises.anchors_at_first_seek;
  return promises.snapshots && !anchors_otherwise ? Support::kPromised : Support::kNotPromised;
}

void Cursor::SeekForPrev(std::string_view target) {
  Seek(target);
  if (!Valid()) return SeekToLast();
  if (key() != target) Prev();
}

std::unique_ptr<Cursor> View::NewCursor(const Bounds&) { return nullptr; }
absl::StatusOr<std::optional<Pin>> View::GetPinned(std::string_view) {
  return Missing("GetPinned");
}
absl::StatusOr<std::vector<std::optional<std::string>>> View::MultiGet(
    absl::Span<const std::string_view>) {
  return Missing("MultiGet");
}
absl::Status View::RangeFor(const Bounds&, Visit) { return Missing("RangeFor"); }
absl::Status View::Callback(const Bounds&, Visit) { return Missing("Callback"); }

absl::Status Engine::Wipe() {
  std::vector<Operation> deletes;
  const std::unique_ptr<Cursor> cursor = NewCursor({});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    deletes.push_back({std::string(cursor->key()), std::nullopt});
  }
  return Write(deletes);
}
std::unique_ptr<Cursor> Engine::NewCursor(const Bounds&) { return nullptr; }
absl::Status Engine::DeleteRange(std::string_view, std::string_view) {
  return Missing("DeleteRange");
}
absl::Status Engine::Clear() { return Missing("Clear"); }
absl::StatusOr<bool> Engine::CompareAndSwap(std::string_view, const std::optional<std::string>&,
                                            std::string_view) {
  return Missing("CompareAndSwap");
}
absl::Status Engine::Reopen() { return Missing("Reopen"); }

std::unique_ptr<Cursor> WithBounds(std::unique_ptr<Cursor> cursor, const Bounds& bounds) {
  if (!bounds.lower && !bounds.upper) return cursor;
  return std::make_unique<BoundedCursor>(std::move(cursor), bounds);
}

}  // namespace firn::matrix
