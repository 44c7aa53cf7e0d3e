// The scheduler itself, on threads that know nothing of Firn but its wait types.
#include "tests/support/seeded_scheduler.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mvcc/mutex.h"
#include "mvcc/schedule_point.h"
#include "mvcc/thread.h"

namespace firn::test {
namespace {

using internal::AtSchedulePoint;
using internal::CondVar;
using internal::Mutex;
using internal::MutexLock;
using internal::Thread;

constexpr uint64_t kSeeds = 500;

class SeededSchedulerTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef FIRN_INVARIANTS
    GTEST_SKIP() << "without schedule points nobody is steered";
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }

  // Runs the bodies at once, on threads "0", "1" and so on, and returns the trace.
  static std::string Run(const SeededScheduler::Plan& plan,
                         const std::vector<std::function<void()>>& bodies) {
    static constexpr const char* kNames[] = {"a", "b", "c"};
    SeededScheduler scheduler(plan);
    std::deque<Thread> threads(bodies.size());
    for (size_t i = 0; i < bodies.size(); ++i) threads[i].Start(kNames[i], bodies[i]);
    for (Thread& thread : threads) thread.Join();
    return scheduler.TraceText();
  }
};

// Passes `count` points.
void Walk(int count) {
  for (int i = 0; i < count; ++i) AtSchedulePoint("step");
}

// A counter whose users forgot the lock. (Atomic, so that ThreadSanitizer lets it pass.)
struct RacyCounter {
  void Add() {
    const int seen = value;
    AtSchedulePoint("racy:read");
    value = seen + 1;
  }
  std::atomic<int> value = 0;
};

// How many stretches a trace has in which one thread runs alone, main's among them.
size_t StretchCount(const std::string& trace) {
  size_t count = 0;
  for (const char c : trace) count += c == '\n' ? 1 : 0;
  return count;
}

TEST_F(SeededSchedulerTest, WithoutChangesEachThreadRunsToItsEnd) {
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const std::string trace =
        Run({.seed = seed}, {[] { Walk(5); }, [] { Walk(5); }, [] { Walk(5); }});
    // Main joins the three in the order it began them: it waits once at least, and runs last.
    EXPECT_LE(StretchCount(trace), 3u + 4u) << trace;
    EXPECT_NE(trace.find(" step step step step step (done)"), std::string::npos) << trace;
    orders.insert(trace);
  }
  EXPECT_GE(orders.size(), 6u) << "three threads have six orders";
}

TEST_F(SeededSchedulerTest, AChangeOfPriorityInterruptsAThreadOnce) {
  const std::vector<std::function<void()>> walks = {[] { Walk(8); }, [] { Walk(8); }};
  std::set<std::string> traces;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    traces.insert(Run({.seed = seed, .change_count = 1, .step_count = 16}, walks));
  }
  // Either thread first, interrupted before any of its steps or not at all.
  EXPECT_GE(traces.size(), 2 * 8u);
}

TEST_F(SeededSchedulerTest, OneThreadRunsAtATime) {
  std::atomic<int> running = 0;
  Mutex mutex;
  CondVar changed;
  int turns = 0;
  const auto work = [&] {
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(++running, 1);
      --running;
      AtSchedulePoint("step");
      const MutexLock lock(mutex);
      EXPECT_EQ(++running, 1);
      ++turns;
      --running;
      changed.NotifyAll();
      while (turns < 3 * i) changed.Wait(mutex);
    }
  };
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    turns = 0;
    Run({.seed = seed, .change_count = 3, .step_count = 40}, {work, work, work});
    EXPECT_EQ(turns, 12);
  }
}

TEST_F(SeededSchedulerTest, FindsALostUpdateAndRepeatsItTenTimesOfTen) {
  // Two steps in order: n = 2, k = 4 or so, d = 2.
  const auto loses = [](uint64_t seed, std::string* trace) {
    RacyCounter counter;
    *trace = Run({.seed = seed, .change_count = 1, .step_count = 4},
                 {[&] { counter.Add(); }, [&] { counter.Add(); }});
    return counter.value != 2;
  };
  uint64_t lost = 0;
  std::string trace;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (!loses(seed, &trace)) continue;
    ++lost;
    for (int again = 0; again < 10 && lost == 1; ++again) {
      std::string replayed;
      EXPECT_TRUE(loses(seed, &replayed));
      EXPECT_EQ(replayed, trace);
    }
  }
  EXPECT_GE(lost, kSeeds / (2 * 4)) << "the bound of the paper, 1 / (n * k)";
  EXPECT_LT(lost, kSeeds);
}

