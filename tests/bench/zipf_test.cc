#include "bench/zipf.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "bench/workload.h"
#include "gtest/gtest.h"

namespace firn::bench {
namespace {

constexpr size_t kRanks = 1000;
constexpr double kTheta = 0.99;

// How much of all draws ranks below `end` get, by definition.
double ShareBelow(size_t end) {
  double below = 0, all = 0;
  for (size_t rank = 0; rank < kRanks; ++rank) {
    const double weight = 1 / std::pow(static_cast<double>(rank + 1), kTheta);
    all += weight;
    if (rank < end) below += weight;
  }
  return below / all;
}

TEST(ZipfRanks, SharesAreThoseOfTheLaw) {
  constexpr size_t kDraws = 200'000;
  const ZipfRanks ranks(kRanks, kTheta);
  SplitMix64 random(1);
  std::vector<size_t> draws(kRanks);
  for (size_t i = 0; i < kDraws; ++i) ++draws.at(ranks.Draw(random.Fraction()));

  size_t below = 0;
  size_t rank = 0;
  for (const size_t end : {1, 2, 10, 100, 1000}) {
    for (; rank < end; ++rank) below += draws[rank];
    // The two lowest ranks are exact, the others come close (see the source).
    const double tolerance = end <= 2 ? 0.005 : 0.02;
    EXPECT_NEAR(static_cast<double>(below) / kDraws, ShareBelow(end), tolerance) << end;
  }
}

TEST(ZipfRanks, StayWithinTheCount) {
  const ZipfRanks ranks(kRanks, kTheta);
  EXPECT_EQ(ranks.Draw(0), 0u);
  EXPECT_EQ(ranks.Draw(std::nextafter(1.0, 0.0)), kRanks - 1);
}

TEST(Workload, ZipfLookupsPreferEntriesByRankAlone) {
  const Workload workload({.entry_count = kRanks});
  std::vector<size_t> asked(kRanks);
  const Lookups& lookups = workload.zipf_lookups();
  size_t first_tenth = 0;
  for (size_t i = 0; i < lookups.size(); ++i) {
    ASSERT_EQ(lookups.key(i), workload.key(lookups.entry(i)));
    ++asked[lookups.entry(i)];
    first_tenth += lookups.entry(i) < kRanks / 10;
  }
  size_t never = 0;
  for (const size_t count : asked) never += count == 0;
  EXPECT_GT(never, kRanks / 2);  // Uniformly drawn, it would be 1/e of them.
  // By rank the first tenth would get two thirds.
  EXPECT_LT(first_tenth, kRanks / 2);
}

}  // namespace
}  // namespace firn::bench
