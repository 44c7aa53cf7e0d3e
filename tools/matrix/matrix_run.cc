#include "tools/matrix/matrix_run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/matrix/cell_run.h"
#include "tools/matrix/writer_crew.h"

namespace firn::matrix {
namespace {

// Cells that share a database, one after the other or side by side.
constexpr size_t kChunkCells = 256;

// Cells of one layout, as indices into the run's cells.
struct Chunk {
  Layout layout;
  std::vector<size_t> cells;
};

std::vector<Chunk> ChunksOf(const std::vector<Cell>& cells) {
  std::vector<Chunk> chunks;
  std::map<Layout, size_t> open;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Layout layout = cells[i].layout;
    const auto found = open.find(layout);
    if (found == open.end() || chunks[found->second].cells.size() == kChunkCells) {
      open[layout] = chunks.size();
      chunks.push_back({layout, {}});
    }
    chunks[open[layout]].cells.push_back(i);
  }
  return chunks;
}

class MatrixRun {
 public:
  MatrixRun(const EngineEntry& engine, const std::vector<Cell>& cells, const MatrixOptions& options)
      : engine_(engine), options_(options), chunks_(ChunksOf(cells)) {
    results_.name = engine.name;
    results_.title = engine.title;
    for (const Cell& cell : cells) results_.cells.push_back({.cell = cell});
  }

  absl::StatusOr<EngineResults> Run() {
    const auto began = std::chrono::steady_clock::now();
    const size_t cores = std::max(std::thread::hardware_concurrency(), 1u);
    const size_t count = std::min(options_.workers == 0 ? cores : options_.workers, chunks_.size());
    std::vector<std::thread> workers;
    for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    if (!status_.ok()) return status_;
    results_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return std::move(results_);
  }

 private:
  void Work() {
    WriterCrew crew;
    while (const Chunk* chunk = NextChunk()) {
      const absl::Status status = RunChunk(*chunk, crew);
      if (status.ok()) continue;
      const std::lock_guard lock(mutex_);
      if (status_.ok()) status_ = status;
    }
  }

  const Chunk* NextChunk() {
    const std::lock_guard lock(mutex_);
    if (!status_.ok() || next_chunk_ == chunks_.size()) return nullptr;
    return &chunks_[next_chunk_++];
  }

  // Its database lives as long as the chunk, or until a cell fails: what a failed one left behind
  // is nobody's measure.
  absl::Status RunChunk(const Chunk& chunk, WriterCrew& crew) {
    std::unique_ptr<Engine> engine;
    const auto open = [&]() -> absl::Status {
      if (engine != nullptr) return absl::OkStatus();
      absl::StatusOr<std::unique_ptr<Engine>> opened =
          engine_.open({chunk.layout, NewDirectory()});
      if (opened.ok()) engine = *std::move(opened);
      return opened.status();
    };
    for (size_t round = 0; round < options_.repeat; ++round) {
      std::vector<size_t> shared;
      for (const size_t index : chunk.cells) {
        if (absl::Status status = open(); !status.ok()) return status;
        CellResult& result = results_.cells[index];
        result.support = SupportOf(engine->promises(), result.cell);
        if (result.support == Support::kMissing) {
          result.outcome = Outcome::kMissing;
          if (absl::Status status = Progress(); !status.ok()) return status;
        } else if (chunk.layout == Layout::kReopened && !NeedsOwnDb(result.cell)) {
          shared.push_back(index);
        } else if (absl::Status status = RunAlone(result, round, crew, engine); !status.ok()) {
          return status;
        }
      }
      if (shared.empty()) continue;
      if (absl::Status status = open(); !status.ok()) return status;
      if (absl::Status status = RunShared(shared, round, crew, engine); !status.ok()) return status;
    }
    engine.reset();
    std::error_code ignored;
    for (const std::string& directory : used_by_this_thread_) {
      std::filesystem::remove_all(directory, ignored);
    }
    used_by_this_thread_.clear();
    return absl::OkStatus();
  }

