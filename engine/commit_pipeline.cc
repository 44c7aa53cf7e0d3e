#include "engine/commit_pipeline.h"

#include "mvcc/status.h"

namespace firn::internal {

absl::Status GivenTsError(GivenTs judged) {
  if (judged == GivenTs::kInPast) {
    return MakeError(ErrorKind::kTimestampInPast,
                     "WriteOptions::commit_ts is not above the newest commit's timestamp; give "
                     "a later one, or none");
  }
  return MakeError(ErrorKind::kTimestampInFuture,
                   "WriteOptions::commit_ts is more than one second past both the newest commit "
                   "and the clock; give an earlier one, or none");
}

}  // namespace firn::internal
