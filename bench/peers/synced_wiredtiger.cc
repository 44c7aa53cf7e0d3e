#include "bench/peers/synced_peer.h"
#include "bench/peers/wiredtiger_api.h"

namespace firn::bench {
namespace {

// A session of WiredTiger's is for one thread at a time: each call has its own.
class Session {
 public:
  explicit Session(WT_CONNECTION* connection) {
    CheckWiredTiger(connection->open_session(connection, nullptr, nullptr, &session_));
    CheckWiredTiger(session_->create(session_, "table:t", "key_format=u,value_format=u"));
    CheckWiredTiger(session_->open_cursor(session_, "table:t", nullptr, nullptr, &cursor_));
  }
  ~Session() { CheckWiredTiger(session_->close(session_, nullptr)); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  WT_CURSOR* cursor() const { return cursor_; }

 private:
  WT_SESSION* session_ = nullptr;
  WT_CURSOR* cursor_ = nullptr;
};

class Engine : public SyncedPeer {
 public:
  explicit Engine(const std::string& directory) {
    CheckWiredTiger(wiredtiger_open(
        directory.c_str(), nullptr,
        "create,log=(enabled=true),transaction_sync=(enabled=true,method=fsync)", &connection_));
    const Session makes_the_table(connection_);
  }
  ~Engine() override { CheckWiredTiger(connection_->close(connection_, nullptr)); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void Put(std::span<const KeyValue> entries) override {
    const Session session(connection_);
    WT_CURSOR* const cursor = session.cursor();
    for (const KeyValue& entry : entries) {  // A transaction each.
      const WT_ITEM key = ItemOf(entry.key);
      const WT_ITEM value = ItemOf(entry.value);
      cursor->set_key(cursor, &key);
      cursor->set_value(cursor, &value);
      CheckWiredTiger(cursor->insert(cursor));
    }
  }
  Checksum Content() override {
    const Session session(connection_);
    WT_CURSOR* const cursor = session.cursor();
    Checksum content;
    int result = cursor->next(cursor);
    for (; result == 0; result = cursor->next(cursor)) {
      WT_ITEM key, value;
      CheckWiredTiger(cursor->get_key(cursor, &key));
      CheckWiredTiger(cursor->get_value(cursor, &value));
      content.Add(ViewOf(key), ViewOf(value));
    }
    if (result != WT_NOTFOUND) CheckWiredTiger(result);
    return content;
  }

 private:
  WT_CONNECTION* connection_ = nullptr;
};

}  // namespace

SyncedKind SyncedWiredTiger() {
  return {"wiredtiger",
          [](const std::string& directory) { return std::make_unique<Engine>(directory); }};
}

}  // namespace firn::bench
