// What does a point get cost at a snapshot, settled? Varies: engine; keys drawn uniformly or by
// Zipf's law; one thread or two; copied out or shown in place. Fixed: entries inserted in random
// order, asked for in an unrelated one. Reports: wall time per get, with every byte read.
#include <algorithm>
#include <string>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/bars/field.h"
#include "bench/peers/firn_peer.h"
#include "bench/two_threads.h"

namespace firn::bench {
namespace {

struct Asking {
  const char* name;
  const char* how;
  const Lookups& (Workload::*lookups)() const;
  bool two_threads;
};
constexpr Asking kAskings[] = {
    {"get.uniform", "uniform", &Workload::uniform_lookups, false},
    {"get.zipf", "Zipf 0.99", &Workload::zipf_lookups, false},
    {"get.uniform_two", "uniform, 2 threads", &Workload::uniform_lookups, true},
    {"get.zipf_two", "Zipf 0.99, 2 threads", &Workload::zipf_lookups, true},
};

Checksum LookUpByTwo(LoadedEngine& engine, const Lookups& lookups) {
  const size_t half = lookups.size() / 2;
  Checksum left, right;
  SecondsOfTwo([&] { left = engine.LookUp(0, lookups, 0, half); },
               [&] { right = engine.LookUp(1, lookups, half, lookups.size()); });
  return Both(left, right);
}

double NsPerGet(Field::Member& member, const Lookups& lookups, bool two_threads) {
  return CheckedNsPerEntry(lookups.size(), lookups.checksum(), member.name, [&] {
    return two_threads ? LookUpByTwo(*member.engine, lookups)
                       : member.engine->LookUp(0, lookups, 0, lookups.size());
  });
}

// Of RocksDB's two forms the one that was faster in this round.
void NoteFasterRocksdb(Round& round) {
  const std::string memtable = "rocksdb memtable", blocks = "rocksdb blocks";
  if (!round.has(memtable) || !round.has(blocks)) return;
  round.Note("rocksdb", std::min(round.figure(memtable), round.figure(blocks)));
}

void MeasureAsking(const BarContext& context, Field& field, const Asking& asking) {
  const Lookups& lookups = (context.workload.*asking.lookups)();
  const std::vector<std::string> names = NamesOf(field.members());
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    for (Field::Member& member : field.members()) {
      round.Measure(member.name, [&] { return NsPerGet(member, lookups, asking.two_threads); });
    }
    NoteFasterRocksdb(round);
  });

  const std::string name = asking.name, how = std::string(", ") + asking.how;
  const PairOf itself = {"firn again", "firn"};
  Row lmdb = RatioRow(name, "time of lmdb (in place) / firn (copied out)" + how, "ns/get", rounds,
                      names, {"lmdb", "firn"}, itself, Bar::AtLeast(2));
  lmdb.note = ChecksumNote(lookups.checksum());
  context.report(lmdb);
  if (rounds.Has("rocksdb")) {
    context.report(RatioRow(name + "_rocksdb", "time of rocksdb, its faster form / firn" + how,
                            "ns/get", rounds, {"firn", "rocksdb"}, {"rocksdb", "firn"}, itself,
                            Bar::AtLeast(4)));
  }
  if (rounds.Has("tbb hash map")) {
    context.report(RatioRow(name + "_tbb", "time of firn / tbb hash map" + how, "ns/get", rounds,
                            {"firn", "tbb hash map"}, {"firn", "tbb hash map"}, itself,
                            Bar::AtMost(1.5)));
  }
}

void MeasureInPlace(const BarContext& context, Field& field) {
  const Lookups& lookups = context.workload.uniform_lookups();
  FirnPeer peer;
  PutAll(peer, context.workload);
  peer.Settle();
  FirnPeer::View view = peer.OpenView();
  const auto get_pinned = [&] {
    return CheckedNsPerEntry(lookups.size(), lookups.checksum(), "firn in place", [&] {
      Checksum checksum;
      for (size_t i = 0; i < lookups.size(); ++i) {
        view.GetPinned(lookups.key(i),
                       [&checksum](std::string_view value) { checksum.Add(value); });
      }
      return checksum;
    });
  };
  const Rounds rounds = RunRounds(context.plan, [&](Round& round) {
    round.Measure("firn in place", get_pinned);
    for (Field::Member& member : field.members()) {
      if (member.name != "lmdb") continue;
      round.Measure("lmdb", [&] { return NsPerGet(member, lookups, false); });
    }
    round.Measure("firn in place again", get_pinned);
  });
  context.report(RatioRow("get.in_place", "time of lmdb / firn, both in place", "ns/get", rounds,
                          {"firn in place", "lmdb", "firn in place again"},
                          {"lmdb", "firn in place"}, {"firn in place again", "firn in place"},
                          Bar::None()));
}

}  // namespace

void MeasureGet(const BarContext& context) {
  Field field(context, Field::Who::kAll);
  for (const Asking& asking : kAskings) MeasureAsking(context, field, asking);
  MeasureInPlace(context, field);
}

}  // namespace firn::bench
