// Maps that threads share, reading and writing the newest state: what sync.Map is compared with.
#ifndef FIRN_BENCH_SYNC_MAP_H_
#define FIRN_BENCH_SYNC_MAP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/checksum.h"
#include "bench/steady_puts.h"
#include "bench/workload.h"

namespace firn::bench {

// How much of the work reads; the rest puts.
struct Mix {
  std::string_view name;
  unsigned read_percent;
};
inline constexpr Mix kMixes[] = {{"read_only", 100}, {"half", 50}, {"write_heavy", 10}};

// Which entries it is about.
enum class KeyChoice {
  kUniform,  // The uniform lookups, in their order.
  kOneHot,   // One entry alone.
};

// MixedOperations are gets and puts in an order drawn beforehand, as many as there are entries.
//
// A put is one of SteadyPuts: it changes the value but not the value's checksum. So what a get reads
// adds up to the same whichever puts it saw, and the work of threads at once can be checked.
//
// Thread-safety: immutable after construction. Lifetime: lends `workload`.
class MixedOperations {
 public:
  MixedOperations(const Workload& workload, Mix mix, KeyChoice keys);
  MixedOperations(const MixedOperations&) = delete;
  MixedOperations& operator=(const MixedOperations&) = delete;

  struct Operation {
    std::string_view key;
    std::string_view new_value;  // Empty: a get.
    bool is_get() const { return new_value.empty(); }
  };
  size_t size() const { return operations_.size(); }
  const Operation& operator[](size_t i) const { return operations_[i]; }

  // What the gets among `first` to `last` must read (values alone).
  Checksum ReadBy(size_t first, size_t last) const;

 private:
  Lookups hot_;
  const Lookups& lookups_;
  SteadyPuts puts_;
  const Workload& workload_;
  std::vector<Operation> operations_;
};

// All entries of a workload in one map.
class SyncMap {
 public:
  virtual ~SyncMap() = default;
  // Does the operations `first` to `last`, and answers what they read. Thread-safe.
  virtual Checksum Run(const MixedOperations& operations, size_t first, size_t last) = 0;
  // What it holds: the workload's own checksum, whatever ran.
  virtual Checksum Content(const Workload& workload) = 0;
};

struct SyncMapKind {
  std::string name;
  std::function<std::unique_ptr<SyncMap>(const Workload&)> load;
};
// Firn in memory first; then maps under a std::shared_mutex.
std::vector<SyncMapKind> SyncMapKinds();

}  // namespace firn::bench

#endif  // FIRN_BENCH_SYNC_MAP_H_
