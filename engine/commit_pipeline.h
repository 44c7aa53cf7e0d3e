// The one way by which every write becomes a commit.
#ifndef FIRN_ENGINE_COMMIT_PIPELINE_H_
#define FIRN_ENGINE_COMMIT_PIPELINE_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/normalized_batch.h"
#include "firn/options.h"
#include "firn/types.h"
#include "mvcc/frozen_block.h"
#include "mvcc/timestamp_oracle.h"

namespace firn::internal {

// A CommitPipeline gives every write its timestamp and its place in commit order, makes it
// durable and makes it visible. Which of the two comes first is what sets its implementations
// apart: VisibleFirst and DurableFirst.
//
// Thread-safety: any thread.
// Errors: typed; a failed call has changed nothing, unless IsOutcomeUnknown() (see store.h).
class CommitPipeline {
 public:
  // Whether to commit, judged by the newest version of the key. It must be short and may copy
  // what it is shown; it may be asked again if the first answer came to nothing.
  using Judge = absl::FunctionRef<bool(const VersionView& newest)>;

  virtual ~CommitPipeline() = default;

  // Absent `value`: deletes.
  virtual absl::StatusOr<CommitTs> Write(std::string_view key,
                                         std::optional<std::string_view> value,
                                         const WriteOptions& options) = 0;
  virtual absl::StatusOr<CommitTs> Write(const NormalizedBatch& batch,
                                         const WriteOptions& options) = 0;
  // Returns the commit, or nothing if the judge was against it.
  virtual absl::StatusOr<std::optional<CommitTs>> WriteIf(std::string_view key, Judge judge,
                                                          std::optional<std::string_view> value,
                                                          const WriteOptions& options) = 0;

  // Returns once every visible commit up to `ts` survives a power cut.
  virtual absl::Status WaitDurable(CommitTs ts) = 0;
  // Runs `work` while no commit is on its way to the store, after all that are visible.
  virtual absl::Status RunExclusive(absl::FunctionRef<absl::Status()> work) = 0;
  // See Store::Resume().
  virtual absl::Status Resume() = 0;
  // Visible commits that the store does not have yet.
  virtual size_t unpersisted_count() const = 0;
  // Refuses new commits and returns when those under way are done and persisted, or cannot be.
  virtual absl::Status Close() = 0;
};

// What a caller is told whose WriteOptions::commit_ts was judged so. Requires: not kOk.
absl::Status GivenTsError(GivenTs judged);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_COMMIT_PIPELINE_H_
