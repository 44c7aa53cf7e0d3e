#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/matrix/engines/engines.h"

namespace firn::matrix {
namespace {

constexpr Promises kPromises = {
    .refresh = true, .range_delete = true, .get_pinned = true, .multi_get = true, .reopen = true};

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
absl::Status StatusOf(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError(status.ToString());
}

class RocksDbCursor final : public Cursor {
 public:
  RocksDbCursor(rocksdb::DB& db, const rocksdb::Snapshot* snapshot, Bounds bounds)
      : bounds_(std::move(bounds)) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    if (bounds_.lower) options.iterate_lower_bound = &(lower_ = SliceOf(*bounds_.lower));
    if (bounds_.upper) options.iterate_upper_bound = &(upper_ = SliceOf(*bounds_.upper));
    it_.reset(db.NewIterator(options));
  }

  bool Valid() const override { return it_->Valid(); }
  std::string_view key() const override { return ViewOf(it_->key()); }
  std::string_view value() const override { return ViewOf(it_->value()); }
  void Seek(std::string_view target) override { it_->Seek(SliceOf(target)); }
  void SeekForPrev(std::string_view target) override { it_->SeekForPrev(SliceOf(target)); }
  void SeekToFirst() override { it_->SeekToFirst(); }
  void SeekToLast() override { it_->SeekToLast(); }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  absl::Status Refresh() override { return StatusOf(it_->Refresh()); }
  absl::Status status() const override { return StatusOf(it_->status()); }

 private:
  const Bounds bounds_;
  rocksdb::Slice lower_, upper_;  // Views of bounds_, which the iterator goes on reading.
  std::unique_ptr<rocksdb::Iterator> it_;
};

class RocksDbView final : public View {
 public:
  explicit RocksDbView(rocksdb::DB& db) : db_(db) { options_.snapshot = db.GetSnapshot(); }
  ~RocksDbView() override { db_.ReleaseSnapshot(options_.snapshot); }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    std::string value;
    const rocksdb::Status status = db_.Get(options_, SliceOf(key), &value);
    return Found(status, std::move(value));
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return std::make_unique<RocksDbCursor>(db_, options_.snapshot, bounds);
  }
  absl::StatusOr<std::optional<Pin>> GetPinned(std::string_view key) override {
    const auto value = std::make_shared<rocksdb::PinnableSlice>();
    const rocksdb::Status status =
        db_.Get(options_, db_.DefaultColumnFamily(), SliceOf(key), value.get());
    return Found(status, Pin{ViewOf(*value), value});
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys) override {
    std::vector<rocksdb::Slice> slices;
    for (const std::string_view key : keys) slices.push_back(SliceOf(key));
    std::vector<std::string> values;
    const std::vector<rocksdb::Status> statuses = db_.MultiGet(options_, slices, &values);
    std::vector<std::optional<std::string>> found;
    for (size_t i = 0; i < keys.size(); ++i) {
      auto each = Found(statuses[i], std::move(values[i]));
      if (!each.ok()) return each.status();
      found.push_back(*std::move(each));
    }
    return found;
  }

 private:
  template <class Value>
  static absl::StatusOr<std::optional<Value>> Found(const rocksdb::Status& status, Value value) {
    if (status.IsNotFound()) return std::optional<Value>();
    if (!status.ok()) return StatusOf(status);
    return std::optional<Value>(std::move(value));
  }

  rocksdb::DB& db_;
  rocksdb::ReadOptions options_;
};

class RocksDbEngine final : public Engine {
 public:
  explicit RocksDbEngine(std::string directory) : directory_(std::move(directory)) {}

  const Promises& promises() const override { return kPromises; }
  absl::Status Write(absl::Span<const Operation> batch) override {
    rocksdb::WriteBatch writes;
    for (const Operation& each : batch) {
      const rocksdb::Status status =
          each.value ? writes.Put(each.key, *each.value) : writes.Delete(each.key);
      if (!status.ok()) return StatusOf(status);
    }
    return StatusOf(db_->Write({}, &writes));
  }
  std::unique_ptr<View> TakeSnapshot() override { return std::make_unique<RocksDbView>(*db_); }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return std::make_unique<RocksDbCursor>(*db_, nullptr, bounds);
  }
  absl::Status Settle() override { return StatusOf(db_->Flush({})); }
  absl::Status Wipe() override { return DeleteRange("", "~"); }
  absl::Status DeleteRange(std::string_view lower, std::string_view upper) override {
    return StatusOf(
        db_->DeleteRange({}, db_->DefaultColumnFamily(), SliceOf(lower), SliceOf(upper)));
  }
  absl::Status Reopen() override {
    db_.reset();
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, directory_, &db);
    db_.reset(db);
    return StatusOf(status);
  }

 private:
  const std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

EngineEntry RocksDb() { return {"rocksdb", "RocksDB", OpenOnDisk<RocksDbEngine>}; }

}  // namespace firn::matrix
