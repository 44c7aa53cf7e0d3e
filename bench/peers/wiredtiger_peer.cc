#include "bench/peers/wiredtiger_peer.h"

#include <string>

namespace firn::bench {

WiredTigerPeer::WiredTigerPeer(const Workload& workload) {
  const size_t data_bytes = workload.entry_bytes() * workload.entry_count();
  // In place of a full cache WiredTiger would begin to evict: far more than it needs.
  const std::string config =
      "create,in_memory=true,cache_size=" + std::to_string((size_t{1} << 30) + 10 * data_bytes);
  CheckWiredTiger(
      wiredtiger_open(directory_.path().c_str(), nullptr, config.c_str(), &connection_));
  WT_SESSION* session = nullptr;
  CheckWiredTiger(connection_->open_session(connection_, nullptr, nullptr, &session));
  CheckWiredTiger(session->create(session, "table:t", "key_format=u,value_format=u"));
  CheckWiredTiger(session->close(session, nullptr));
  writer_ = OpenSession();
}

WiredTigerPeer::~WiredTigerPeer() { CheckWiredTiger(connection_->close(connection_, nullptr)); }

WiredTigerPeer::Session WiredTigerPeer::OpenSession() const {
  Session opened;
  CheckWiredTiger(connection_->open_session(connection_, nullptr, nullptr, &opened.session));
  CheckWiredTiger(
      opened.session->open_cursor(opened.session, "table:t", nullptr, nullptr, &opened.cursor));
  return opened;
}

}  // namespace firn::bench
