#include <lmdb.h>

#include <filesystem>
#include <utility>

#include "tools/matrix/engines/engines.h"

namespace firn::matrix {
namespace {

// A write transaction makes atomic whatever is done in it, so the adapter has verbs that the library
// spells out.
constexpr Promises kPromises = {.refresh = true,
                                .range_delete = true,
                                .clear = true,
                                .compare_and_swap = true,
                                .get_pinned = true,
                                .reopen = true};
constexpr size_t kMapBytes = size_t{64} << 20;

MDB_val ValOf(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view ViewOf(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}
absl::Status StatusOf(int code) {
  return code == MDB_SUCCESS ? absl::OkStatus() : absl::InternalError(mdb_strerror(code));
}

using Txn = std::shared_ptr<MDB_txn>;
Txn BeginRead(MDB_env* env) {
  MDB_txn* txn = nullptr;
  mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
  return {txn, mdb_txn_abort};
}

class LmdbCursor final : public Cursor {
 public:
  LmdbCursor(Txn txn, MDB_dbi table) : txn_(std::move(txn)) {
    mdb_cursor_open(txn_.get(), table, &cursor_);
  }
  ~LmdbCursor() override { mdb_cursor_close(cursor_); }

  bool Valid() const override { return code_ == MDB_SUCCESS; }
  std::string_view key() const override { return ViewOf(key_); }
  std::string_view value() const override { return ViewOf(value_); }
  void Seek(std::string_view target) override {
    key_ = ValOf(target);
    Move(MDB_SET_RANGE);
  }
  void SeekToFirst() override { Move(MDB_FIRST); }
  void SeekToLast() override { Move(MDB_LAST); }
  void Next() override { Move(MDB_NEXT); }
  void Prev() override { Move(MDB_PREV); }
  absl::Status Refresh() override {
    code_ = MDB_NOTFOUND;
    mdb_txn_reset(txn_.get());
    if (const int code = mdb_txn_renew(txn_.get()); code != MDB_SUCCESS) return StatusOf(code);
    return StatusOf(mdb_cursor_renew(txn_.get(), cursor_));
  }
  absl::Status status() const override {
    return code_ == MDB_NOTFOUND ? absl::OkStatus() : StatusOf(code_);
  }

 private:
  void Move(MDB_cursor_op how) { code_ = mdb_cursor_get(cursor_, &key_, &value_, how); }

  const Txn txn_;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_ = {}, value_ = {};
  int code_ = MDB_NOTFOUND;
};

class LmdbView final : public View {
 public:
  LmdbView(MDB_env* env, MDB_dbi table) : txn_(BeginRead(env)), table_(table) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const absl::StatusOr<std::optional<Pin>> pin = GetPinned(key);
    if (!pin.ok()) return pin.status();
    return *pin ? std::optional(std::string((*pin)->view)) : std::nullopt;
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return WithBounds(std::make_unique<LmdbCursor>(txn_, table_), bounds);
  }
  absl::StatusOr<std::optional<Pin>> GetPinned(std::string_view key) override {
    MDB_val name = ValOf(key), value = {};
    const int code = mdb_get(txn_.get(), table_, &name, &value);
    if (code == MDB_NOTFOUND) return std::optional<Pin>();
    if (code != MDB_SUCCESS) return StatusOf(code);
    return Pin{ViewOf(value), txn_};
  }

 private:
  const Txn txn_;
  const MDB_dbi table_;
};

class LmdbEngine final : public Engine {
 public:
  explicit LmdbEngine(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
  }
  ~LmdbEngine() override { mdb_env_close(env_); }

  const Promises& promises() const override { return kPromises; }
  absl::Status Write(absl::Span<const Operation> batch) override {
    return InTxn([&](MDB_txn* txn) {
      int code = MDB_SUCCESS;
      for (size_t i = 0; i < batch.size() && code == MDB_SUCCESS; ++i) {
        const auto& [name, contents] = batch[i];
        MDB_val key = ValOf(name), value = ValOf(contents ? *contents : std::string_view());
        code =
            contents ? mdb_put(txn, table_, &key, &value, 0) : mdb_del(txn, table_, &key, nullptr);
        if (code == MDB_NOTFOUND) code = MDB_SUCCESS;
      }
      return code;
    });
  }
  std::unique_ptr<View> TakeSnapshot() override { return std::make_unique<LmdbView>(env_, table_); }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return TakeSnapshot()->NewCursor(bounds);
  }
  absl::Status Wipe() override { return Clear(); }
  absl::Status DeleteRange(std::string_view lower, std::string_view upper) override {
    return InTxn([&](MDB_txn* txn) {
      MDB_cursor* cursor = nullptr;
      int code = mdb_cursor_open(txn, table_, &cursor);
      MDB_val key = ValOf(lower), value = {};
      if (code == MDB_SUCCESS) code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
      while (code == MDB_SUCCESS && ViewOf(key) < upper) {
        code = mdb_cursor_del(cursor, 0);
        if (code == MDB_SUCCESS) code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      }
      mdb_cursor_close(cursor);
      return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
    });
  }
  absl::Status Clear() override {
    return InTxn([&](MDB_txn* txn) { return mdb_drop(txn, table_, 0); });
  }
  absl::StatusOr<bool> CompareAndSwap(std::string_view key,
                                      const std::optional<std::string>& expected,
                                      std::string_view value) override {
    bool swaps = false;
    const absl::Status status = InTxn([&](MDB_txn* txn) {
      MDB_val name = ValOf(key), wanted = ValOf(value), found = {};
      const int code = mdb_get(txn, table_, &name, &found);
      if (code != MDB_SUCCESS && code != MDB_NOTFOUND) return code;
      swaps = code == MDB_SUCCESS ? expected == ViewOf(found) : !expected;
      return swaps ? mdb_put(txn, table_, &name, &wanted, 0) : MDB_SUCCESS;
    });
    if (!status.ok()) return status;
    return swaps;
  }
  absl::Status Reopen() override {
    mdb_env_close(env_);
    int code = mdb_env_create(&env_);
    if (code == MDB_SUCCESS) code = mdb_env_set_mapsize(env_, kMapBytes);
    // MDB_NOTLS: a read transaction belongs to its view, not to its thread.
    if (code == MDB_SUCCESS)
      code = mdb_env_open(env_, directory_.c_str(), MDB_NOTLS | MDB_NOSYNC, 0600);
    if (code != MDB_SUCCESS) return StatusOf(code);
    return InTxn([&](MDB_txn* txn) { return mdb_dbi_open(txn, nullptr, 0, &table_); });
  }

 private:
  absl::Status InTxn(absl::FunctionRef<int(MDB_txn*)> work) {
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(env_, nullptr, 0, &txn);
    if (code != MDB_SUCCESS) return StatusOf(code);
    code = work(txn);
    if (code == MDB_SUCCESS) return StatusOf(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return StatusOf(code);
  }

  const std::string directory_;
  MDB_env* env_ = nullptr;
  MDB_dbi table_ = 0;
};

}  // namespace

EngineEntry Lmdb() { return {"lmdb", "LMDB", OpenOnDisk<LmdbEngine>}; }

}  // namespace firn::matrix
