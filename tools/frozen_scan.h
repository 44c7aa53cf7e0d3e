// The demo's main job: a scan that stays frozen while everything under it changes.
#ifndef FIRN_TOOLS_FROZEN_SCAN_H_
#define FIRN_TOOLS_FROZEN_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "firn/stats.h"
#include "tools/change_plan.h"
#include "tools/killed_writer.h"
#include "tools/package_index.h"
#include "tools/view_check.h"

namespace firn::tools {

struct FrozenScanOptions {
  std::string directory = {};  // Of the Db, where there is none yet; empty: in memory.
  uint64_t seed = 1;           // Of the order of loads and changes.
  size_t batch_size = 100;     // Operations in one write batch.
};

// One step and how long it took.
struct Step {
  std::string name;
  uint64_t count = 0;
  std::string unit;  // What was counted, one of them: "package".
  double seconds = 0;
};

// Hears of each step as it goes.
class StepListener {
 public:
  virtual ~StepListener() = default;
  virtual void OnBegin(std::string_view name) = 0;
  virtual void OnProgress(uint64_t done, uint64_t total) = 0;
  virtual void OnEnd(const Step& step) = 0;
};

// A walk over a Db, compared with the copy it should equal.
struct CheckedView {
  std::string name;
  ViewResult result;
  bool passed = false;
};

// What stood in memory at one moment, after Settle().
struct MemoryPoint {
  uint64_t version_count = 0;
  uint64_t memory_bytes = 0;
};

struct Check {
  std::string claim;
  bool passed = false;
  std::string found;  // The figures that decided.
};

struct FrozenScanReport {
  std::vector<Step> steps;

  ViewResult frozen_copy;
  std::vector<CheckedView> frozen_views;
  ViewResult live_copy;
  std::vector<CheckedView> live_views;

  ChangeCounts changed_before_cursor;
  ChangeCounts changed_behind_cursor;

  MemoryPoint loaded;     // Before the snapshot.
  MemoryPoint held;       // After all changes, with the snapshot.
  MemoryPoint released;   // After closing it.
  MemoryPoint fresh;      // Another Db that was never given anything but the live packages.
  SnapshotInfo snapshot;  // As LiveSnapshots() told it.
  bool memory_came_back = false;

  // What is left in the Db.
  PackageMap live;

  // Added by AddKilledWriter().
  std::optional<KilledWriterReport> killed_writer;

  std::vector<Check> checks;
  bool Passed() const;
};

// Loads the packages, freezes a scan half way, changes thousands of packages from a
// second thread, finishes the scan and checks everything it saw. The Db is closed then. An error means that
// Firn refused something; a check that failed stands in the report.
absl::StatusOr<FrozenScanReport> RunFrozenScan(const PackageIndex& index,
                                               const FrozenScanOptions& options,
                                               StepListener& listener);

// Takes what became of a killed writer into the report, with its checks.
void AddKilledWriter(KilledWriterReport killed, FrozenScanReport& report);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_FROZEN_SCAN_H_
