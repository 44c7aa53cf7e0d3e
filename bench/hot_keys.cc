#include "bench/hot_keys.h"

#include "bench/check.h"
#include "bench/paired.h"

namespace firn::bench {

HotKeys::HotKeys(const Workload& workload, size_t count) : workload_(workload) {
  const std::vector<uint32_t> sorted = workload.SortedOrder();
  const auto first = sorted.begin() + static_cast<ptrdiff_t>((sorted.size() - count) / 2);
  keys_.assign(first, first + static_cast<ptrdiff_t>(count));
  values_ = keys_;
}

void HotKeys::OverwriteOne(FirnPeer& peer, SplitMix64& random) {
  const uint32_t hot = random.Below(static_cast<uint32_t>(keys_.size()));
  // Another hot key's: fetching a value from memory would cost a good part of the put.
  values_[hot] = keys_[random.Below(static_cast<uint32_t>(keys_.size()))];
  peer.Put(workload_.key(keys_[hot]), workload_.value(values_[hot]));
}

Checksum HotKeys::Content() const {
  Checksum content;
  for (size_t i = 0; i < keys_.size(); ++i) {
    content.Add(workload_.key(keys_[i]), workload_.value(values_[i]));
  }
  return content;
}

Checksum HotKeys::Scan(FirnPeer::View& view) const {
  IteratorOptions range;
  range.lower_bound = workload_.key(keys_.front());
  range.upper_bound = workload_.key(keys_.back());
  range.upper_inclusive = true;
  Checksum seen;
  view.ScanRange(range,
                 [&seen](std::string_view key, std::string_view value) { seen.Add(key, value); });
  return seen;
}

double HotKeys::ScanNs(FirnPeer::View& view, const Checksum& expected) const {
  const double seconds =
      MedianSecondsPerPass(0.02, [&] { CheckEqual(Scan(view), expected, "a scan of hot keys"); });
  return seconds * 1e9 / static_cast<double>(count());
}

double HotKeys::LiveScanNs(const FirnPeer& peer) const {
  FirnPeer::View live = peer.OpenView("live");
  return ScanNs(live, Content());
}

double HotKeys::VersionsPerKey(const DbStats& stats) const {
  const uint64_t of_others = stats.key_count - count();
  return static_cast<double>(stats.version_count - of_others) / static_cast<double>(count());
}

}  // namespace firn::bench
