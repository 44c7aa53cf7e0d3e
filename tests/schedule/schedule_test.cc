// Every scenario under many schedules, each made from a seed; and that this finds what is wrong.
//
//   FIRN_SCHEDULE_SEEDS=n   runs seeds 1 to n of each scenario (default 500; 60 under sanitizers)
//   FIRN_SEED=n             runs only seed n and prints its schedule
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firn/db.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/schedule/scenario.h"
#include "tests/schedule/schedule_run.h"
#include "tests/schedule/trial.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSeeds = 60;
#else
constexpr uint64_t kSeeds = 500;
#endif

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all = MemoryScenarios();
  const std::vector<Scenario> more = StoreScenarios();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string NameOf(const ::testing::TestParamInfo<Scenario>& scenario) {
  return scenario.param.name;
}

class ScheduleTest : public ::testing::TestWithParam<Scenario> {};

TEST_P(ScheduleTest, HoldsUnderEverySchedule) {
  const Scenario& scenario = GetParam();
  const uint64_t only_seed = NumberFromEnv("FIRN_SEED", 0);
  const uint64_t first = only_seed != 0 ? only_seed : 1;
  const uint64_t last = only_seed != 0 ? only_seed : NumberFromEnv("FIRN_SCHEDULE_SEEDS", kSeeds);
  const uint64_t step_count = MeasuredSteps(scenario);
  ASSERT_FALSE(HasFailure()) << "without any change of priority";
  std::set<size_t> different;
  uint64_t steps = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    const ScheduleRun run = RunSeed(scenario, seed, step_count);
    different.insert(std::hash<std::string>()(run.trace_text));
    steps += run.step_count;
    if (only_seed != 0) std::printf("%s", run.trace_text.c_str());
    ASSERT_FALSE(HasFailure()) << run.replay << " repeats this:\n" << run.trace_text;
  }
  std::printf("%llu schedules, %zu of them different, %llu steps\n",
              static_cast<unsigned long long>(last - first + 1), different.size(),
              static_cast<unsigned long long>(steps));
}

TEST_P(ScheduleTest, ASeedGivesTheSameScheduleTenTimesOfTen) {
#ifndef FIRN_INVARIANTS
  GTEST_SKIP() << "without schedule points nobody is steered";
#endif
  const uint64_t step_count = MeasuredSteps(GetParam());
  std::set<std::string> different;
  for (const uint64_t seed : {1, 2, 3, 4}) {
    const std::string trace = RunSeed(GetParam(), seed, step_count).trace_text;
    for (int again = 0; again < 9; ++again) {
      ASSERT_EQ(RunSeed(GetParam(), seed, step_count).trace_text, trace) << "seed " << seed;
    }
    different.insert(trace);
  }
  EXPECT_GT(different.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ScheduleTest, ::testing::ValuesIn(AllScenarios()), &NameOf);

// --- Planted faults: a client that breaks what it says of itself ------------------------------

// Writes in two commits what it says is one batch.
void ABatchIsTorn(Random& /*random*/) {
  Trial trial(TinyOptions());
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  Witness& bystander = trial.NewWitness();
  RunTogether({{"writer",
                [&] {
                  ValueOf(trial.db().Put("a", "1"));
                  WriteBatch batch;
                  batch.Put("a", "1");
                  batch.Put("b", "1");
                  writer.Committed(ValueOf(trial.db().Put("b", "1")), batch);
                }},
               {"reader",
                [&] {
                  reader.MultiGet({"a", "b"});
                }},
               {"bystander", [&] { bystander.Put("c", "1"); }}});
  trial.Judge();
}

// Reads at two moments what it says is one.
void AReadIsTorn(Random& /*random*/) {
  Trial trial(TinyOptions());
  Witness& writer = trial.NewWitness();
  Witness& reader = trial.NewWitness();
  const auto write_both = [&](const std::string& value) {
    WriteBatch batch;
    batch.Put("a", value);
    batch.Put("b", value);
    writer.Write(batch);
  };
  write_both("1");
  RunTogether({{"writer", [&] { write_both("2"); }},
               {"reader",
                [&] {
                  const Snapshot first = trial.db().GetSnapshot();
                  std::vector<Entry> entries = ReadForward(first, {.upper = "b"});
                  const Snapshot second = trial.db().GetSnapshot();
                  const std::vector<Entry> rest = ReadForward(second, {.lower = "b"});
                  entries.insert(entries.end(), rest.begin(), rest.end());
                  reader.Saw(second.ts(), entries);
                }},
               {"bystander", [&] { ValueOf(trial.db().Get("a")); }}});
  trial.Judge();
}

// Looks and writes in two steps what it says is one.
void ASwapIsTorn(Random& /*random*/) {
  Trial trial(TinyOptions());
  trial.NewWitness().Put("k", "0");
  std::atomic<int> wins = 0;
  const auto swap = [&] {
    if (ValueOf(trial.db().Get("k")) != "0") return;
    ValueOf(trial.db().Put("k", "1"));
    ++wins;
  };
  RunTogether(
      {{"first", swap}, {"second", swap}, {"bystander", [&] { ValueOf(trial.db().Get("k")); }}});
  EXPECT_EQ(wins, 1);
}

class PlantedFaultTest : public ::testing::TestWithParam<Scenario> {
 protected:
  // The run of `seed` if it fails.
  std::optional<ScheduleRun> FailingRun(uint64_t seed) const {
    ::testing::TestPartResultArray failures;
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
    ScheduleRun run = RunSeed(GetParam(), seed, kFaultSteps);
    return failures.size() == 0 ? std::nullopt : std::optional(std::move(run));
  }

  static constexpr uint64_t kFaultSteps = 40;  // About.
};

TEST_P(PlantedFaultTest, IsFoundAndComesBackTenTimesOfTen) {
#ifndef FIRN_INVARIANTS
  GTEST_SKIP() << "without schedule points nobody is steered";
#endif
  size_t found = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::optional<ScheduleRun> run = FailingRun(seed);
    if (!run || ++found > 1) continue;
    for (int again = 0; again < 10; ++again) {
      const std::optional<ScheduleRun> replayed = FailingRun(seed);
      ASSERT_TRUE(replayed);
      ASSERT_EQ(replayed->trace_text, run->trace_text);
    }
  }
  std::printf("%zu of %llu schedules find it\n", found, static_cast<unsigned long long>(kSeeds));
  EXPECT_GT(found, 0u);
}

INSTANTIATE_TEST_SUITE_P(Faults, PlantedFaultTest,
                         ::testing::Values(Scenario{"ABatchIsTorn", &ABatchIsTorn},
                                           Scenario{"AReadIsTorn", &AReadIsTorn},
                                           Scenario{"ASwapIsTorn", &ASwapIsTorn}),
                         &NameOf);

}  // namespace
}  // namespace firn::test
