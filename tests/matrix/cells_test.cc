// The matrix, one test a cell, on Firn in memory and on disk. A test's name is its cell's, with '_'
// for '-': --gtest_filter='FirnInMemory.delete/next/*'. Every second cell on disk, and under
// ThreadSanitizer; FIRN_MATRIX_ALL=1 for all of them.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/temp_directory.h"
#include "tools/matrix/cell.h"
#include "tools/matrix/cell_chunk.h"
#include "tools/matrix/engines/engines.h"
#include "tools/matrix/writer_crew.h"

namespace firn::matrix {
namespace {

// All cells of one engine. Chunks are alive one at a time: tests run in the order in which they are
// registered, which is that of the chunks.
class EngineCells {
 public:
  EngineCells(EngineEntry engine, const std::vector<Cell>& cells)
      : engine_(std::move(engine)), cells_(cells), chunks_(ChunksOf(cells)) {}

  const std::vector<Cell>& cells() const { return cells_; }
  const std::vector<std::vector<size_t>>& chunks() const { return chunks_; }

  absl::StatusOr<CellResult> Run(size_t chunk, size_t place) {
    if (chunk != current_) Open(chunk);
    return chunk_->Run(place);
  }
  void Close() {
    chunk_.reset();
    directory_.reset();
    crew_.reset();
    current_.reset();
  }

 private:
  void Open(size_t chunk) {
    if (crew_ == nullptr) {
      crew_ = std::make_unique<WriterCrew>();
      directory_ = std::make_unique<test::TempDirectory>();
    }
    static const uint64_t seed = test::PrintedSeed();
    std::vector<Cell> cells;
    for (const size_t index : chunks_[chunk]) cells.push_back(cells_[index]);
    chunk_.reset();
    chunk_ = std::make_unique<CellChunk>(engine_, std::move(cells), seed,
                                         directory_->path() + "/db", crew_.get());
    current_ = chunk;
  }

  const EngineEntry engine_;
  const std::vector<Cell> cells_;
  const std::vector<std::vector<size_t>> chunks_;
  std::unique_ptr<WriterCrew> crew_;
  std::unique_ptr<test::TempDirectory> directory_;
  std::optional<size_t> current_;
  std::unique_ptr<CellChunk> chunk_;
};

class CellTest : public testing::Test {
 public:
  CellTest(std::shared_ptr<EngineCells> cells, size_t chunk, size_t place)
      : cells_(std::move(cells)), chunk_(chunk), place_(place) {}

  static EngineCells* running;
  static void TearDownTestSuite() { running->Close(); }

  void TestBody() override {
    running = cells_.get();
    const absl::StatusOr<CellResult> result = cells_->Run(chunk_, place_);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->outcome, Outcome::kHeld) << Scenario(result->cell) << "\n" << result->finding;
  }

 private:
  const std::shared_ptr<EngineCells> cells_;
  const size_t chunk_;
  const size_t place_;
};
EngineCells* CellTest::running = nullptr;

void Register(const char* suite, const std::shared_ptr<EngineCells>& cells) {
  for (size_t chunk = 0; chunk < cells->chunks().size(); ++chunk) {
    const std::vector<size_t>& indices = cells->chunks()[chunk];
    for (size_t place = 0; place < indices.size(); ++place) {
      std::string name = Name(cells->cells()[indices[place]]);
      std::replace(name.begin(), name.end(), '-', '_');
      testing::RegisterTest(suite, name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [=]() -> CellTest* { return new CellTest(cells, chunk, place); });
    }
  }
}

// One in so many of them, always the same.
std::vector<Cell> Sample(std::vector<Cell> cells, uint64_t one_in) {
  if (test::NumberFromEnv("FIRN_MATRIX_ALL", 0) != 0) return cells;
  std::erase_if(cells, [one_in](const Cell& cell) { return HashOf(cell) % one_in != 0; });
  return cells;
}

#if defined(__SANITIZE_ADDRESS__)  // Ten times slower.
constexpr uint64_t kOneInMemory = 8;
constexpr uint64_t kOneOnDisk = 16;
#elif defined(__SANITIZE_THREAD__)
constexpr uint64_t kOneInMemory = 2;
#else
constexpr uint64_t kOneInMemory = 1;
constexpr uint64_t kOneOnDisk = 2;
#endif

bool RegisterAll() {
  std::vector<Cell> cells = Cells(Selection::kStandard);
#ifndef __SANITIZE_THREAD__  // Which sees RocksDB's threads, but not what orders them.
  Register("FirnOnDisk", std::make_shared<EngineCells>(FirnDisk(), Sample(cells, kOneOnDisk)));
#else  // Where one thread waits for the other there is no race to find.
  std::erase_if(cells, [](const Cell& cell) { return cell.writer != Writer::kStorm; });
#endif
  std::erase_if(cells, [](const Cell& cell) { return cell.layout == Layout::kReopened; });
  Register("FirnInMemory",
           std::make_shared<EngineCells>(FirnMemory(), Sample(cells, kOneInMemory)));
  return true;
}
const bool registered = RegisterAll();

}  // namespace
}  // namespace firn::matrix
