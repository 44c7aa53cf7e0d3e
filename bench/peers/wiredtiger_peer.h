// WiredTiger as an engine in memory.
#ifndef FIRN_BENCH_PEERS_WIREDTIGER_PEER_H_
#define FIRN_BENCH_PEERS_WIREDTIGER_PEER_H_

#include <wiredtiger.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "bench/peers/peer.h"
#include "bench/peers/wiredtiger_api.h"
#include "bench/scratch_directory.h"

namespace firn::bench {

// A WiredTigerPeer keeps a B-tree in a cache that is never full (`in_memory`): no log, no files.
// One thread at a time writes; each View has a session of its own.
class WiredTigerPeer {
 public:
  static constexpr std::string_view kName = "wiredtiger";

  explicit WiredTigerPeer(const Workload& workload);
  ~WiredTigerPeer();
  WiredTigerPeer(const WiredTigerPeer&) = delete;
  WiredTigerPeer& operator=(const WiredTigerPeer&) = delete;

  // A transaction of its own.
  void Put(std::string_view key, std::string_view value) {
    const WT_ITEM key_item = ItemOf(key);
    const WT_ITEM value_item = ItemOf(value);
    writer_.cursor->set_key(writer_.cursor, &key_item);
    writer_.cursor->set_value(writer_.cursor, &value_item);
    CheckWiredTiger(writer_.cursor->insert(writer_.cursor));
  }
  void PutBatch(std::span<const KeyValue> entries) {
    CheckWiredTiger(writer_.session->begin_transaction(writer_.session, nullptr));
    for (const KeyValue& entry : entries) Put(entry.key, entry.value);
    CheckWiredTiger(writer_.session->commit_transaction(writer_.session, nullptr));
  }

 private:
  struct Session {
    WT_SESSION* session = nullptr;
    WT_CURSOR* cursor = nullptr;
  };

 public:
  // A transaction at snapshot isolation.
  class View {
   public:
    explicit View(Session opened) : session_(opened.session), cursor_(opened.cursor) {
      CheckWiredTiger(session_->begin_transaction(session_, "isolation=snapshot"));
      // A transaction takes its snapshot at its first read.
      const int result = cursor_->next(cursor_);
      if (result != WT_NOTFOUND) CheckWiredTiger(result);
    }
    ~View() { CheckWiredTiger(session_->close(session_, nullptr)); }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    template <class Use>
    bool Get(std::string_view key, Use use) {
      const WT_ITEM wanted = ItemOf(key);
      cursor_->set_key(cursor_, &wanted);
      const int result = cursor_->search(cursor_);
      if (result == WT_NOTFOUND) return false;
      CheckWiredTiger(result);
      use(Value());
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) {
      CheckWiredTiger(cursor_->reset(cursor_));
      Walk(cursor_->next(cursor_), cursor_->next, size_t{0} - 1, visit);
    }
    template <class Visit>
    void ScanFrom(std::string_view key, size_t limit, Visit visit) {
      const WT_ITEM wanted = ItemOf(key);
      cursor_->set_key(cursor_, &wanted);
      int place = 0;  // Of what was found: before the key, at it or after it.
      int result = cursor_->search_near(cursor_, &place);
      if (result == 0 && place < 0) result = cursor_->next(cursor_);
      Walk(result, cursor_->next, limit, visit);
    }
    template <class Visit>
    void ReverseScan(Visit visit) {
      CheckWiredTiger(cursor_->reset(cursor_));
      Walk(cursor_->prev(cursor_), cursor_->prev, size_t{0} - 1, visit);
    }

   private:
    // `result` is that of the first step, which is done.
    template <class Step, class Visit>
    void Walk(int result, Step step, size_t limit, Visit visit) {
      while (result == 0 && limit != 0) {
        WT_ITEM key;
        CheckWiredTiger(cursor_->get_key(cursor_, &key));
        visit(ViewOf(key), Value());
        if (--limit != 0) result = step(cursor_);
      }
      if (result != WT_NOTFOUND) CheckWiredTiger(result);
    }
    std::string_view Value() {
      WT_ITEM value;
      CheckWiredTiger(cursor_->get_value(cursor_, &value));
      return ViewOf(value);
    }

    WT_SESSION* session_;
    WT_CURSOR* cursor_;
  };
  View OpenView() const { return View(OpenSession()); }

 private:
  Session OpenSession() const;

  ScratchDirectory directory_{ScratchDirectory::Medium::kMemory};
  WT_CONNECTION* connection_ = nullptr;
  Session writer_;
};

static_assert(Peer<WiredTigerPeer> && ReversibleView<WiredTigerPeer::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_WIREDTIGER_PEER_H_
