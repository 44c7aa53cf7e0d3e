// Puts of keys that are there, and what they leave behind.
#ifndef FIRN_BENCH_OVERWRITES_H_
#define FIRN_BENCH_OVERWRITES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/checksum.h"
#include "bench/workload.h"
#include "firn/types.h"

namespace firn::bench {

// Overwrites give the entries of the uniform lookups, one after the other and then over again,
// values of other entries; this knows what each holds.
//
// Thread-safety: one thread at a time. Lifetime: lends `workload`.
class Overwrites {
 public:
  explicit Overwrites(const Workload& workload);

  // The next ones.
  std::vector<KeyValue> Next(size_t count);
  // The same for two threads: those of even entries, and those of odd ones.
  struct Halves {
    std::vector<KeyValue> even, odd;
  };
  Halves NextHalves(size_t count);

  // What a scan reads when all of them are done, and what lookups do (values alone).
  Checksum Content() const;
  Checksum ReadBy(const Lookups& lookups) const;

 private:
  struct Overwrite {
    uint32_t entry;
    KeyValue put;
  };
  Overwrite NextOne();

  const Workload& workload_;
  size_t done_ = 0;
  std::vector<uint32_t> values_;  // Of each entry, the one whose value it holds.
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_OVERWRITES_H_
