// What LevelDB and RocksDB, which grew out of it, have in common: their peers share it.
#ifndef FIRN_BENCH_PEERS_LEVELDB_API_H_
#define FIRN_BENCH_PEERS_LEVELDB_API_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace firn::bench {

// Walks at a snapshot of the engine's, which lasts as long as this.
//
// Api: the engine's types Db, ReadOptions, Iterator and Slice, and Check(status), which stops the
// program unless all is well.
template <class Api>
class LevelDbApiView {
 public:
  LevelDbApiView(const LevelDbApiView&) = delete;
  LevelDbApiView& operator=(const LevelDbApiView&) = delete;

  template <class Visit>
  void Scan(Visit visit) {
    const auto it = NewIterator();
    for (it->SeekToFirst(); it->Valid(); it->Next()) Show(*it, visit);
    Api::Check(it->status());
  }
  template <class Visit>
  void ScanFrom(std::string_view key, size_t limit, Visit visit) {
    if (cursor_ == nullptr) cursor_ = NewIterator();
    for (cursor_->Seek({key.data(), key.size()}); limit != 0 && cursor_->Valid();
         cursor_->Next(), --limit) {
      Show(*cursor_, visit);
    }
    Api::Check(cursor_->status());
  }
  template <class Visit>
  void ReverseScan(Visit visit) {
    const auto it = NewIterator();
    for (it->SeekToLast(); it->Valid(); it->Prev()) Show(*it, visit);
    Api::Check(it->status());
  }

 protected:
  explicit LevelDbApiView(typename Api::Db* db) : db_(db) { options_.snapshot = db->GetSnapshot(); }
  ~LevelDbApiView() {
    cursor_.reset();
    db_->ReleaseSnapshot(options_.snapshot);
  }

  typename Api::Db& db() const { return *db_; }
  const typename Api::ReadOptions& options() const { return options_; }

 private:
  std::unique_ptr<typename Api::Iterator> NewIterator() const {
    return std::unique_ptr<typename Api::Iterator>(db_->NewIterator(options_));
  }
  template <class Visit>
  static void Show(const typename Api::Iterator& it, Visit& visit) {
    const typename Api::Slice key = it.key(), value = it.value();
    visit(std::string_view(key.data(), key.size()), std::string_view(value.data(), value.size()));
  }

  typename Api::Db* const db_;
  typename Api::ReadOptions options_;
  std::unique_ptr<typename Api::Iterator> cursor_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_LEVELDB_API_H_
