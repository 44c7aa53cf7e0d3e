#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include <utility>

#include "tools/matrix/engines/engines.h"

namespace firn::matrix {
namespace {

constexpr Promises kPromises = {.reopen = true};

leveldb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ViewOf(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }
absl::Status StatusOf(const leveldb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError(status.ToString());
}

class LevelDbCursor final : public Cursor {
 public:
  explicit LevelDbCursor(leveldb::Iterator* it) : it_(it) {}

  bool Valid() const override { return it_->Valid(); }
  std::string_view key() const override { return ViewOf(it_->key()); }
  std::string_view value() const override { return ViewOf(it_->value()); }
  void Seek(std::string_view target) override { it_->Seek(SliceOf(target)); }
  void SeekToFirst() override { it_->SeekToFirst(); }
  void SeekToLast() override { it_->SeekToLast(); }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  absl::Status status() const override { return StatusOf(it_->status()); }

 private:
  const std::unique_ptr<leveldb::Iterator> it_;
};

class LevelDbView final : public View {
 public:
  explicit LevelDbView(leveldb::DB& db) : db_(db) { options_.snapshot = db.GetSnapshot(); }
  ~LevelDbView() override { db_.ReleaseSnapshot(options_.snapshot); }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    std::string value;
    const leveldb::Status status = db_.Get(options_, SliceOf(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return StatusOf(status);
    return value;
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return WithBounds(std::make_unique<LevelDbCursor>(db_.NewIterator(options_)), bounds);
  }

 private:
  leveldb::DB& db_;
  leveldb::ReadOptions options_;
};

class LevelDbEngine final : public Engine {
 public:
  explicit LevelDbEngine(std::string directory) : directory_(std::move(directory)) {}

  const Promises& promises() const override { return kPromises; }
  absl::Status Write(absl::Span<const Operation> batch) override {
    leveldb::WriteBatch writes;
    for (const auto& [key, value] : batch) value ? writes.Put(key, *value) : writes.Delete(key);
    return StatusOf(db_->Write({}, &writes));
  }
  std::unique_ptr<View> TakeSnapshot() override { return std::make_unique<LevelDbView>(*db_); }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return WithBounds(std::make_unique<LevelDbCursor>(db_->NewIterator({})), bounds);
  }
  absl::Status Settle() override {
    db_->CompactRange(nullptr, nullptr);
    return absl::OkStatus();
  }
  absl::Status Reopen() override {
    db_.reset();
    leveldb::Options options;
    options.create_if_missing = true;
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(options, directory_, &db);
    db_.reset(db);
    return StatusOf(status);
  }

 private:
  const std::string directory_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace

EngineEntry LevelDb() { return {"leveldb", "LevelDB", OpenOnDisk<LevelDbEngine>}; }

}  // namespace firn::matrix
