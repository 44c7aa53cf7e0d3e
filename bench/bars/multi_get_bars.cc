// What does MultiGet save over single gets? Varies: whether its answers go into strings that are
// there already, as those of single gets do, or into new ones. Fixed: settled, one snapshot, keys
// drawn uniformly, 32 a call. Reports: time per key, every value read.
#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
namespace {

constexpr size_t kKeysPerCall = 32;

// multi_get(keys, use) for each call.
template <class MultiGet>
Checksum MultiGetAll(absl::Span<const std::string_view> keys, MultiGet multi_get) {
  Checksum checksum;
  while (!keys.empty()) {
    const auto call = keys.first(std::min(kKeysPerCall, keys.size()));
    multi_get(call, [&checksum](std::string_view value) { checksum.Add(value); });
    keys.remove_prefix(call.size());
  }
  return checksum;
}

}  // namespace

void MeasureMultiGet(const BarContext& context) {
  const Lookups& lookups = context.workload.uniform_lookups();
  FirnPeer peer;
  PutAll(peer, context.workload);
  peer.Settle();
  FirnPeer::View view = peer.OpenView();
  std::vector<std::string_view> keys;
  for (size_t i = 0; i < lookups.size(); ++i) keys.push_back(lookups.key(i));

  const auto single = [&] {
    return CheckedNsPerEntry(lookups.size(), lookups.checksum(), "single gets",
                             [&] { return LookUp(view, lookups, 0, lookups.size()); });
  };
  const auto multi = [&](auto multi_get) {
    return CheckedNsPerEntry(lookups.size(), lookups.checksum(), "MultiGet",
                             [&] { return MultiGetAll(keys, multi_get); });
  };
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("single", single);
    round.Measure("32 a call",
                  [&] { return multi([&](auto call, auto use) { view.MultiGet(call, use); }); });
    round.Measure("32 a call, anew", [&] {
      return multi([&](auto call, auto use) { view.MultiGetAnew(call, use); });
    });
    round.Measure("single again", single);
  });
  context.report(RatioRow("get.multi", "time per key of MultiGet with 32 keys / of single gets",
                          "ns/key", rounds, {"single", "32 a call", "single again"},
                          {"32 a call", "single"}, {"single again", "single"}, Bar::AtMost(0.45)));
  context.report(RatioRow("get.multi_anew", "the same, each call into strings of its own", "ns/key",
                          rounds, {"single", "32 a call, anew"}, {"32 a call, anew", "single"},
                          {"single again", "single"}, Bar::None()));
}

}  // namespace firn::bench
