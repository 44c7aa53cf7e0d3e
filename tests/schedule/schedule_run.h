// One scenario under one schedule.
#ifndef FIRN_TESTS_SCHEDULE_SCHEDULE_RUN_H_
#define FIRN_TESTS_SCHEDULE_SCHEDULE_RUN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/schedule/scenario.h"

namespace firn::test {

struct ScheduleRun {
  std::string replay;      // What brings it back.
  std::string trace_text;  // Who did what when.
  uint64_t step_count;
  uint64_t choice_count;  // Steps at which another thread could have run.
};

// Runs the scenario under the schedule of `seed`, with up to four changes of priority among
// `step_count` steps. What goes wrong is a GoogleTest failure; what ends the process says how to
// repeat it.
ScheduleRun RunSeed(const Scenario& scenario, uint64_t seed, uint64_t step_count);

// How many steps the scenario takes, about: those of its first seed without changes.
uint64_t MeasuredSteps(const Scenario& scenario);

}  // namespace firn::test

#endif  // FIRN_TESTS_SCHEDULE_SCHEDULE_RUN_H_
