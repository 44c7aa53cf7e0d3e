// The entries that every engine is fed with, and the order in which they are asked for.
#ifndef FIRN_BENCH_WORKLOAD_H_
#define FIRN_BENCH_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/checksum.h"
#include "firn/types.h"

namespace firn::bench {

// A random number generator that is small, fast, and the same on every machine.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t operator()() { return Mix(state_ += 0x9e3779b97f4a7c15); }
  // Below `bound`.
  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>((((*this)() >> 32) * bound) >> 32);
  }
  // A permutation of the 64-bit numbers.
  static constexpr uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

struct WorkloadOptions {
  size_t entry_count = 1'000'000;
  size_t key_bytes = 16;  // At least 8.
  size_t value_bytes = 100;
  uint64_t seed = 1;
};

// A Workload is a fixed set of entries with distinct random keys.
//
// Entry i is the i-th to be inserted. Lookup i asks for a uniformly drawn entry; the
// lookup keys lie side by side in the order of asking, so that finding out what to ask
// for costs every engine the same and close to nothing.
//
// Thread-safety: immutable after construction.
class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  size_t entry_count() const { return options_.entry_count; }
  size_t entry_bytes() const { return options_.key_bytes + options_.value_bytes; }

  std::string_view key(size_t i) const { return At(keys_, i, options_.key_bytes); }
  std::string_view value(size_t i) const { return At(values_, i, options_.value_bytes); }
  KeyValue entry(size_t i) const { return {key(i), value(i)}; }

  // As many lookups as entries.
  std::string_view lookup_key(size_t i) const { return At(lookup_keys_, i, options_.key_bytes); }

  // What one full scan reads, and what all lookups together read (values alone).
  const Checksum& entry_checksum() const { return entry_checksum_; }
  const Checksum& lookup_checksum() const { return lookup_checksum_; }

  // The entries in key order, by number.
  std::vector<uint32_t> SortedOrder() const;

 private:
  static std::string_view At(const std::string& bytes, size_t i, size_t size) {
    return {bytes.data() + i * size, size};
  }

  WorkloadOptions options_;
  std::string keys_;
  std::string values_;
  std::string lookup_keys_;
  Checksum entry_checksum_;
  Checksum lookup_checksum_;
};

// A key of `key_bytes` (at least 8) whose order is that of `number`.
std::string OrderedKey(uint64_t number, size_t key_bytes = 16);

// True in the smoke run: a benchmark then shrinks to a fraction of a second.
bool IsSmokeRun();

// Entries a Google Benchmark program works on.
inline size_t BenchEntryCount() { return IsSmokeRun() ? 2'000 : 1'000'000; }

}  // namespace firn::bench

#endif  // FIRN_BENCH_WORKLOAD_H_
