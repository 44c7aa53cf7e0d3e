// The bars: what Firn promises in figures, each measured as it is judged.
#ifndef FIRN_BENCH_BARS_BARS_H_
#define FIRN_BENCH_BARS_BARS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engines.h"
#include "bench/paired.h"
#include "bench/report.h"
#include "bench/workload.h"

namespace firn::bench {

struct BarContext {
  const Workload& workload;
  RoundPlan plan;  // For ordinary bars.
  std::vector<EngineKind> peers;
  std::function<void(Row)> report;

  // For bars tighter than 15%.
  RoundPlan TightPlan() const {
    RoundPlan tight = plan;
    tight.round_count *= 3;
    return tight;
  }
  // A count that belongs to `at_a_million` entries, scaled to those there are.
  size_t Scaled(size_t at_a_million) const {
    const size_t scaled = at_a_million * workload.entry_count() / 1'000'000;
    return scaled == 0 ? 1 : scaled;
  }
};

// Memory first, while the process is small; then time.
void MeasureFootprint(const BarContext& context);    // Bytes per entry.
void MeasureSmallDb(const BarContext& context);      // What a Db of 10 keys costs.
void MeasureIdle(const BarContext& context);         // CPU that a Db at rest uses.
void MeasureFifo(const BarContext& context);         // Memory of a window that moves on.
void MeasureShrink(const BarContext& context);       // Memory after most keys are deleted.
void MeasureOldSnapshot(const BarContext& context);  // Overwrites of hot keys under it.
void MeasureRelease(const BarContext& context);      // Of a snapshot that alone holds much.
void MeasureSnapshot(const BarContext& context);     // Opened and closed; iterators, too.
void MeasureScan(const BarContext& context);
void MeasureSeek(const BarContext& context);  // And the entries that follow.
void MeasureGet(const BarContext& context);
void MeasureMultiGet(const BarContext& context);
void MeasureGetOldest(const BarContext& context);  // Of a hundred snapshots.
void MeasurePut(const BarContext& context);
void MeasureOverwrite(const BarContext& context);
void MeasureWriters(const BarContext& context);        // Two threads on one Db.
void MeasureBeside(const BarContext& context);         // A scanner and a writer.
void MeasureManySnapshots(const BarContext& context);  // A writer under 10,000 of them.
void MeasureCliffs(const BarContext& context);         // The slowest stretch of work.
void MeasureTails(const BarContext& context);          // The slowest single operations.
void MeasureParked(const BarContext& context);         // A reader that is away between calls.
void MeasurePrefix(const BarContext& context);         // Keys that begin alike.
void MeasureLargeValues(const BarContext& context);
void MeasureDeleteRange(const BarContext& context);  // And a reader beside it.
void MeasureSyncMap(const BarContext& context);      // Beside plain maps under a lock.
void MeasureGrowth(const BarContext& context);       // Ten times the entries.

// On disk.
void MeasureDiskPuts(const BarContext& context);   // kBuffered.
void MeasureDiskSyncs(const BarContext& context);  // kSync.
void MeasureDiskOpen(const BarContext& context);   // After a clean close, and after a kill.
void MeasureDiskReads(const BarContext& context);  // Beside a Db in memory.

// For a child of MeasureDiskOpen(): fills the log of the Db in `directory`, and kills itself.
void FillLogAndDie(const std::string& directory, uint64_t bytes);

struct BarGroup {
  std::string_view name;
  void (*measure)(const BarContext&);
};
inline constexpr BarGroup kBarGroups[] = {
    {"small", MeasureSmallDb},
    {"footprint", MeasureFootprint},
    {"idle", MeasureIdle},
    {"fifo", MeasureFifo},
    {"shrink", MeasureShrink},
    {"old-snapshot", MeasureOldSnapshot},
    {"release", MeasureRelease},
    {"snapshot", MeasureSnapshot},
    {"scan", MeasureScan},
    {"seek", MeasureSeek},
    {"get", MeasureGet},
    {"multi-get", MeasureMultiGet},
    {"get-oldest", MeasureGetOldest},
    {"put", MeasurePut},
    {"overwrite", MeasureOverwrite},
    {"writers", MeasureWriters},
    {"beside", MeasureBeside},
    {"many-snapshots", MeasureManySnapshots},
    {"cliffs", MeasureCliffs},
    {"tails", MeasureTails},
    {"parked", MeasureParked},
    {"prefix", MeasurePrefix},
    {"large-values", MeasureLargeValues},
    {"delete-range", MeasureDeleteRange},
    {"sync-map", MeasureSyncMap},
    {"growth", MeasureGrowth},
    {"disk-put", MeasureDiskPuts},
    {"disk-sync", MeasureDiskSyncs},
    {"disk-open", MeasureDiskOpen},
    {"disk-read", MeasureDiskReads},
};

// "checksum 0123456789abcdef of 1000000 entries, equal in all engines"
std::string ChecksumNote(const Checksum& checksum);

}  // namespace firn::bench

#endif  // FIRN_BENCH_BARS_BARS_H_
