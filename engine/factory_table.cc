#include "engine/factory_table.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/shown_key.h"
#include "engine/unshared_status.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/check.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

using Result = LoadOrStoreResult;

absl::StatusOr<std::string> CallFactory(std::string_view key, FactoryTable::Factory factory) {
  try {
    return factory();
  } catch (const std::exception& exception) {
    return MakeError(
        ErrorKind::kFactoryThrew,
        absl::StrCat("the factory for key ", ShownKey(key), " threw \"", exception.what(),
                     "\"; nothing was stored: return an error from it instead"));
  } catch (...) {
    return MakeError(ErrorKind::kFactoryThrew,
                     absl::StrCat("the factory for key ", ShownKey(key),
                                  " threw; nothing was stored: return an error from it instead"));
  }
}

absl::Status CycleError(std::string_view key) {
  return MakeError(ErrorKind::kFactoryCycle,
                   absl::StrCat("LoadOrStore of key ", ShownKey(key),
                                " would wait for itself: a factory that waits for this call, "
                                "directly or through others, is making that key; load what a "
                                "factory needs before the call"));
}

}  // namespace

struct FactoryTable::Flight {
  explicit Flight(const Thread& thread) : owner(&thread) {}

  const Thread* const owner;
  bool closed ABSL_GUARDED_BY(mutex_) = false;  // Newcomers do not share.
  bool finished ABSL_GUARDED_BY(mutex_) = false;
  size_t sharer_count ABSL_GUARDED_BY(mutex_) = 0;
  // What the sharers get; absent: they look again. Written once, by the owner, before it
  // sets `finished`; read by the sharers once they saw that.
  std::optional<absl::StatusOr<Result>> shared;
  CondVar changed;  // Signalled when `finished` is set.
};

Mutex FactoryTable::mutex_;

FactoryTable::~FactoryTable() {
  const MutexLock lock(mutex_);
  FIRN_CHECK(flights_.empty());
}

size_t FactoryTable::waiting_count() const {
  const MutexLock lock(mutex_);
  return waiting_count_;
}

absl::StatusOr<Result> FactoryTable::Run(std::string_view key, Load load, Factory factory,
                                         Store store) {
  return CatchOutOfMemory("loading or storing a key",
                          [&] { return RunOrThrow(key, load, factory, store); });
}

absl::StatusOr<Result> FactoryTable::RunOrThrow(std::string_view key, Load load, Factory factory,
                                                Store store) {
  while (true) {
    absl::StatusOr<std::optional<Result>> found = load();
    if (!found.ok()) return found.status();
    if (found->has_value()) return **std::move(found);

    const auto mine = std::make_shared<Flight>(ThisThread());
    const std::shared_ptr<Flight> flight = Board(key, mine);
    if (flight == mine) return Fly(key, *flight, load, factory, store);
    absl::StatusOr<std::optional<Result>> shared = Await(key, *flight);
    if (!shared.ok()) return shared.status();
    if (shared->has_value()) return **std::move(shared);
  }
}

// The key's flight: the one that is under way, or else `mine`.
std::shared_ptr<FactoryTable::Flight> FactoryTable::Board(std::string_view key,
                                                          std::shared_ptr<Flight> mine) {
  std::string owned_key(key);
  const MutexLock lock(mutex_);
  return flights_.try_emplace(std::move(owned_key), std::move(mine)).first->second;
}

// From here on others may wait for this thread: whatever happens, the flight is finished.
absl::StatusOr<Result> FactoryTable::Fly(std::string_view key, Flight& flight, Load load,
                                         Factory factory, Store store) {
  AtSchedulePoint("factory:boarded");
  absl::StatusOr<Result> outcome = CatchOutOfMemory(
      "making a key's value", [&] { return Make(key, flight, load, factory, store); });
  Finish(key, flight, outcome);
  return outcome;
}

absl::StatusOr<Result> FactoryTable::Make(std::string_view key, Flight& flight, Load load,
                                          Factory factory, Store store) {
  // An earlier flight may have stored between this call's load and its boarding.
  absl::StatusOr<std::optional<Result>> found = load();
  if (!found.ok()) return found.status();
  if (found->has_value()) return **std::move(found);

  absl::StatusOr<std::string> made = CallFactory(key, factory);
  if (!made.ok()) return made.status();
  CloseBoarding(flight);
  AtSchedulePoint("factory:before_store");
  return store(*std::move(made));
}

void FactoryTable::CloseBoarding(Flight& flight) {
  const MutexLock lock(mutex_);
  flight.closed = true;
}

void FactoryTable::Finish(std::string_view key, Flight& flight,
                          const absl::StatusOr<Result>& outcome) noexcept {
  bool share = false;
  {
    const MutexLock lock(mutex_);
    // A value found before the factory ran may be older than a sharer's call.
    share = flight.sharer_count > 0 && (flight.closed || !outcome.ok());
    flight.closed = true;
  }
  // Copied outside the lock, since it may be long. It cannot fail silently: a sharer that
  // cannot be given its copy is told so, and the owner's commit stands.
  if (share) {
    flight.shared = CatchOutOfMemory("sharing a key's value", [&]() -> absl::StatusOr<Result> {
      if (!outcome.ok()) return UnsharedStatus(outcome.status());
      return *outcome;
    });
  }
  AtSchedulePoint("factory:before_finish");
  {
    const MutexLock lock(mutex_);
    flight.finished = true;
    flights_.erase(flights_.find(key));
  }
  flight.changed.NotifyAll();
}

// How the flight ended for this caller; std::nullopt: it is to look again.
absl::StatusOr<std::optional<Result>> FactoryTable::Await(std::string_view key, Flight& flight) {
  AtSchedulePoint("factory:before_wait");
  bool shares = false;
  {
    const MutexLock lock(mutex_);
    if (WouldWaitForItself(flight)) return CycleError(key);
    shares = !flight.closed;
    if (shares) ++flight.sharer_count;
    ThisThread().awaited = &flight;
    ++waiting_count_;
    while (!flight.finished) flight.changed.Wait(mutex_);
    --waiting_count_;
    ThisThread().awaited = nullptr;
  }
  if (!shares || !flight.shared.has_value()) return std::nullopt;
  if (!flight.shared->ok()) return UnsharedStatus(flight.shared->status());
  Result result = **flight.shared;
  result.loaded = true;
  return result;
}

FactoryTable::Thread& FactoryTable::ThisThread() {
  thread_local constinit Thread thread;
  return thread;
}

bool FactoryTable::WouldWaitForItself(const Flight& flight) {
  // A finished flight no longer waits for its owner, though whoever waited for it may not
  // have woken up yet.
  for (const Flight* awaited = &flight; awaited != nullptr && !awaited->finished;
       awaited = awaited->owner->awaited) {
    if (awaited->owner == &ThisThread()) return true;
  }
  return false;
}

}  // namespace firn::internal
