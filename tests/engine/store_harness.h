// What the contract test needs to know of a kind of store: how to open it and how to hurt it.
#ifndef FIRN_TESTS_ENGINE_STORE_HARNESS_H_
#define FIRN_TESTS_ENGINE_STORE_HARNESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "engine/store.h"

namespace firn::internal {

enum class StoreFault { kIoError, kDiskFull };

// One disk with one store on it, closed at first.
// Lifetime: outlives the stores that it opens.
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;

  // Opens the store for the first time or again.
  virtual absl::StatusOr<std::unique_ptr<Store>> Open() = 0;

  // As kill -9: what was handed to the operating system stays. The open store can then only
  // be destroyed, which changes nothing on disk.
  virtual void KillProcess() = 0;
  // As a power cut: of what was not synced any part may go that the contract allows.
  virtual void CutPower() = 0;

  // Makes the n-th operation on disk from now fail, 1 being the next; a full disk stays
  // full until Heal(). What is an operation is the store's own business, as long as every
  // Write and Sync that is not refused takes at least one.
  virtual void FailOperation(uint64_t nth, StoreFault fault) = 0;
  virtual void Heal() = 0;
};

// Opens what the harness has, whatever the path.
// Lifetime: the harness outlives it.
class HarnessOpener final : public StoreOpener {
 public:
  explicit HarnessOpener(StoreHarness& harness) : harness_(harness) {}
  absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& /*options*/) override {
    return harness_.Open();
  }

 private:
  StoreHarness& harness_;
};

// A way to make a harness, named as GoogleTest names a parameter.
struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> make_harness;
  uint64_t seed_count = 40;  // Random lives that it leads in a test run.
};

// As GoogleTest shows it.
inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

}  // namespace firn::internal

#endif  // FIRN_TESTS_ENGINE_STORE_HARNESS_H_
