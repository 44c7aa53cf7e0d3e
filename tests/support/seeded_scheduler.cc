#include "tests/support/seeded_scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#ifdef __SANITIZE_THREAD__
extern "C" {
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace firn::test {
namespace {

// Passing the turn orders whatever steered threads do, and would hide all their data races: while
// one of these lives, ThreadSanitizer does not see what its thread does.
class Unseen {
 public:
#ifdef __SANITIZE_THREAD__
  Unseen() {
    AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unseen() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  }
#else
  Unseen() {}  // User-provided: an unused one is no warning.
#endif
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
};

}  // namespace

thread_local SeededScheduler::Steered* SeededScheduler::current_ = nullptr;

SeededScheduler::SeededScheduler(Plan plan) : plan_(std::move(plan)), random_(plan_.seed) {
  // The first to be drawn need not be the first to come: priorities 1 to d - 1, each once.
  while (changes_.size() < std::min(plan_.change_count, plan_.step_count)) {
    changes_.try_emplace(random_.Between(1, plan_.step_count), changes_.size() + 1);
  }
  current_ = &Add(nullptr, "main");
  running_ = current_;
  internal::SeedShortcuts(current_->shortcut_seed);
  Install(this);
}

SeededScheduler::~SeededScheduler() {
  Install(nullptr);
  const bool joined = std::all_of(threads_.begin() + 1, threads_.end(), [](const auto& each) {
    return each->state == State::kDone && each->may_end;
  });
  if (!joined) Fail("a thread is still running at the end of the scenario");
  current_ = nullptr;
}

void SeededScheduler::Install(ScheduleObserver* observer) {
#ifdef FIRN_INVARIANTS
  internal::schedule_observer.store(observer, std::memory_order_release);
#else
  (void)observer;
#endif
}

// --- What threads report -----------------------------------------------------------------

void SeededScheduler::AtPoint(const char* name) {
  if (current_ == nullptr) return;
  const Unseen unseen;
  Lock lock(mutex_);
  TakeStep(lock, name);
}

void SeededScheduler::OnReleased(const void* resource) {
  const Unseen unseen;
  Lock lock(mutex_);
  if (Enable(resource) && current_ != nullptr) TakeStep(lock, "(released)");
}

bool SeededScheduler::Await(const void* resource, const void* held,
                            std::optional<uint64_t> timeout_us) {
  const Unseen unseen;
  Lock lock(mutex_);
  if (held != nullptr) Enable(held);
  return WaitFor(lock, resource, timeout_us, held == nullptr ? "(finds a lock taken)" : "(waits)");
}

void SeededScheduler::OnThreadStarting(const void* thread, const char* name) {
  if (current_ == nullptr) return;
  const Unseen unseen;
  const Lock lock(mutex_);
  Add(thread, name);
}

void SeededScheduler::OnThreadBegan(const void* thread) {
  const Unseen unseen;
  Lock lock(mutex_);
  Steered* const self = FindThread(thread);
  if (self == nullptr) return;
  current_ = self;
  internal::SeedShortcuts(self->shortcut_seed);
  TakeTurn(lock, *self);
}

void SeededScheduler::OnThreadDone(const void* thread) {
  if (current_ == nullptr) return;
  const Unseen unseen;
  Lock lock(mutex_);
  Steered& self = *current_;
  self.state = State::kDone;
  Enable(thread);
  trace_.push_back({self.index, "(done)"});
  PassTurn();
  self.turn.wait(lock, [&] { return self.may_end; });
  current_ = nullptr;
}

void SeededScheduler::OnThreadJoining(const void* thread) {
  if (current_ == nullptr) return;
  const Unseen unseen;
  Lock lock(mutex_);
  Steered* const joined = FindThread(thread);
  if (joined == nullptr) return;
  if (joined->state != State::kDone) WaitFor(lock, thread, std::nullopt, "(joins)");
  joined->may_end = true;
  joined->thread = nullptr;  // Another may come to live at that address.
  joined->turn.notify_one();
}

// --- The schedule --------------------------------------------------------------------------

SeededScheduler::Steered& SeededScheduler::Add(const void* thread, const char* name) {
  // Above all that a change can give.
  const uint64_t priority = random_.Next() | (uint64_t{1} << 63);
  const uint64_t shortcut_seed = random_.Next() | 1;
  threads_.emplace_back(new Steered{.index = static_cast<uint32_t>(threads_.size()),
                                    .name = name,
                                    .thread = thread,
                                    .priority = priority,
                                    .shortcut_seed = shortcut_seed});
  return *threads_.back();
}

SeededScheduler::Steered* SeededScheduler::FindThread(const void* thread) {
  const auto found = std::find_if(threads_.begin() + 1, threads_.end(),
                                  [&](const auto& each) { return each->thread == thread; });
  return found == threads_.end() ? nullptr : found->get();
}

void SeededScheduler::TakeStep(Lock& lock, const char* what) {
  Steered& self = *current_;
  trace_.push_back({self.index, what});
  if (trace_.size() > plan_.step_limit) Fail("livelock: the step limit is reached");
  MaybeChangePriority();
  PassTurn();
  TakeTurn(lock, self);
}

bool SeededScheduler::WaitFor(Lock& lock, const void* resource, std::optional<uint64_t> timeout_us,
                              const char* what) {
  Steered& self = *current_;
  self.state = State::kWaiting;
  self.resource = resource;
  self.timed_out = false;
  if (timeout_us) self.deadline_us = now_us_ + *timeout_us;
  TakeStep(lock, what);
  return !self.timed_out;
}

void SeededScheduler::MaybeChangePriority() {
  if (EnabledCount() < 2) return;
  const auto change = changes_.find(++choice_count_);
  if (change != changes_.end()) current_->priority = change->second;
}

void SeededScheduler::PassTurn() {
  running_ = Choose();
  if (running_ != current_) running_->turn.notify_one();
}

void SeededScheduler::TakeTurn(Lock& lock, Steered& self) {
  self.turn.wait(lock, [&] { return running_ == &self; });
}

size_t SeededScheduler::EnabledCount() const {
  return static_cast<size_t>(std::count_if(threads_.begin(), threads_.end(), [](const auto& each) {
    return each->state == State::kEnabled;
  }));
}

SeededScheduler::Steered* SeededScheduler::Choose() {
  Steered* best = nullptr;
  for (const auto& each : threads_) {
    if (each->state != State::kEnabled) continue;
    if (best == nullptr || each->priority > best->priority) best = each.get();
  }
  return best != nullptr ? best : EndEarliestTimedWait();
}

SeededScheduler::Steered* SeededScheduler::EndEarliestTimedWait() {
  Steered* first = nullptr;
  for (const auto& each : threads_) {
    if (!each->deadline_us) continue;
    if (first == nullptr || *each->deadline_us < *first->deadline_us) first = each.get();
  }
  if (first == nullptr) Fail("deadlock: no thread can run");
  now_us_ = *first->deadline_us;
  first->timed_out = true;
  first->state = State::kEnabled;
  first->deadline_us.reset();
  return first;
}

bool SeededScheduler::Enable(const void* resource) {
  bool any = false;
  for (const auto& each : threads_) {
    if (each->state != State::kWaiting || each->resource != resource) continue;
    each->state = State::kEnabled;
    each->deadline_us.reset();
    any = true;
  }
  return any;
}

// --- The trace -----------------------------------------------------------------------------

std::string SeededScheduler::TraceText() const {
  std::string text;
  for (size_t i = 0; i < trace_.size(); ++i) {
    if (i == 0 || trace_[i].thread != trace_[i - 1].thread) {
      const Steered& thread = *threads_[trace_[i].thread];
      text += i == 0 ? "" : "\n";
      text += "  [" + std::to_string(thread.index) + " " + thread.name + "]";
    }
    text += ' ';
    text += trace_[i].what;
  }
  return text + "\n";
}

void SeededScheduler::Fail(const char* reason) {
  std::fprintf(stderr, "%s\n%s\n%s", reason, plan_.replay.c_str(), TraceText().c_str());
  for (const auto& each : threads_) {
    if (each->state != State::kWaiting) continue;
    std::fprintf(stderr, "  [%u %s] waits for %p\n", each->index, each->name, each->resource);
  }
  std::fflush(stderr);
  std::abort();
}

}  // namespace firn::test
