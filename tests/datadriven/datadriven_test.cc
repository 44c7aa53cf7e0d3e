// Scenarios as text: testdata/*.txt hold commands and what they should answer.
//
//   # A comment.
//   commit ts=1 put a=1
//   iterate at=1 first next
//   ----
//   a=1 -
//
// A blank line ends the expected answer; commands without "----" should answer nothing.
// tests/support/scenario_runner.h lists the commands. FIRN_REWRITE=1 writes the actual
// answers into the files: read the diff before you keep it.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/scenario_runner.h"

namespace firn {
namespace {

constexpr char kSeparator[] = "----";

std::filesystem::path TestData() {
  return std::filesystem::path(FIRN_SOURCE_DIR) / "tests" / "datadriven" / "testdata";
}

std::vector<std::string> Scenarios() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(TestData())) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A run of commands and the answer they should give together.
struct Block {
  std::vector<std::string> lines;  // Comments and commands.
  std::string expected;
  size_t line_number;  // Of the first line.
};

std::vector<Block> Parse(const std::filesystem::path& path) {
  std::vector<Block> blocks;
  std::ifstream file(path);
  bool in_block = false;
  bool in_answer = false;
  size_t line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    if (line.empty()) {
      in_block = in_answer = false;
      continue;
    }
    if (!in_block) blocks.push_back({{}, {}, line_number});
    in_block = true;
    if (line == kSeparator) {
      in_answer = true;
    } else if (in_answer) {
      blocks.back().expected += line + "\n";
    } else {
      blocks.back().lines.push_back(line);
    }
  }
  return blocks;
}

void Write(const std::filesystem::path& path, const std::vector<Block>& blocks) {
  std::ofstream file(path);
  for (const Block& block : blocks) {
    if (&block != &blocks.front()) file << '\n';
    for (const std::string& line : block.lines) file << line << '\n';
    if (!block.expected.empty()) file << kSeparator << '\n' << block.expected;
  }
}

class DatadrivenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(DatadrivenTest, AnswersAsWritten) {
  const std::filesystem::path path = TestData() / (GetParam() + ".txt");
  const char* rewrite = std::getenv("FIRN_REWRITE");
  std::vector<Block> blocks = Parse(path);
  ASSERT_FALSE(blocks.empty());
  test::ScenarioRunner runner;
  for (Block& block : blocks) {
    std::string answer;
    for (const std::string& line : block.lines) {
      if (line.front() == '#') continue;
      try {
        answer += runner.Run(line);
      } catch (const std::exception& error) {
        FAIL() << path.filename() << ", the block at line " << block.line_number << ": " << line
               << ": " << error.what();
      }
    }
    if (rewrite != nullptr && *rewrite == '1') {
      block.expected = answer;
    } else {
      EXPECT_EQ(answer, block.expected)
          << path.filename() << ", the block at line " << block.line_number;
    }
  }
  if (rewrite != nullptr && *rewrite == '1') Write(path, blocks);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, DatadrivenTest, ::testing::ValuesIn(Scenarios()),
                         [](const auto& scenario) { return scenario.param; });

}  // namespace
}  // namespace firn
