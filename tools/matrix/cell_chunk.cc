#include "tools/matrix/cell_chunk.h"

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace firn::matrix {
namespace {

absl::Status InCell(const Cell& cell, const absl::Status& status) {
  return {status.code(), absl::StrCat(Name(cell), ": ", std::string(status.message()))};
}

bool IsShared(const Cell& cell) {
  return cell.layout == Layout::kReopened && cell.change != Change::kClear;
}
bool IsAtAnEnd(const Cell& cell) {
  return cell.position == Position::kBeforeFirst || cell.position == Position::kAfterLast;
}

}  // namespace

CellChunk::CellChunk(const EngineEntry& engine, std::vector<Cell> cells, uint64_t seed,
                     std::string directory, WriterCrew* crew)
    : engine_(engine),
      cells_(std::move(cells)),
      seed_(seed),
      directory_(std::move(directory)),
      crew_(*crew) {}

CellChunk::~CellChunk() {
  prepared_.clear();
  alone_.reset();
  shared_.reset();
  std::error_code ignored;
  for (const std::string& each : directories_) std::filesystem::remove_all(each, ignored);
}

absl::StatusOr<CellResult> CellChunk::Run(size_t index) {
  const Cell& cell = cells_[index];
  if (alone_ == nullptr) {
    absl::StatusOr<std::unique_ptr<Engine>> opened = Open();
    if (!opened.ok()) return InCell(cell, opened.status());
    alone_ = *std::move(opened);
  }
  CellResult result = {.cell = cell, .support = SupportOf(alone_->promises(), cell)};
  if (result.support == Support::kMissing) {
    result.outcome = Outcome::kMissing;
    return result;
  }
  absl::StatusOr<std::string> finding = IsShared(cell) ? RunShared(index) : RunAlone(cell);
  if (!finding.ok()) return InCell(cell, finding.status());
  if (finding->empty()) return result;
  result.outcome = result.support == Support::kPromised ? Outcome::kFailed : Outcome::kBroke;
  result.finding = *std::move(finding);
  return result;
}

absl::StatusOr<std::unique_ptr<Engine>> CellChunk::Open() {
  directories_.push_back(absl::StrCat(directory_, "-", directories_.size()));
  return engine_.open({cells_.front().layout, directories_.back()});
}

absl::StatusOr<std::string> CellChunk::RunAlone(const Cell& cell) {
  std::string finding;
  {
    CellRun run(cell, "", HashOf(cell) + seed_, alone_.get(), &crew_);
    if (absl::Status status = run.Prepare(); !status.ok()) return status;
    if (cell.layout == Layout::kReopened) {
      if (absl::Status status = alone_->Reopen(); !status.ok()) return status;
    }
    finding = run.Run();
  }
  // What a failed cell left behind is nobody's measure.
  if (!finding.empty()) {
    alone_.reset();
    return finding;
  }
  if (absl::Status status = alone_->Wipe(); !status.ok()) return status;
  return finding;
}

absl::StatusOr<std::string> CellChunk::RunShared(size_t index) {
  if (shared_ == nullptr || prepared_[index] == nullptr) {
    if (absl::Status status = PrepareShared(); !status.ok()) return status;
  }
  if (absl::Status status = ClearTheWay(index); !status.ok()) return status;
  const std::unique_ptr<CellRun> run = std::move(prepared_[index]);
  std::string finding = run->Run();
  if (IsAtAnEnd(cells_[index])) {
    if (absl::Status status = run->Erase(); !status.ok()) return status;
  }
  return finding;
}

absl::Status CellChunk::ClearTheWay(size_t index) {
  const Cell& cell = cells_[index];
  if (!IsAtAnEnd(cell)) return absl::OkStatus();
  for (size_t i = 0; i < index; ++i) {
    if (prepared_[i] == nullptr || cells_[i].position != cell.position) continue;
    if (absl::Status status = prepared_[i]->Erase(); !status.ok()) return status;
    prepared_[i].reset();
  }
  return absl::OkStatus();
}

absl::Status CellChunk::PrepareShared() {
  prepared_.clear();
  absl::StatusOr<std::unique_ptr<Engine>> opened = Open();
  if (!opened.ok()) return opened.status();
  shared_ = *std::move(opened);
  prepared_.resize(cells_.size());
  for (size_t i = 0; i < cells_.size(); ++i) {
    const Cell& cell = cells_[i];
    if (!IsShared(cell) || SupportOf(shared_->promises(), cell) == Support::kMissing) continue;
    prepared_[i] =
        std::make_unique<CellRun>(cell, PrefixOf(i), HashOf(cell) + seed_, shared_.get(), &crew_);
    if (absl::Status status = prepared_[i]->Prepare(); !status.ok()) return InCell(cell, status);
  }
  return shared_->Reopen();
}

std::string CellChunk::PrefixOf(size_t index) const {
  switch (cells_[index].position) {
    case Position::kBeforeFirst:
      return absl::StrFormat("a%06d/", index);
    case Position::kAfterLast:
      return absl::StrFormat("z%06d/", cells_.size() - index);
    default:
      return absl::StrFormat("m%06d/", index);
  }
}

std::vector<std::vector<size_t>> ChunksOf(const std::vector<Cell>& cells) {
  std::vector<std::vector<size_t>> chunks;
  std::map<Layout, size_t> open;
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto [found, is_new] = open.try_emplace(cells[i].layout, chunks.size());
    if (is_new || chunks[found->second].size() == CellChunk::kCells) {
      found->second = chunks.size();
      chunks.emplace_back();
    }
    chunks[found->second].push_back(i);
  }
  return chunks;
}

}  // namespace firn::matrix
