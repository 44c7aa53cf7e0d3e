// Firn itself, through its public API.
#ifndef FIRN_BENCH_PEERS_FIRN_PEER_H_
#define FIRN_BENCH_PEERS_FIRN_PEER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/types/span.h"
#include "bench/check.h"
#include "bench/peers/peer.h"
#include "firn/firn.h"

namespace firn::bench {

class FirnPeer {
 public:
  static constexpr std::string_view kName = "firn";

  explicit FirnPeer(const Options& options = {}) : db_(ValueOf(Db::OpenInMemory(options))) {}
  explicit FirnPeer(std::unique_ptr<Db> db) : db_(std::move(db)) {}

  void Put(std::string_view key, std::string_view value) { CheckOk(db_->Put(key, value).status()); }
  void PutBatch(std::span<const KeyValue> entries) {
    batch_.Clear();
    for (const KeyValue& entry : entries) batch_.Put(entry.key, entry.value);
    CheckOk(db_->Write(batch_).status());
  }
  void Delete(std::string_view key) { CheckOk(db_->Delete(key).status()); }
  void Settle() { CheckOk(db_->Settle()); }
  DbStats Stats() const { return ValueOf(db_->Stats()); }

  class View {
   public:
    explicit View(Snapshot snapshot) : snapshot_(std::move(snapshot)) {}

    // Copies the value out, as most callers do.
    template <class Use>
    bool Get(std::string_view key, Use use) {
      const absl::StatusOr<bool> found = snapshot_.Get(key, &value_);
      CheckOk(found.status());
      if (*found) use(std::string_view(value_));
      return *found;
    }
    // Shows the value in place.
    template <class Use>
    bool GetPinned(std::string_view key, Use use) {
      const absl::StatusOr<std::optional<PinnedValue>> found = snapshot_.GetPinned(key);
      CheckOk(found.status());
      if (found->has_value()) use((*found)->view());
      return found->has_value();
    }
    // As many keys in one call, copied out, too.
    template <class Use>
    void MultiGet(absl::Span<const std::string_view> keys, Use use) {
      CheckOk(snapshot_.MultiGet(keys, &values_));
      UseEach(values_, use);
    }
    // The same into strings of their own, which each call allocates.
    template <class Use>
    void MultiGetAnew(absl::Span<const std::string_view> keys, Use use) {
      UseEach(ValueOf(snapshot_.MultiGet(keys)), use);
    }
    template <class Visit>
    void Scan(Visit visit) {
      ScanRange({}, visit);
    }
    template <class Visit>
    void ScanRange(const IteratorOptions& options, Visit visit) {
      Iterator it = snapshot_.NewIterator(options);
      for (it.SeekToFirst(); it.Valid(); it.Next()) visit(it.key(), it.value());
      CheckOk(it.status());
    }
    template <class Visit>
    void ScanFrom(std::string_view key, size_t limit, Visit visit) {
      if (!cursor_.has_value()) cursor_.emplace(snapshot_.NewIterator());
      for (cursor_->Seek(key); limit != 0 && cursor_->Valid(); cursor_->Next(), --limit) {
        visit(cursor_->key(), cursor_->value());
      }
      CheckOk(cursor_->status());
    }
    template <class Visit>
    void ReverseScan(Visit visit) {
      Iterator it = snapshot_.NewIterator();
      for (it.SeekToLast(); it.Valid(); it.Prev()) visit(it.key(), it.value());
      CheckOk(it.status());
    }

   private:
    template <class Use>
    static void UseEach(const std::vector<std::optional<std::string>>& values, Use use) {
      for (const std::optional<std::string>& value : values) {
        if (value.has_value()) use(std::string_view(*value));
      }
    }

    Snapshot snapshot_;
    std::optional<Iterator> cursor_;
    std::string value_ = ValueBuffer();
    std::vector<std::optional<std::string>> values_;
  };
  View OpenView(std::string_view label = "bench") const {
    Snapshot snapshot = db_->GetSnapshot({.label = std::string(label), .owner = {}});
    CheckOk(snapshot.status());
    return View(std::move(snapshot));
  }

  Db& db() { return *db_; }

 private:
  std::unique_ptr<Db> db_;
  WriteBatch batch_;
};

static_assert(Peer<FirnPeer> && ReversibleView<FirnPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_FIRN_PEER_H_
