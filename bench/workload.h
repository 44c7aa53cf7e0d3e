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
  // At least 0, below 1.
  double Fraction() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
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
  double zipf_theta = 0.99;
};

// Lookups are entries to ask for, in the order of asking.
//
// Their keys lie side by side, so that finding out what to ask for costs every engine
// the same and close to nothing.
//
// Thread-safety: immutable once drawn.
class Lookups {
 public:
  explicit Lookups(size_t key_bytes) : key_bytes_(key_bytes) {}

  void Add(uint32_t entry, std::string_view key, std::string_view value) {
    entries_.push_back(entry);
    keys_.append(key);
    checksum_.Add(value);
  }

  size_t size() const { return entries_.size(); }
  std::string_view key(size_t i) const { return {keys_.data() + i * key_bytes_, key_bytes_}; }
  // The entry's number in the workload.
  uint32_t entry(size_t i) const { return entries_[i]; }
  // What all of them together read (values alone).
  const Checksum& checksum() const { return checksum_; }

 private:
  size_t key_bytes_;
  std::string keys_;
  std::vector<uint32_t> entries_;
  Checksum checksum_;
};

// A Workload is a fixed set of entries with distinct random keys.
//
// Entry i is the i-th to be inserted. There are as many lookups of each kind as entries.
//
// Thread-safety: immutable after construction.
class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  const WorkloadOptions& options() const { return options_; }
  size_t entry_count() const { return options_.entry_count; }
  size_t key_bytes() const { return options_.key_bytes; }
  size_t entry_bytes() const { return options_.key_bytes + options_.value_bytes; }

  std::string_view key(size_t i) const { return At(keys_, i, options_.key_bytes); }
  std::string_view value(size_t i) const { return At(values_, i, options_.value_bytes); }
  KeyValue entry(size_t i) const { return {key(i), value(i)}; }

  // Each entry as likely as any other.
  const Lookups& uniform_lookups() const { return uniform_lookups_; }
  // Few entries often, as ZipfRanks draws them; which ones has to do with neither the order of
  // keys nor that of insertion.
  const Lookups& zipf_lookups() const { return zipf_lookups_; }

  // What one full scan reads.
  const Checksum& entry_checksum() const { return entry_checksum_; }

  // The entries in key order, by number.
  std::vector<uint32_t> SortedOrder() const;

 private:
  static std::string_view At(const std::string& bytes, size_t i, size_t size) {
    return {bytes.data() + i * size, size};
  }

  void AddLookup(Lookups& lookups, uint32_t entry) const {
    lookups.Add(entry, key(entry), value(entry));
  }

  WorkloadOptions options_;
  std::string keys_;
  std::string values_;
  Lookups uniform_lookups_;
  Lookups zipf_lookups_;
  Checksum entry_checksum_;
};

// A key of `key_bytes` (at least 8) whose order is that of `number`.
std::string OrderedKey(uint64_t number, size_t key_bytes = 16);

// True in the smoke run: a benchmark then shrinks to a fraction of a second.
bool IsSmokeRun();

// Entries a Google Benchmark program works on.
inline size_t BenchEntryCount() { return IsSmokeRun() ? 2'000 : 1'000'000; }

}  // namespace firn::bench

#endif  // FIRN_BENCH_WORKLOAD_H_
