// The store without a disk under a store harness.
#ifndef FIRN_TESTS_SUPPORT_MEMORY_HARNESS_H_
#define FIRN_TESTS_SUPPORT_MEMORY_HARNESS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/memory_store.h"
#include "tests/engine/store_harness.h"

namespace firn::test {

// A failing operation takes effect on disk all the same, or it does not: `lands`. A power
// cut takes every unsynced group, or all but the first: `keeps`.
class MemoryHarness final : public internal::StoreHarness {
 public:
  MemoryHarness(bool lands, size_t keeps) : lands_(lands), keeps_(keeps) {}

  absl::StatusOr<std::unique_ptr<internal::Store>> Open() override { return disk_->Open(); }
  void KillProcess() override { disk_->KillProcess(); }
  void CutPower() override { disk_->CutPower(keeps_); }
  void FailOperation(uint64_t nth, internal::StoreFault fault) override {
    const bool full = fault == internal::StoreFault::kDiskFull;
    disk_->FailOperation(
        nth, {.code = full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
              .lands = lands_,
              .persists = full});
  }
  void Heal() override { disk_->Heal(); }

 private:
  const bool lands_;
  const size_t keeps_;
  const std::shared_ptr<internal::MemoryDisk> disk_ = internal::MemoryDisk::Create();
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_MEMORY_HARNESS_H_
