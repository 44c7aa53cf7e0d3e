#include "tools/matrix/matrix_run.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/matrix/writer_crew.h"

namespace firn::matrix {
namespace {

class MatrixRun {
 public:
  MatrixRun(const EngineEntry& engine, const std::vector<Cell>& cells, const MatrixOptions& options)
      : engine_(engine), cells_(cells), options_(options), chunks_(ChunksOf(cells)) {
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
    while (const std::optional<size_t> chunk = NextChunk()) {
      absl::Status status;
      for (size_t round = 0; round < options_.repeat; ++round) {
        status.Update(RunChunk(*chunk, round, &crew));
      }
      const std::lock_guard lock(mutex_);
      status_.Update(status);
    }
  }

  std::optional<size_t> NextChunk() {
    const std::lock_guard lock(mutex_);
    if (!status_.ok() || next_chunk_ == chunks_.size()) return std::nullopt;
    return next_chunk_++;
  }

  absl::Status RunChunk(size_t number, size_t round, WriterCrew* crew) {
    std::vector<Cell> cells;
    for (const size_t index : chunks_[number]) cells.push_back(cells_[index]);
    CellChunk chunk(engine_, std::move(cells), options_.seed + round,
                    absl::StrCat(options_.directory, "/", engine_.name, "-", number, "-", round),
                    crew);
    for (size_t i = 0; i < chunk.cells().size(); ++i) {
      absl::StatusOr<CellResult> result = chunk.Run(i);
      if (!result.ok()) {
        return {result.status().code(),
                absl::StrCat(engine_.name, ", ", std::string(result.status().message()))};
      }
      // The first that was not as it must be stays.
      CellResult& noted = results_.cells[chunks_[number][i]];
      if (noted.finding.empty()) noted = *std::move(result);
      if (absl::Status status = Progress(); !status.ok()) return status;
    }
    return absl::OkStatus();
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

  const EngineEntry& engine_;
  const std::vector<Cell>& cells_;
  const MatrixOptions& options_;
  const std::vector<std::vector<size_t>> chunks_;
  EngineResults results_;  // Each cell is written by the one worker that has its chunk.

  std::mutex mutex_;
  // Under mutex_:
  size_t next_chunk_ = 0;
  size_t done_ = 0;
  absl::Status status_;
};

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
