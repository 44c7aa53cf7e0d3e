#include "bench/workload.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

#include "bench/zipf.h"

namespace firn::bench {
namespace {

void PutBigEndian(uint64_t number, char* to) {
  const uint64_t bytes =
      std::endian::native == std::endian::little ? __builtin_bswap64(number) : number;
  std::memcpy(to, &bytes, sizeof(bytes));
}

void FillRandom(SplitMix64& random, char* to, size_t size) {
  for (size_t done = 0; done < size; done += 8) {
    const uint64_t word = random();
    std::memcpy(to + done, &word, std::min<size_t>(8, size - done));
  }
}

std::vector<uint32_t> ShuffledOrder(size_t count, SplitMix64& random) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (size_t left = count; left > 1; --left) {
    std::swap(order[left - 1], order[random.Below(static_cast<uint32_t>(left))]);
  }
  return order;
}

}  // namespace

Workload::Workload(const WorkloadOptions& options)
    : options_(options), uniform_lookups_(options.key_bytes), zipf_lookups_(options.key_bytes) {
  const size_t count = options.entry_count;
  keys_.resize(count * options.key_bytes);
  values_.resize(count * options.value_bytes);

  SplitMix64 random(options.seed);
  for (size_t i = 0; i < count; ++i) {
    char* const key = keys_.data() + i * options.key_bytes;
    // The first 8 bytes alone make keys distinct: Mix() maps no two numbers to one.
    PutBigEndian(SplitMix64::Mix(i + (options.seed << 32)), key);
    FillRandom(random, key + 8, options.key_bytes - 8);
    FillRandom(random, values_.data() + i * options.value_bytes, options.value_bytes);
    entry_checksum_.Add(this->key(i), value(i));
  }

  SplitMix64 draw(~options.seed);
  for (size_t i = 0; i < count; ++i) {
    AddLookup(uniform_lookups_, draw.Below(static_cast<uint32_t>(count)));
  }
  const ZipfRanks ranks(count, options.zipf_theta);
  const std::vector<uint32_t> entry_of_rank = ShuffledOrder(count, draw);
  for (size_t i = 0; i < count; ++i) {
    AddLookup(zipf_lookups_, entry_of_rank[ranks.Draw(draw.Fraction())]);
  }
}

std::vector<uint32_t> Workload::SortedOrder() const {
  std::vector<uint32_t> order(entry_count());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) { return key(a) < key(b); });
  return order;
}

std::string OrderedKey(uint64_t number, size_t key_bytes) {
  std::string key(key_bytes, '\0');
  PutBigEndian(number, key.data());
  return key;
}

bool IsSmokeRun() {
  static const bool smoke = [] {
    const char* const value = std::getenv("FIRN_BENCH_SMOKE");
    return value != nullptr && *value != '\0' && *value != '0';
  }();
  return smoke;
}

}  // namespace firn::bench
