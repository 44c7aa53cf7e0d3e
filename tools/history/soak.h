// Long recorded runs of random clients, checked as they go.
#ifndef FIRN_TOOLS_HISTORY_SOAK_H_
#define FIRN_TOOLS_HISTORY_SOAK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tools/history/anomaly.h"
#include "tools/history/history.h"

namespace firn::history {

struct SoakOptions {
  uint64_t operations = 200'000;
  size_t threads = 8;  // 1 to 1,000.
  uint64_t seed = 1;   // Of what the clients do; how they interleave is up to the system.
  // On disk in this directory, which must hold no Db yet; empty: in memory.
  std::string directory = {};
  // Recorded before they are checked and forgotten.
  uint64_t phase_operations = 200'000;
  size_t keys = 600;
};

struct SoakReport {
  SoakOptions options;
  // --- What was done.
  uint64_t operations = 0;
  std::array<uint64_t, kVerbs> by_verb = {};
  uint64_t commits = 0;
  uint64_t phases = 0;
  uint64_t reopens = 0;
  // --- What went on meanwhile in the Db.
  uint64_t freezes = 0;
  uint64_t splits = 0;
  uint64_t merges = 0;
  uint64_t pruned_versions = 0;
  // --- What was found.
  uint64_t sightings = 0;  // Compared with what must have been seen.
  uint64_t anomaly_count = 0;
  std::vector<Anomaly> anomalies = {};  // The first of them.
  double run_seconds = 0;
  double check_seconds = 0;
};

// Runs random clients on a Db with tiny leaves, so that freezing, splitting, merging and pruning
// never cease, and checks everything they recorded. Between two phases of a run on disk the Db is
// closed and opened again, in turn as kBuffered and as kAsync; what is found must be all that was
// there. Ends after the phase that found something.
//
// `progress` is called after each phase; false ends the run as kCancelled. Other errors: the Db
// cannot be opened or closed.
absl::StatusOr<SoakReport> RunSoak(const SoakOptions& options,
                                   absl::FunctionRef<bool(const SoakReport&)> progress);

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_SOAK_H_
