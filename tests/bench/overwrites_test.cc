#include "bench/overwrites.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "bench/steady_puts.h"
#include "gtest/gtest.h"

namespace firn::bench {
namespace {

using Map = std::map<std::string_view, std::string_view>;

Map MapOf(const Workload& workload) {
  Map map;
  for (size_t i = 0; i < workload.entry_count(); ++i) map[workload.key(i)] = workload.value(i);
  return map;
}

Checksum ContentOf(const Map& map) {
  Checksum content;
  for (const auto& [key, value] : map) content.Add(key, value);
  return content;
}

TEST(Overwrites, KnowWhatTheyLeave) {
  const Workload workload({.entry_count = 300});
  Overwrites overwrites(workload);
  Map map = MapOf(workload);
  for (const size_t count : {100, 250, 300}) {  // Past the end, and over again.
    for (const KeyValue& put : overwrites.Next(count)) map.at(put.key) = put.value;
    EXPECT_EQ(overwrites.Content(), ContentOf(map));
    Checksum read;
    const Lookups& lookups = workload.zipf_lookups();
    for (size_t i = 0; i < lookups.size(); ++i) read.Add(map.at(lookups.key(i)));
    EXPECT_EQ(overwrites.ReadBy(lookups), read);
  }
}

TEST(Overwrites, HalvesShareNoKey) {
  const Workload workload({.entry_count = 300});
  Overwrites overwrites(workload);
  const Overwrites::Halves halves = overwrites.NextHalves(300);
  EXPECT_EQ(halves.even.size() + halves.odd.size(), 300u);
  std::set<std::string_view> even;
  for (const KeyValue& put : halves.even) even.insert(put.key);
  Map map = MapOf(workload);
  for (const KeyValue& put : halves.odd) EXPECT_FALSE(even.contains(put.key));
  for (const auto* half : {&halves.odd, &halves.even}) {  // Whichever comes first.
    for (const KeyValue& put : *half) map.at(put.key) = put.value;
  }
  EXPECT_EQ(overwrites.Content(), ContentOf(map));
}

TEST(SteadyPuts, ChangeValuesButNoChecksum) {
  for (const size_t value_bytes : {100, 8, 16, 1000}) {
    const Workload workload({.entry_count = 50, .value_bytes = value_bytes});
    const SteadyPuts puts(workload, workload.zipf_lookups());
    Map map = MapOf(workload);
    const Map before = map;
    for (size_t i = 0; i < 120; ++i) {
      map.at(puts[i].key) = puts[i].value;
      ASSERT_EQ(ContentOf(map), workload.entry_checksum()) << value_bytes << " " << i;
    }
    EXPECT_EQ(map == before, value_bytes == 8);  // One word has no other place.
  }
}

}  // namespace
}  // namespace firn::bench
