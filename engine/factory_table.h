// The lazy LoadOrStore: whose turn it is to make a key's value, and who waits for it.
#ifndef FIRN_ENGINE_FACTORY_TABLE_H_
#define FIRN_ENGINE_FACTORY_TABLE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "firn/types.h"
#include "mvcc/mutex.h"

namespace firn::internal {

// A FactoryTable runs at most one factory at a time for each key of a Db.
//
// The first caller on a key owns a *flight*: it makes the value and stores it. Callers that
// come while it lasts wait for it. Those who came before it began to store share its end:
//
//   the flight ended with            the owner returns    who shares returns
//   the value stored                 loaded = false       that value, loaded = true
//   another commit's value, instead  loaded = true        that value, loaded = true
//   an error of factory or store     that error           that error
//   an exception of factory          kFactoryThrew        kFactoryThrew
//   a value before factory ran       loaded = true        looks again
//
// Who comes later looks again, which is to start over with a load: the stored value may have
// been deleted before its own call began. So whatever a call returns was the key's value at
// some moment within that call. A sharer's own write options play no part.
//
// Deadlock: a thread waits for at most one flight, and a flight for its owner alone. Before
// a thread sleeps, it follows flight -> owner -> the flight that the owner waits for -> ...;
// if that leads to itself, it gets kFactoryCycle instead, and the others go on. One mutex
// orders all tables of the process, since a factory may use another Db. What a factory
// waits for by other means (a join, a future) is not seen.
//
// Thread-safety: any thread. No lock is held while load, factory or store run.
// Lifetime: outlives every Run().
class FactoryTable {
 public:
  // The key's newest value if it has one.
  using Load = absl::FunctionRef<absl::StatusOr<std::optional<LoadOrStoreResult>>()>;
  // The user's; may throw and may call the Db, this table included.
  using Factory = absl::FunctionRef<absl::StatusOr<std::string>()>;
  // A conditional commit: the key's value if it has one by now, else stores `value`.
  using Store = absl::FunctionRef<absl::StatusOr<LoadOrStoreResult>(std::string value)>;

  FactoryTable() = default;
  ~FactoryTable();
  FactoryTable(const FactoryTable&) = delete;
  FactoryTable& operator=(const FactoryTable&) = delete;

  // Answers for `key` as Db::LoadOrStore() with a factory does. Runs what it runs on the
  // calling thread; `factory` and `store` are not called when it shares another's end.
  // Requires: load and store throw nothing but std::bad_alloc, and store not once it committed.
  absl::StatusOr<LoadOrStoreResult> Run(std::string_view key, Load load, Factory factory,
                                        Store store) ABSL_LOCKS_EXCLUDED(mutex_);

  // Callers that sleep until another's flight ends.
  size_t waiting_count() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Flight;
  // What a thread waits for; a flight names its owner by the address of this.
  struct Thread {
    const Flight* awaited = nullptr;
  };

  static Thread& ThisThread();
  static bool WouldWaitForItself(const Flight& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::StatusOr<LoadOrStoreResult> RunOrThrow(std::string_view key, Load load, Factory factory,
                                               Store store);
  std::shared_ptr<Flight> Board(std::string_view key, std::shared_ptr<Flight> mine);
  absl::StatusOr<LoadOrStoreResult> Fly(std::string_view key, Flight& flight, Load load,
                                        Factory factory, Store store);
  absl::StatusOr<LoadOrStoreResult> Make(std::string_view key, Flight& flight, Load load,
                                         Factory factory, Store store);
  void CloseBoarding(Flight& flight);
  void Finish(std::string_view key, Flight& flight,
              const absl::StatusOr<LoadOrStoreResult>& outcome) noexcept;
  absl::StatusOr<std::optional<LoadOrStoreResult>> Await(std::string_view key, Flight& flight);

  static Mutex mutex_;  // Guards all tables and what every thread waits for.
  std::map<std::string, std::shared_ptr<Flight>, std::less<>> flights_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_FACTORY_TABLE_H_
