// A few keys that are overwritten again and again.
#ifndef FIRN_BENCH_HOT_KEYS_H_
#define FIRN_BENCH_HOT_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/checksum.h"
#include "bench/peers/firn_peer.h"
#include "bench/workload.h"
#include "firn/stats.h"

namespace firn::bench {

// HotKeys are neighbours in the middle of a loaded workload; this knows what each holds.
//
// Thread-safety: one thread at a time. Lifetime: lends `workload`.
class HotKeys {
 public:
  HotKeys(const Workload& workload, size_t count);

  size_t count() const { return keys_.size(); }
  std::string_view Middle() const { return workload_.key(keys_[keys_.size() / 2]); }

  // Gives a random one of them the value that a random one of them had at first.
  void OverwriteOne(FirnPeer& peer, SplitMix64& random);

  // What a scan of them reads at the present.
  Checksum Content() const;
  Checksum Scan(FirnPeer::View& view) const;
  // Nanoseconds per entry of such a scan, checked.
  double ScanNs(FirnPeer::View& view, const Checksum& expected) const;
  // The same at a new snapshot.
  double LiveScanNs(const FirnPeer& peer) const;

  // All other keys of the Db hold one version each.
  double VersionsPerKey(const DbStats& stats) const;

 private:
  const Workload& workload_;
  std::vector<uint32_t> keys_;    // In key order; each the number of an entry.
  std::vector<uint32_t> values_;  // The entries whose values they hold.
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_HOT_KEYS_H_
