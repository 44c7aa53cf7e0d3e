// The visible-first commit protocol.
#ifndef FIRN_ENGINE_VISIBLE_FIRST_H_
#define FIRN_ENGINE_VISIBLE_FIRST_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/normalized_batch.h"
#include "firn/options.h"
#include "firn/types.h"
#include "mvcc/commit_writer.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// VisibleFirst commits to a Db whose writes are visible before they are durable, if ever.
//
//   1. latch the leaves involved, in key order
//   2. judge the condition and capture what is superseded: the newest stamped version counts,
//      visible or not
//   3. allocate everything, make room            (the last step that can fail)
//   4. stamp, under the latches: so stamps on one key grow in chain order
//   5. link the versions, unlatch                (CommitWriter::Apply)
//   6. publish in stamp order                    (TimestampOracle::Publish)
//
// Writers on different leaves meet only in steps 4 and 6, at one atomic each. A waiting
// publisher holds no latch. A condition that fails on an unpublished version returns only after
// that version is visible, or its caller could read an older state than the answer it has.
//
// Thread-safety: any thread.
// Errors: typed; a failed call has changed nothing.
class VisibleFirst {
 public:
  // Whether to commit, judged by the newest version of the key.
  using Judge = absl::FunctionRef<bool(const VersionView& newest)>;

  VisibleFirst(VersionedMap& versioned, Clock& clock) : versioned_(versioned), clock_(clock) {}

  // Absent `value`: deletes.
  absl::StatusOr<CommitTs> Write(std::string_view key, std::optional<std::string_view> value,
                                 const WriteOptions& options);
  absl::StatusOr<CommitTs> Write(const NormalizedBatch& batch, const WriteOptions& options);
  // Runs `judge` under the key's latch: it must be short and may copy what it is shown. Returns
  // the commit, or nothing if the judge was against it.
  absl::StatusOr<std::optional<CommitTs>> WriteIf(std::string_view key, Judge judge,
                                                  std::optional<std::string_view> value,
                                                  const WriteOptions& options);

 private:
  absl::StatusOr<Stamp> DrawStamp(const WriteOptions& options);
  // Makes a stamped commit visible, and lends the background a hand.
  CommitTs Finish(Stamp stamp, bool froze);

  VersionedMap& versioned_;
  Clock& clock_;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_VISIBLE_FIRST_H_
