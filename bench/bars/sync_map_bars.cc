// What does a map cost that threads share? Varies: Firn in memory, or a plain map under a
// std::shared_mutex; read-only, half gets and half puts, 10% gets; uniform keys or one hot key; one
// thread or two. Fixed: all entries there; gets see the newest state, a put is a commit. Reports: wall
// time per operation, with every value read, the content checked afterwards.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/sync_map.h"
#include "bench/two_threads.h"

namespace firn::bench {
namespace {

struct Member {
  std::string name;
  std::unique_ptr<SyncMap> map;
};

std::vector<Member> LoadAll(const Workload& workload) {
  std::vector<SyncMapKind> kinds = SyncMapKinds();
  SyncMapKind again = kinds.front();
  again.name += " again";
  kinds.push_back(std::move(again));
  std::vector<Member> members;
  for (const SyncMapKind& kind : kinds) members.push_back({kind.name, kind.load(workload)});
  return members;
}

Checksum RunByTwo(SyncMap& map, const MixedOperations& operations) {
  const size_t half = operations.size() / 2;
  Checksum left, right;
  SecondsOfTwo([&] { left = map.Run(operations, 0, half); },
               [&] { right = map.Run(operations, half, operations.size()); });
  return Both(left, right);
}

void MeasureOperations(const BarContext& context, std::vector<Member>& members,
                       const MixedOperations& operations, const std::string& name,
                       const std::string& how, bool two_threads) {
  const Checksum expected = operations.ReadBy(0, operations.size());
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    for (Member& member : members) {
      round.Measure(member.name, [&] {
        return CheckedNsPerEntry(operations.size(), expected, member.name, [&] {
          return two_threads ? RunByTwo(*member.map, operations)
                             : member.map->Run(operations, 0, operations.size());
        });
      });
      CheckEqual(member.map->Content(context.workload), context.workload.entry_checksum(),
                 member.name);
    }
  });
  const PairOf itself = {"firn again", "firn"};
  context.report(RatioRow(name, "time of std::map under std::shared_mutex / firn, " + how, "ns/op",
                          rounds, NamesOf(members), {"std::map", "firn"}, itself, Bar::None()));
  context.report(RatioRow(
      name + "_hash", "time of flat_hash_map under std::shared_mutex / firn, " + how, "ns/op",
      rounds, {"firn", "flat_hash_map"}, {"flat_hash_map", "firn"}, itself, Bar::None()));
}

}  // namespace

void MeasureSyncMap(const BarContext& context) {
  std::vector<Member> members = LoadAll(context.workload);
  for (const Mix& mix : kMixes) {  // Read-only first, while all is settled.
    for (const KeyChoice keys : {KeyChoice::kUniform, KeyChoice::kOneHot}) {
      const bool is_hot = keys == KeyChoice::kOneHot;
      const MixedOperations operations(context.workload, mix, keys);
      for (const bool two_threads : {false, true}) {
        MeasureOperations(context, members, operations,
                          "sync-map." + std::string(mix.name) + (is_hot ? "_hot" : "") +
                              (two_threads ? "_two" : ""),
                          std::to_string(mix.read_percent) + "% gets, " +
                              (is_hot ? "one hot key" : "uniform keys") +
                              (two_threads ? ", 2 threads" : ", 1 thread"),
                          two_threads);
      }
    }
  }
}

}  // namespace firn::bench
