// The inside of a Db.
#ifndef FIRN_ENGINE_DB_IMPL_H_
#define FIRN_ENGINE_DB_IMPL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/factory_table.h"
#include "engine/visible_first.h"
#include "firn/db.h"
#include "mvcc/status.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// A DbImpl owns what lives as long as the Db object: the commit protocol, the background
// thread, the factory table. The VersionedMap below it lives until the last handle goes.
class DbImpl {
 public:
  // Throws std::bad_alloc, std::system_error.
  explicit DbImpl(const Options& options);
  ~DbImpl();

  // OK if calls may go on.
  absl::Status CheckOpen() const { return map_->closed() ? ClosedError() : absl::OkStatus(); }
  // The same for a write with these options.
  absl::Status CheckWrite(const WriteOptions& options) const;
  absl::Status CheckWrite(std::string_view key, const WriteOptions& options) const;
  absl::Status CheckWrite(std::string_view key, std::string_view value,
                          const WriteOptions& options) const;

  Snapshot OpenSnapshot(SnapshotOptions options);
  absl::StatusOr<LoadOrStoreResult> LoadOrStore(std::string_view key, std::string_view value,
                                                const WriteOptions& options);
  absl::StatusOr<LoadOrStoreResult> LoadOrMake(
      std::string_view key, absl::FunctionRef<absl::StatusOr<std::string>()> factory,
      const WriteOptions& options);
  // Writes (absent: deletes) and returns what was there.
  absl::StatusOr<ExchangeResult> Exchange(std::string_view key,
                                          std::optional<std::string_view> value,
                                          const WriteOptions& options);
  // Does the background work of a commit under BackgroundMode::kInline; passes `result` on.
  template <class Result>
  Result Finish(Result result) {
    map_->WorkInline();
    return result;
  }
  absl::Status Close();

  VersionedMap& map() { return *map_; }
  VisibleFirst& commits() { return commits_; }

 private:
  const BackgroundMode background_;
  VersionedMap* const map_;  // Abandoned, not deleted: see its lifetime.
  VisibleFirst commits_;
  FactoryTable factories_;
  std::thread settler_thread_;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_DB_IMPL_H_
