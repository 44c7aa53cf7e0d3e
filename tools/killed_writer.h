// The demo's second half: a writer that is killed in the middle of its work.
#ifndef FIRN_TOOLS_KILLED_WRITER_H_
#define FIRN_TOOLS_KILLED_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "firn/types.h"
#include "tools/change_plan.h"

namespace firn::tools {

struct KilledWriterReport {
  uint64_t acknowledged_commits = 0;  // That the writer had reported before it died.
  uint64_t acknowledged_entries = 0;
  uint64_t recovered_commits = 0;  // Of the writer, found after opening the Db again.
  CommitTs recovered_ts;           // The one commit whose state the Db is in.
  double reopen_seconds = 0;
  std::string wrong;  // Empty: nothing is lost, nothing is there in part.
};

// What a process started with `command` (which ends in RunWriter()) has written to the Db in
// `directory` once it was killed with SIGKILL, after some hundred commits at a moment of chance.
// `before` is what the Db held when the writer started, and must hold still.
absl::StatusOr<KilledWriterReport> KillWriter(const std::vector<std::string>& command,
                                              const std::string& directory,
                                              const PackageMap& before);

// The writer: commits batches to the Db in `directory`, each acknowledged on standard output
// only once its commit was, until it is killed.
absl::Status RunWriter(const std::string& directory);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_KILLED_WRITER_H_
