// Cells that share a database.
#ifndef FIRN_TOOLS_MATRIX_CELL_CHUNK_H_
#define FIRN_TOOLS_MATRIX_CELL_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/matrix/cell.h"
#include "tools/matrix/cell_run.h"
#include "tools/matrix/engine.h"
#include "tools/matrix/writer_crew.h"

namespace firn::matrix {

enum class Outcome : uint8_t {
  kHeld,     // As it must be.
  kFailed,   // Not as it must be, and the engine promises it.
  kBroke,    // Not as it must be, where the engine promises nothing.
  kMissing,  // The engine has no such operation.
};

struct CellResult {
  Cell cell = {};
  Support support = Support::kPromised;
  Outcome outcome = Outcome::kHeld;
  std::string finding = {};  // What was not as it must be.
};

// A CellChunk runs cells of one layout on one engine, each when it is asked for. The database is wiped
// between two of them. Cells of Layout::kReopened stand side by side instead, each behind a prefix of
// its own, so that one Reopen() serves them all:
//
//   those at the first key, in their order | the others | those at the last key, in reverse order
//
// One at an end deletes its keys when it has run, and so do those before it that have not: then the
// next one is at the end. Cells with Change::kClear have a database to themselves.
//
// Thread-safety: one thread at a time; it has the crew to itself.
// Lifetime: the engine entry and the crew outlive it. Removes its directories at its end.
class CellChunk {
 public:
  static constexpr size_t kCells = 512;  // Enough for one.

  // Databases on disk go to `directory`-0 and so on.
  CellChunk(const EngineEntry& engine, std::vector<Cell> cells, uint64_t seed,
            std::string directory, WriterCrew* crew);
  ~CellChunk();
  CellChunk(const CellChunk&) = delete;
  CellChunk& operator=(const CellChunk&) = delete;

  const std::vector<Cell>& cells() const { return cells_; }
  // Runs the cell at `index`, cheapest in their order. Error: its engine could not be opened, prepared
  // or wiped.
  absl::StatusOr<CellResult> Run(size_t index);

 private:
  absl::StatusOr<std::unique_ptr<Engine>> Open();
  absl::StatusOr<std::string> RunAlone(const Cell& cell);
  absl::StatusOr<std::string> RunShared(size_t index);
  absl::Status PrepareShared();
  std::string PrefixOf(size_t index) const;
  // Deletes the keys of cells that stand between the one at `index` and its end of the database.
  absl::Status ClearTheWay(size_t index);

  const EngineEntry& engine_;
  const std::vector<Cell> cells_;
  const uint64_t seed_;
  const std::string directory_;
  WriterCrew& crew_;

  std::vector<std::string> directories_;  // Made so far.
  std::unique_ptr<Engine> alone_;         // Null before the first cell, and after one that failed.
  std::unique_ptr<Engine> shared_;
  std::vector<std::unique_ptr<CellRun>> prepared_;  // On shared_; by index, null where none is.
};

// Divides cells by layout. Chunks hold indices into `cells`.
std::vector<std::vector<size_t>> ChunksOf(const std::vector<Cell>& cells);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_CELL_CHUNK_H_
