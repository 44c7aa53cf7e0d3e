#include "bench/sync_map.h"

#include <memory>

#include "bench/two_threads.h"
#include "gtest/gtest.h"

namespace firn::bench {
namespace {

constexpr size_t kEntries = 500;

size_t GetsOf(const MixedOperations& operations) {
  size_t gets = 0;
  for (size_t i = 0; i < operations.size(); ++i) gets += operations[i].is_get();
  return gets;
}

TEST(MixedOperations, HaveTheSharesOfTheirMix) {
  const Workload workload({.entry_count = 20'000});
  for (const Mix& mix : kMixes) {
    const MixedOperations operations(workload, mix, KeyChoice::kUniform);
    ASSERT_EQ(operations.size(), 20'000u);
    EXPECT_NEAR(static_cast<double>(GetsOf(operations)), 200. * mix.read_percent, 500) << mix.name;
  }
}

TEST(MixedOperations, OneHotKeyIsTheOnlyOne) {
  const Workload workload({.entry_count = kEntries});
  const MixedOperations operations(workload, kMixes[1], KeyChoice::kOneHot);
  for (size_t i = 0; i < operations.size(); ++i) EXPECT_EQ(operations[i].key, operations[0].key);
}

TEST(SyncMap, EveryMapReadsTheSameWhicheverThreadIsFirst) {
  const Workload workload({.entry_count = kEntries});
  for (const SyncMapKind& kind : SyncMapKinds()) {
    SCOPED_TRACE(kind.name);
    const std::unique_ptr<SyncMap> map = kind.load(workload);
    for (const Mix& mix : kMixes) {
      for (const KeyChoice keys : {KeyChoice::kUniform, KeyChoice::kOneHot}) {
        const MixedOperations operations(workload, mix, keys);
        Checksum left, right;
        SecondsOfTwo([&] { left = map->Run(operations, 0, kEntries / 2); },
                     [&] { right = map->Run(operations, kEntries / 2, kEntries); });
        EXPECT_EQ(left, operations.ReadBy(0, kEntries / 2));
        EXPECT_EQ(right, operations.ReadBy(kEntries / 2, kEntries));
        EXPECT_EQ(map->Content(workload), workload.entry_checksum());
      }
    }
  }
}

}  // namespace
}  // namespace firn::bench
