// Opens the store in RocksDB with the seams of tests.
#ifndef FIRN_TESTS_CRASH_SEAMED_OPENER_H_
#define FIRN_TESTS_CRASH_SEAMED_OPENER_H_

#include <memory>
#include <utility>

#include "engine/rocksdb_store.h"
#include "engine/store.h"
#include "tests/crash/lying_store.h"

namespace firn::test {

class SeamedOpener final : public internal::StoreOpener {
 public:
  explicit SeamedOpener(internal::RocksdbSeams seams, Lie lie = Lie::kNone)
      : seams_(std::move(seams)), lie_(lie) {}
  absl::StatusOr<std::unique_ptr<internal::Store>> Open(
      const internal::StoreOptions& options) override {
    auto store = internal::OpenRocksdbStore(options, seams_);
    if (!store.ok() || lie_ == Lie::kNone) return store;
    return std::unique_ptr<internal::Store>(std::make_unique<LyingStore>(*std::move(store), lie_));
  }

 private:
  const internal::RocksdbSeams seams_;
  const Lie lie_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_CRASH_SEAMED_OPENER_H_
