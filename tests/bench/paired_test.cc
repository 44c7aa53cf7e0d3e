#include "bench/paired.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace firn::bench {
namespace {

using ::testing::ElementsAre;

// Nothing that others do can disturb these rounds.
RoundPlan Undisturbed(size_t round_count) {
  return {.round_count = round_count, .max_disturbance = 1e9};
}

TEST(Quartiles, InterpolateBetweenValues) {
  const Quartiles found = QuartilesOf({4, 1, 3, 2});
  EXPECT_DOUBLE_EQ(found.q1, 1.75);
  EXPECT_DOUBLE_EQ(found.median, 2.5);
  EXPECT_DOUBLE_EQ(found.q3, 3.25);
}

TEST(Quartiles, OfOneValueAreThatValue) {
  const Quartiles found = QuartilesOf({7});
  EXPECT_DOUBLE_EQ(found.q1, 7);
  EXPECT_DOUBLE_EQ(found.median, 7);
  EXPECT_DOUBLE_EQ(found.q3, 7);
}

TEST(Rounds, RatiosPairWithinARound) {
  // The machine slows down threefold in the second round; the ratio does not change.
  double slowness = 1;
  const Rounds rounds = RunRounds(Undisturbed(2), [&](Round& round) {
    round.Note("a", 10 * slowness);
    round.Note("b", 5 * slowness);
    slowness *= 3;
  });
  EXPECT_THAT(rounds.Figures("a"), ElementsAre(10, 30));
  EXPECT_THAT(rounds.Ratios("a", "b"), ElementsAre(2, 2));
  EXPECT_THAT(rounds.SuccessiveRatios("a"), ElementsAre(3));
}

TEST(Rounds, NothingAgainstNothingIsNoDifference) {
  const Rounds rounds = RunRounds(Undisturbed(1), [](Round& round) {
    round.Note("a", 0);
    round.Note("b", 0);
  });
  EXPECT_THAT(rounds.Ratios("a", "b"), ElementsAre(1));
}

TEST(Rounds, DisturbedOnesRunAgainUpToACap) {
  RoundPlan plan = Undisturbed(2);
  plan.max_disturbance = -1;  // No round is quiet enough.
  plan.attempts_per_round = 3;
  int run = 0;
  const Rounds rounds = RunRounds(plan, [&run](Round& round) { round.Note("run", ++run); });
  EXPECT_EQ(run, 6);
  EXPECT_EQ(rounds.count(), 2u);
  EXPECT_EQ(rounds.disturbed_count(), 2u);
}

}  // namespace
}  // namespace firn::bench
