// What the seeded scheduler runs: three threads each, on a Db of the smallest sizes.
#ifndef FIRN_TESTS_SCHEDULE_SCENARIO_H_
#define FIRN_TESTS_SCHEDULE_SCENARIO_H_

#include <vector>

#include "tests/support/random.h"

namespace firn::test {

struct Scenario {
  const char* name;  // As GoogleTest shows it.
  // Runs it once and checks what came of it. The same random numbers: the same calls.
  void (*run)(Random& random);
};

// On a Db in memory, and on one with a store (which has no disk).
std::vector<Scenario> MemoryScenarios();
std::vector<Scenario> StoreScenarios();

}  // namespace firn::test

#endif  // FIRN_TESTS_SCHEDULE_SCENARIO_H_