TEST_F(SeededSchedulerTest, ALockKeepsTheCounterRight) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RacyCounter counter;
    Mutex mutex;
    const auto add = [&] {
      const MutexLock lock(mutex);
      counter.Add();
    };
    Run({.seed = seed, .change_count = 2, .step_count = 12}, {add, add, add});
    ASSERT_EQ(counter.value, 3) << seed;
  }
}

TEST_F(SeededSchedulerTest, ATimedWaitEndsOnlyWhenNobodyElseCanRun) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Mutex mutex;
    CondVar never;
    std::atomic<bool> walked = false;
    std::vector<int> woken;
    const auto wait = [&](uint64_t us, int id) {
      const MutexLock lock(mutex);
      EXPECT_FALSE(never.WaitFor(mutex, us));
      EXPECT_TRUE(walked);
      woken.push_back(id);
    };
    Run({.seed = seed}, {[&] { wait(1'000'000'000, 2); }, [&] { wait(1, 1); },
                         [&] {
                           Walk(20);
                           walked = true;
                         }});
    EXPECT_EQ(woken, (std::vector<int>{1, 2})) << "the earliest first";
  }
}

TEST_F(SeededSchedulerTest, ANotifiedTimedWaitHasNotTimedOut) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Mutex mutex;
    CondVar changed;
    bool waits = false;
    bool notified = false;
    Run({.seed = seed, .change_count = 2, .step_count = 8},
        {[&] {
           const MutexLock lock(mutex);
           waits = true;
           EXPECT_TRUE(notified || changed.WaitFor(mutex, 1));
         },
         [&] {
           AtSchedulePoint("step");
           const MutexLock lock(mutex);
           if (!waits) notified = true;
           changed.NotifyAll();
         }});
  }
}

TEST_F(SeededSchedulerTest, ThreadsMayStartThreads) {
  std::set<std::string> traces;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    int walked = 0;
    traces.insert(Run({.seed = seed, .change_count = 2, .step_count = 10}, {[&] {
                        Thread child;
                        child.Start("child", [&] {
                          Walk(3);
                          ++walked;
                        });
                        Walk(3);
                        child.Join();
                        EXPECT_EQ(walked, 1);
                      }}));
  }
  EXPECT_GT(traces.size(), 4u);
}

TEST_F(SeededSchedulerTest, OtherThreadsAreLeftAlone) {
  Mutex mutex;
  Thread free;
  free.Start("free", [&] {
    Walk(3);
    const MutexLock lock(mutex);
  });
  Run({}, {[] { Walk(3); }});
  free.Join();
}

using SeededSchedulerDeathTest = SeededSchedulerTest;

#ifndef __SANITIZE_THREAD__  // Which does not follow a fork.
TEST_F(SeededSchedulerDeathTest, ADeadlockEndsTheProgramWithTheSchedule) {
  const auto run_all = [] {
    Mutex left;
    Mutex right;
    const auto take = [](Mutex& first, Mutex& second) {
      const MutexLock outer(first);
      AtSchedulePoint("planted:holds_one");
      const MutexLock inner(second);
    };
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      Run({.seed = seed, .change_count = 1, .step_count = 4, .replay = "the replay line"},
          {[&] { take(left, right); }, [&] { take(right, left); }});
    }
  };
  EXPECT_DEATH(run_all(), "deadlock(.|\n)*the replay line(.|\n)*planted:holds_one");
}

TEST_F(SeededSchedulerDeathTest, ALostWakeUpIsADeadlock) {
  const auto run_all = [] {
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      Mutex mutex;
      CondVar changed;
      bool done = false;
      Run({.seed = seed, .change_count = 1, .step_count = 4},
          {[&] {
             const bool seen = done;  // Looked at before the lock is taken.
             AtSchedulePoint("planted:looked");
             const MutexLock lock(mutex);
             if (!seen) changed.Wait(mutex);
           },
           [&] {
             const MutexLock lock(mutex);
             done = true;
             changed.NotifyAll();
           }});
    }
  };
  EXPECT_DEATH(run_all(), "deadlock(.|\n)*planted:looked");
}

TEST_F(SeededSchedulerDeathTest, ALivelockEndsTheProgramWithTheSchedule) {
  const auto run = [] {
    bool done = false;
    Run({.step_limit = 100}, {[&] {
          while (!done) AtSchedulePoint("planted:spins");
        }});
  };
  EXPECT_DEATH(run(), "livelock(.|\n)*planted:spins");
}

TEST_F(SeededSchedulerDeathTest, AForgottenThreadEndsTheProgram) {
  const auto run = [] {
    Thread forgotten;
    SeededScheduler scheduler({});
    forgotten.Start("forgotten", [] { Walk(3); });
  };
  EXPECT_DEATH(run(), "still running");
}
#endif  // __SANITIZE_THREAD__

}  // namespace
}  // namespace firn::test