  absl::Status RunAlone(CellResult& result, size_t round, WriterCrew& crew,
                        std::unique_ptr<Engine>& engine) {
    {
      CellRun run(result.cell, "", SeedOf(result.cell, round), engine.get(), &crew);
      absl::Status status = run.Prepare();
      if (status.ok() && result.cell.layout == Layout::kReopened) status = engine->Reopen();
      if (!status.ok()) return InCell(result.cell, status);
      Note(result, run.Run());
    }
    if (result.outcome != Outcome::kHeld) {
      engine.reset();
    } else if (absl::Status status = engine->Wipe(); !status.ok()) {
      return InCell(result.cell, status);
    }
    return Progress();
  }

  // Reopens once for all of them: each has its keys behind a prefix.
  absl::Status RunShared(const std::vector<size_t>& indices, size_t round, WriterCrew& crew,
                         std::unique_ptr<Engine>& engine) {
    std::vector<std::unique_ptr<CellRun>> runs;
    for (const size_t index : indices) {
      const Cell& cell = results_.cells[index].cell;
      runs.push_back(std::make_unique<CellRun>(cell, absl::StrCat(index, "/"),
                                               SeedOf(cell, round), engine.get(), &crew));
      if (absl::Status status = runs.back()->Prepare(); !status.ok()) return InCell(cell, status);
    }
    if (absl::Status status = engine->Reopen(); !status.ok()) return status;
    for (size_t i = 0; i < indices.size(); ++i) {
      Note(results_.cells[indices[i]], runs[i]->Run());
      runs[i].reset();
      if (absl::Status status = Progress(); !status.ok()) return status;
    }
    return engine->Wipe();
  }

  static void Note(CellResult& result, std::string finding) {
    if (finding.empty()) return;
    result.outcome =
        result.support == Support::kPromised ? Outcome::kFailed : Outcome::kBroke;
    if (result.finding.empty()) result.finding = std::move(finding);
  }

  absl::Status InCell(const Cell& cell, const absl::Status& status) const {
    return absl::Status(status.code(), absl::StrCat(engine_.name, ", ", Name(cell), ": ",
                                                    std::string(status.message())));
  }

  uint64_t SeedOf(const Cell& cell, size_t round) const {
    return HashOf(cell) + options_.seed + round;
  }

  std::string NewDirectory() {
    const std::lock_guard lock(mutex_);
    std::string directory =
        absl::StrCat(options_.directory, "/", engine_.name, "-", directory_count_++);
    used_by_this_thread_.push_back(directory);
    return directory;
  }

  absl::Status Progress() {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (!status_.ok()) return absl::CancelledError("another worker failed");
    if (options_.progress == nullptr ||
        options_.progress(done_, results_.cells.size() * options_.repeat)) {
      return absl::OkStatus();
    }
    return absl::CancelledError("interrupted");
  }

  static thread_local std::vector<std::string> used_by_this_thread_;

  const EngineEntry& engine_;
  const MatrixOptions& options_;
  const std::vector<Chunk> chunks_;
  EngineResults results_;  // Each cell is written by the one worker that has its chunk.

  std::mutex mutex_;
  // Under mutex_:
  size_t next_chunk_ = 0;
  size_t directory_count_ = 0;
  size_t done_ = 0;
  absl::Status status_;
};

thread_local std::vector<std::string> MatrixRun::used_by_this_thread_;

}  // namespace

size_t EngineResults::Count(Outcome outcome) const {
  return static_cast<size_t>(
      std::count_if(cells.begin(), cells.end(),
                    [outcome](const CellResult& result) { return result.outcome == outcome; }));
}

absl::StatusOr<EngineResults> RunMatrix(const EngineEntry& engine, const std::vector<Cell>& cells,
                                        const MatrixOptions& options) {
  return MatrixRun(engine, cells, options).Run();
}

}  // namespace firn::matrix
