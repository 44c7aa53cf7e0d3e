// Small words that everybody who calls WiredTiger needs.
#ifndef FIRN_BENCH_PEERS_WIREDTIGER_API_H_
#define FIRN_BENCH_PEERS_WIREDTIGER_API_H_

#include <wiredtiger.h>

#include <string>
#include <string_view>

#include "bench/check.h"

namespace firn::bench {

inline void CheckWiredTiger(int result) {
  if (result != 0) [[unlikely]]
    Fail(std::string("wiredtiger: ") + wiredtiger_strerror(result));
}

inline WT_ITEM ItemOf(std::string_view bytes) {
  WT_ITEM item = {};
  item.data = bytes.data();
  item.size = bytes.size();
  return item;
}

inline std::string_view ViewOf(const WT_ITEM& item) {
  return {static_cast<const char*>(item.data), item.size};
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_WIREDTIGER_API_H_
