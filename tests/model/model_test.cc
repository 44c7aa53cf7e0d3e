// Random histories of small Dbs against the oracle.
//
//   FIRN_MODEL_SEEDS=n   runs seeds 1 to n (default 200; 20 under ThreadSanitizer, which has
//                        little to see in histories of one thread)
//   FIRN_MODEL_SEED=n    runs only seed n
//   FIRN_MODEL_STEPS=n   operations per seed (default 600)
#include <cstdint>

#include "gtest/gtest.h"
#include "tests/support/model_run.h"
#include "tests/support/random.h"

namespace firn {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr uint64_t kSeeds = 20;
#else
constexpr uint64_t kSeeds = 200;
#endif

TEST(ModelTest, RandomHistoriesAgreeWithTheOracle) {
  const uint64_t only_seed = test::NumberFromEnv("FIRN_MODEL_SEED", 0);
  const uint64_t first = only_seed != 0 ? only_seed : 1;
  const uint64_t last =
      only_seed != 0 ? only_seed : test::NumberFromEnv("FIRN_MODEL_SEEDS", kSeeds);
  const uint64_t steps = test::NumberFromEnv("FIRN_MODEL_STEPS", 600);
  for (uint64_t seed = first; seed <= last; ++seed) {
    test::ModelRun run(seed);
    for (uint64_t step = 1; step <= steps && !HasFailure(); ++step) {
      run.Step();
      if (step % 40 == 0) run.CheckEverything();
    }
    if (!HasFailure()) run.CheckThatNothingStays();
    ASSERT_FALSE(HasFailure()) << "FIRN_MODEL_SEED=" << seed << " repeats this:\n"
                               << run.Description();
  }
}

}  // namespace
}  // namespace firn
