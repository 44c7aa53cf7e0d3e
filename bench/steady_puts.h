// Overwrites after each of which a scan still adds up to what it was.
#ifndef FIRN_BENCH_STEADY_PUTS_H_
#define FIRN_BENCH_STEADY_PUTS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/workload.h"
#include "firn/types.h"

namespace firn::bench {

// SteadyPuts overwrite the entries of `lookups`, one after the other and then over again. The new
// value is the entry's own with its first 8-byte word moved behind the last whole one: other bytes
// at every place, the same XOR. So whoever scans beside them, at whichever moment, must find the
// workload's own checksum.
//
// Thread-safety: immutable after construction. Lifetime: lends `lookups`.
class SteadyPuts {
 public:
  SteadyPuts(const Workload& workload, const Lookups& lookups);

  // The `i`-th of them; there is no end to them.
  KeyValue operator[](size_t i) const {
    const size_t at = i % lookups_.size();
    return {lookups_.key(at), std::string_view(values_).substr(at * value_bytes_, value_bytes_)};
  }

 private:
  const Lookups& lookups_;
  size_t value_bytes_;
  std::string values_;  // In the order of the lookups, like their keys.
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_STEADY_PUTS_H_
