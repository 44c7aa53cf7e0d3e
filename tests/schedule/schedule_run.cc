#include "tests/schedule/schedule_run.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/seeded_scheduler.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace firn::test {
namespace {

constexpr uint64_t kMostChanges = 4;

// Says which run ended the process: a broken invariant, a signal, a sanitizer's report, or a loop
// without a schedule point that never ended.
class LastWords {
 public:
  explicit LastWords(const std::string& words) {
    std::snprintf(words_, sizeof(words_), "%s\n", words.c_str());
    [[maybe_unused]] static const bool installed = Install();
    alarm(kHangSeconds);
  }
  ~LastWords() {
    alarm(0);
    words_[0] = '\0';
  }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  static bool Install() {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(&Say);
#endif
    std::signal(SIGABRT, &SayAndDie);
    std::signal(SIGALRM, &SayAndDie);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    std::signal(SIGSEGV, &SayAndDie);
#endif
    return true;
  }
  static void Say() { std::fputs(words_, stderr); }
  static void SayAndDie(int signal) {
    Say();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }

  static constexpr unsigned kHangSeconds = 60;
  static inline char words_[512] = "";
};

ScheduleRun Run(const Scenario& scenario, uint64_t seed, uint64_t change_count,
                uint64_t step_count) {
  ScheduleRun run;
  run.replay = absl::StrCat("FIRN_SEED=", seed, " schedule_schedule_test --gtest_filter='*/",
                            scenario.name, "'");
  const LastWords last_words(absl::StrCat(run.replay, " repeats this."));
  SeededScheduler scheduler(
      {.seed = seed, .change_count = change_count, .step_count = step_count, .replay = run.replay});
  Random random(seed);
  scenario.run(random);
  run.trace_text = scheduler.TraceText();
  run.step_count = scheduler.trace().size();
  run.choice_count = scheduler.choice_count();
  return run;
}

}  // namespace

ScheduleRun RunSeed(const Scenario& scenario, uint64_t seed, uint64_t step_count) {
  // Of a sequence apart from the scenario's and the scheduler's.
  const uint64_t change_count = Random(~seed).Below(kMostChanges + 1);
  return Run(scenario, seed, change_count, step_count);
}

uint64_t MeasuredSteps(const Scenario& scenario) {
  return std::max<uint64_t>(1, Run(scenario, 1, 0, 1).choice_count);
}

}  // namespace firn::test
