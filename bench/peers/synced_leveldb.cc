#include "bench/peers/leveldb_peer.h"
#include "bench/peers/synced_peer.h"

namespace firn::bench {
namespace {

class Engine : public SyncedPeer {
 public:
  explicit Engine(const std::string& directory) {
    leveldb::Options options;
    options.create_if_missing = true;
    leveldb::DB* db = nullptr;
    LevelDbApi::Check(leveldb::DB::Open(options, directory, &db));
    db_.reset(db);
  }

  void Put(std::span<const KeyValue> entries) override {
    leveldb::WriteOptions options;
    options.sync = true;
    for (const KeyValue& entry : entries) {
      LevelDbApi::Check(
          db_->Put(options, LevelDbApi::SliceOf(entry.key), LevelDbApi::SliceOf(entry.value)));
    }
  }
  Checksum Content() override {
    LevelDbPeer::View view(db_.get());
    return ScanForward(view);
  }

 private:
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace

SyncedKind SyncedLevelDb() {
  return {"leveldb",
          [](const std::string& directory) { return std::make_unique<Engine>(directory); }};
}

}  // namespace firn::bench
