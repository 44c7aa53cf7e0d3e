#include "bench/overwrites.h"

#include <numeric>

namespace firn::bench {

Overwrites::Overwrites(const Workload& workload)
    : workload_(workload), values_(workload.entry_count()) {
  std::iota(values_.begin(), values_.end(), 0);
}

Overwrites::Overwrite Overwrites::NextOne() {
  const Lookups& lookups = workload_.uniform_lookups();
  const size_t count = lookups.size();
  const size_t lookup = done_ % count;
  const size_t pass = done_ / count;
  ++done_;
  const uint32_t entry = lookups.entry(lookup);
  // In the order they lie in: looking for the value would cost more than some engines do.
  values_[entry] = static_cast<uint32_t>((lookup + pass + 1) % count);
  return {entry, {lookups.key(lookup), workload_.value(values_[entry])}};
}

std::vector<KeyValue> Overwrites::Next(size_t count) {
  std::vector<KeyValue> puts;
  puts.reserve(count);
  for (size_t i = 0; i < count; ++i) puts.push_back(NextOne().put);
  return puts;
}

Overwrites::Halves Overwrites::NextHalves(size_t count) {
  Halves halves;
  for (size_t i = 0; i < count; ++i) {
    const Overwrite next = NextOne();
    (next.entry % 2 == 0 ? halves.even : halves.odd).push_back(next.put);
  }
  return halves;
}

Checksum Overwrites::Content() const {
  Checksum content;
  for (size_t i = 0; i < values_.size(); ++i) {
    content.Add(workload_.key(i), workload_.value(values_[i]));
  }
  return content;
}

Checksum Overwrites::ReadBy(const Lookups& lookups) const {
  Checksum read;
  for (size_t i = 0; i < lookups.size(); ++i) {
    read.Add(workload_.value(values_[lookups.entry(i)]));
  }
  return read;
}

}  // namespace firn::bench
