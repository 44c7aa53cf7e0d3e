// What do long equal beginnings of keys cost? Varies: 24 of 40 bytes, equal and in front of the rest,
// or random and behind it. Fixed: the same order of keys, the same values; puts of new keys in random
// order, then gets drawn uniformly and scans, settled. Reports: the time of each.
#include <cstddef>
#include <string>
#include <string_view>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"
#include "bench/process.h"

namespace firn::bench {
namespace {

constexpr size_t kOwnBytes = 16;  // Of the workload's key, which differs in its first 8.
constexpr size_t kAddedBytes = 24;
constexpr size_t kKeyBytes = kOwnBytes + kAddedBytes;

// The entries of a workload under longer keys, which stand in the same order.
class Renamed {
 public:
  enum class Added { kEqualInFront, kRandomBehind };

  Renamed(const Workload& workload, Added added) : workload_(workload), lookups_(kKeyBytes) {
    SplitMix64 random(3);
    for (size_t i = 0; i < workload.entry_count(); ++i) {
      const std::string_view own = workload.key(i);
      std::string bytes(kAddedBytes, 'k');
      if (added == Added::kEqualInFront) {
        keys_.append(bytes).append(own);
      } else {
        for (char& byte : bytes) byte = static_cast<char>(random());
        keys_.append(own).append(bytes);
      }
      entry_checksum_.Add(key(i), value(i));
    }
    const Lookups& drawn = workload.uniform_lookups();
    for (size_t i = 0; i < drawn.size(); ++i) {
      const uint32_t entry = drawn.entry(i);
      lookups_.Add(entry, key(entry), value(entry));
    }
  }

  size_t entry_count() const { return workload_.entry_count(); }
  std::string_view key(size_t i) const {
    return std::string_view(keys_).substr(i * kKeyBytes, kKeyBytes);
  }
  std::string_view value(size_t i) const { return workload_.value(i); }
  const Lookups& lookups() const { return lookups_; }
  const Checksum& entry_checksum() const { return entry_checksum_; }

 private:
  const Workload& workload_;
  std::string keys_;
  Lookups lookups_;
  Checksum entry_checksum_;
};

void TakeTurn(Round& round, const std::string& who, const Renamed& entries) {
  const size_t count = entries.entry_count();
  WarmFreeMemory();
  FirnPeer peer;
  round.Measure("put, " + who, [&] {
    const double seconds = SecondsOf([&] {
      for (size_t i = 0; i < count; ++i) peer.Put(entries.key(i), entries.value(i));
    });
    return seconds * 1e9 / static_cast<double>(count);
  });
  peer.Settle();
  FirnPeer::View view = peer.OpenView();
  round.Measure("get, " + who, [&] {
    return CheckedNsPerEntry(count, entries.lookups().checksum(), "firn's gets",
                             [&] { return LookUp(view, entries.lookups(), 0, count); });
  });
  round.Measure("scan, " + who, [&] {
    return CheckedNsPerEntry(count, entries.entry_checksum(), "firn's scan",
                             [&] { return ScanForward(view); });
  });
}

}  // namespace

void MeasurePrefix(const BarContext& context) {
  WorkloadOptions options = context.workload.options();
  options.key_bytes = kOwnBytes;
  const Workload workload(options);
  const Renamed equal(workload, Renamed::Added::kEqualInFront);
  const Renamed random(workload, Renamed::Added::kRandomBehind);
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    TakeTurn(round, "random", random);
    TakeTurn(round, "equal", equal);
    TakeTurn(round, "random again", random);
  });
  for (const std::string what : {"put", "get", "scan"}) {
    const std::string with = what + ", equal", without = what + ", random";
    context.report(RatioRow("prefix." + what,
                            "time with 24 equal leading bytes / without, keys of 40 bytes",
                            "ns/entry", rounds, {without, with}, {with, without},
                            {without + " again", without}, Bar::AtMost(1.15)));
  }
}

}  // namespace firn::bench
