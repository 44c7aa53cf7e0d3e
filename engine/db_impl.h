// The inside of a Db.
#ifndef FIRN_ENGINE_DB_IMPL_H_
#define FIRN_ENGINE_DB_IMPL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/commit_pipeline.h"
#include "engine/factory_table.h"
#include "engine/process_fork.h"
#include "engine/store.h"
#include "firn/db.h"
#include "mvcc/mutex.h"
#include "mvcc/status.h"
#include "mvcc/thread.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// A DbImpl owns what lives as long as the Db object: the commit protocol, the store, the
// background thread, the factory table. The VersionedMap below it lives until the last handle
// goes.
//
// After fork() the child's copy does nothing: other threads may have held any lock of it, and
// the store's files belong to the parent.
class DbImpl {
 public:
  // In memory. Throws std::bad_alloc, std::system_error.
  explicit DbImpl(const Options& options);
  // On disk. Throws as well.
  static absl::StatusOr<std::unique_ptr<DbImpl>> Open(const Options& options, std::string path);
  ~DbImpl();

  // OK if calls may go on.
  absl::Status CheckOpen() const {
    if (forked()) return ForkedError();
    return map_->closed() ? ClosedError() : absl::OkStatus();
  }
  bool forked() const { return fork_count_ != ForkCount(); }
  // The same for a write with these options.
  absl::Status CheckWrite(const WriteOptions& options) const;
  absl::Status CheckWrite(std::string_view key, const WriteOptions& options) const;
  absl::Status CheckWrite(std::string_view key, std::string_view value,
                          const WriteOptions& options) const;

  Snapshot OpenSnapshot(SnapshotOptions&& options);
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
  absl::Status Flush();
  absl::Status WaitDurable(CommitTs ts);
  absl::Status Compact(const KeyRange& range);
  absl::Status Resume();
  absl::Status VerifyInvariants();
  absl::StatusOr<DbStats> Stats();
  absl::Status Close() ABSL_LOCKS_EXCLUDED(close_mutex_);

  VersionedMap& map() { return *map_; }
  CommitPipeline& commits() { return *commits_; }

 private:
  // Writes go through `store`, if there is one. Throws as above.
  DbImpl(const Options& options, std::unique_ptr<Store> store);

  static absl::Status ForkedError();
  absl::Status CheckOnDisk() const;
  absl::Status CloseStore();

  // Immutable after construction.
  const uint64_t fork_count_ = ForkCount();
  const Options options_;
  const std::unique_ptr<Store> store_;  // Null in memory.
  VersionedMap* const map_;             // Abandoned, not deleted: see its lifetime.
  std::unique_ptr<CommitPipeline> commits_;

  FactoryTable factories_;
  Thread settler_thread_;
  Mutex close_mutex_;
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(close_mutex_);  // Close()'s answer.
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_DB_IMPL_H_
