// Runs cells on engines, on all cores.
#ifndef FIRN_TOOLS_MATRIX_MATRIX_RUN_H_
#define FIRN_TOOLS_MATRIX_MATRIX_RUN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/matrix/cell.h"
#include "tools/matrix/cell_chunk.h"
#include "tools/matrix/engine.h"

namespace firn::matrix {

// Of one engine, in the order of the cells.
struct EngineResults {
  std::string name;
  std::string title;
  std::vector<CellResult> cells;
  double seconds = 0;

  size_t Count(Outcome outcome) const;
  bool ok() const { return Count(Outcome::kFailed) == 0; }
};

struct MatrixOptions {
  uint64_t seed = 1;      // Varies values, and what a storm does.
  size_t repeat = 1;      // Each cell so often, with seeds that follow.
  size_t workers = 0;     // 0: one a core.
  std::string directory;  // For databases on disk; must exist, is left as it was.
  // Called now and then, from one thread at a time; false ends the run.
  std::function<bool(size_t done, size_t total)> progress;
};

// kCancelled: `progress` said so. Other errors: an engine could not be opened, or prepared.
absl::StatusOr<EngineResults> RunMatrix(const EngineEntry& engine, const std::vector<Cell>& cells,
                                        const MatrixOptions& options);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_MATRIX_RUN_H_
