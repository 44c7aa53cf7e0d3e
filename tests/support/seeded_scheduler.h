// Runs threads one at a time, in an order that a seed decides: a failure happens again.
#ifndef FIRN_TESTS_SUPPORT_SEEDED_SCHEDULER_H_
#define FIRN_TESTS_SUPPORT_SEEDED_SCHEDULER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mvcc/schedule_point.h"
#include "tests/support/random.h"

namespace firn::test {

// A SeededScheduler steers the thread that makes it and every internal::Thread that a steered
// thread starts, by priority-change random scheduling (PCT: Burckhardt, Kothari, Musuvathi and
// Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS
// 2010).
//
// The schedule. Each thread gets a random priority, and the enabled thread of highest priority
// runs, alone. At d - 1 steps, chosen at random among the k of a run, the thread that runs falls
// below all others. A bug that needs d ordered steps of n threads then shows with probability
// 1 / (n * k^(d-1)) at least, however unlikely its timing is on a real machine.
//
// A step is where the turn may pass to another thread: a named schedule point, a wait, a release
// that somebody waited for, the end of a thread. Steps count towards k when another thread could
// run as well: a change of priorities is lost on a thread that is alone.
//
// States of a thread:
//
//   runs      has the turn. Exactly one thread does; all others sleep in TakeTurn().
//   enabled   would run if it had the turn.
//   waiting   for a resource: a lock, a condition, the end of a thread. Becomes enabled when that
//             is released, and then tries again: another may have been faster to the lock.
//   done      has nothing left to do, and stays until it is joined.
//
// Why a seed says everything. A steered thread never waits in the kernel: Mutex, CondVar and
// Thread call Await() in its place, which marks the thread as waiting and passes the turn on in
// one step. Between two steps nobody else runs, so a lock that is found taken stays taken until
// its holder's turn, and no notification falls between looking and waiting. Time is virtual: it
// stands still while a thread is enabled; when none is, the earliest timed wait ends, and if there
// is none either, that is a deadlock. A thread that is done lives on until its joiner has the
// turn, so what the destruction of its thread-locals gives back (epoch record, ordinal) comes at
// a step, too. Shortcuts are skipped by seed, per thread.
//
// What a scenario must do for its part: no waiting by other means than Mutex, CondVar and Thread
// while other threads are needed to end the wait; no clock but its own; no atomic that is waited
// for in a loop without a schedule point (the oracle's spinning is bounded and ends in a CondVar);
// no lock shared with threads that are not steered (Options::load_threads = 1).
//
// Deadlock (nobody can ever run) and livelock (the step limit) print seed and trace, and stop
// the program, since their threads cannot be unwound.
//
// Builds without invariants have no schedule points: there nobody is steered.
// Thread-safety: made and destroyed on one thread, once all threads it steers are joined; one at
//     a time.
class SeededScheduler final : public internal::ScheduleObserver {
 public:
  struct Plan {
    uint64_t seed = 1;
    uint64_t change_count = 0;  // d - 1.
    uint64_t step_count = 1;    // k.
    std::string replay = {};    // Said when the run fails: how to have it again.
    size_t step_limit = 50'000;
  };
  struct Step {
    uint32_t thread;   // In order of start; 0 made the scheduler.
    const char* what;  // The schedule point, or what else happened.
  };

  explicit SeededScheduler(Plan plan);
  ~SeededScheduler() override;
  SeededScheduler(const SeededScheduler&) = delete;
  SeededScheduler& operator=(const SeededScheduler&) = delete;

  // What happened so far, in order. Requires: the calling thread is steered.
  const std::vector<Step>& trace() const { return trace_; }
  // The same as text: a line for each stretch that a thread ran alone.
  std::string TraceText() const;
  // Steps at which another thread could have run as well. Requires: as above.
  uint64_t choice_count() const { return choice_count_; }

  void AtPoint(const char* name) override;
  void OnBlocked(const void* /*resource*/) override {}
  void OnUnblocked(const void* /*resource*/) override {}
  void OnReleased(const void* resource) override;
  bool Steers() const override { return current_ != nullptr; }
  bool Await(const void* resource, const void* held, std::optional<uint64_t> timeout_us) override;
  void OnThreadStarting(const void* thread, const char* name) override;
  void OnThreadBegan(const void* thread) override;
  void OnThreadDone(const void* thread) override;
  void OnThreadJoining(const void* thread) override;

 private:
  enum class State { kEnabled, kWaiting, kDone };
  struct Steered {
    uint32_t index;
    const char* name;
    const void* thread;  // The internal::Thread; null for the one that made the scheduler.
    uint64_t priority;
    uint64_t shortcut_seed;
    State state = State::kEnabled;
    bool may_end = false;                      // Its joiner is about to join it.
    const void* resource = nullptr;            // kWaiting for this.
    std::optional<uint64_t> deadline_us = {};  // kWaiting no longer than until then.
    bool timed_out = false;                    // So ended its last wait.
    std::condition_variable turn = {};         // It has the turn, or may end.
  };
  using Lock = std::unique_lock<std::mutex>;

  Steered& Add(const void* thread, const char* name);
  Steered* FindThread(const void* thread);
  // The calling thread's step: the turn passes to whoever runs next.
  void TakeStep(Lock& lock, const char* what);
  // The same, for one that waits; returns false if the time passed first.
  bool WaitFor(Lock& lock, const void* resource, std::optional<uint64_t> timeout_us,
               const char* what);
  void PassTurn();
  void TakeTurn(Lock& lock, Steered& self);
  void MaybeChangePriority();
  size_t EnabledCount() const;
  // The thread that runs next, after the earliest timed wait ended if that is what it takes.
  Steered* Choose();
  Steered* EndEarliestTimedWait();
  // Whether anybody waited for it.
  bool Enable(const void* resource);
  [[noreturn]] void Fail(const char* reason);
  void Install(ScheduleObserver* observer);

  // The calling thread, if steered.
  static thread_local Steered* current_;

  const Plan plan_;
  std::map<uint64_t, uint64_t> changes_;  // Step (counted as above) -> the priority from there on.

  // One thread at a time has the turn, and so the rest; but threads begin and wake up by
  // themselves.
  mutable std::mutex mutex_;
  Random random_;
  std::vector<std::unique_ptr<Steered>> threads_;
  Steered* running_ = nullptr;
  std::vector<Step> trace_;
  uint64_t choice_count_ = 0;
  uint64_t now_us_ = 0;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_SEEDED_SCHEDULER_H_
