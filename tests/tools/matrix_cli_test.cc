// `firn matrix` as its users meet it: what it prints, what it leaves behind, and its exit codes.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/cli_fixture.h"
#include "tools/cli/matrix_command.h"

namespace firn::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kFewCells[] = "'delete/next/*/forward/fresh/iterator/*'";

class MatrixCliTest : public CliTest {};

size_t LineCount(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(MatrixCliTest, HoldsOnFirn) {
  const Outcome outcome = Run(std::string("matrix --filter ") + kFewCells);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Firn in memory (firn-memory)\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Firn on disk (firn-disk)\n"));
  EXPECT_THAT(outcome.out, HasSubstr("\nSide by side\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Every cell that was promised held.\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("\033"))) << "colours in a file";
  EXPECT_EQ(outcome.err, "");
}

TEST_F(MatrixCliTest, AnEngineWithoutSnapshotsDoesNotHoldAndNeedNot) {
  const Outcome outcome = Run(std::string("matrix --engine map --filter ") + kFewCells);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("did not hold where the engine promises nothing"));
  EXPECT_THAT(outcome.out, HasSubstr("Again: firn matrix --engine map --seed 1"));
}

TEST_F(MatrixCliTest, ListsCellsWithTheirScenarios) {
  const Outcome outcome = Run(std::string("matrix --list --filter ") + kFewCells);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("delete/next/before-iterator/forward/fresh/iterator/"));
  EXPECT_THAT(outcome.out, HasSubstr("\tVersions lie in fresh deltas; a snapshot's iterator"));
  const std::string json = Run(std::string("matrix --list --json --filter ") + kFewCells).out;
  EXPECT_THAT(json, StartsWith("{\"cell\":\"delete/next/"));
  EXPECT_EQ(LineCount(json), LineCount(outcome.out));
  EXPECT_GT(LineCount(Run("matrix --list").out), 2'000u);
}

TEST_F(MatrixCliTest, PrintsJsonLines) {
  const Outcome outcome = Run(
      std::string("matrix --json --engine firn-memory --engine firn-memory --filter ") + kFewCells);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("{\"engine\":\"firn-memory\",\"cell\":\"delete/next/"));
  EXPECT_THAT(outcome.out, HasSubstr("\"failed\":0,"));
  const std::string list = Run(std::string("matrix --list --filter ") + kFewCells).out;
  EXPECT_EQ(LineCount(outcome.out), LineCount(list) + 1) << "the engine was named twice, runs once";
}

TEST_F(MatrixCliTest, WritesReportsAndNothingElse) {
  const Outcome outcome = Run(std::string("matrix --directory . --html m.html --junit m.xml "
                                          "--markdown m.md --filter ") +
                              kFewCells);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(FileText(root_ + "/m.html"), StartsWith("<!doctype html>"));
  EXPECT_THAT(FileText(root_ + "/m.xml"), HasSubstr("failures=\"0\""));
  EXPECT_THAT(FileText(root_ + "/m.md"), HasSubstr("| Firn on disk (`firn-disk`) |"));
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(root_)) ++count;
  EXPECT_EQ(count, 6u) << "three reports, input, out, err";
}

TEST_F(MatrixCliTest, AReportThatCannotBeWrittenIsSaidBeforeTheRun) {
  const Outcome outcome = Run("matrix --html nowhere/m.html");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("nowhere/m.html"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(MatrixCliTest, WrongUsageIsExplained) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"--engine rocksbd", "Did you mean rocksdb?"},
      {"--engine zzz", "firn-memory, firn-disk"},
      {"--engine", "--engine"},
      {"--filter half-way", "'*half-way*' matches "},
      {"--filter zzz", "`firn matrix --list` prints every one"},
      {"--filter ''", "--list"},
      {"--filter '*'$(printf '\\033')", "\\x1b"},
      {"--repeat 0", "--repeat"},
      {"--repeat x", "--repeat"},
      {"--seed -1", "--seed"},
      {"--directory nowhere", "nowhere"},
      {"--html -", "name of a file"},
      {"--hex", "--hex"},
      {"--ful", "Did you mean --full?"},
      {"data", "data"},
  };
  for (const auto& [arguments, said] : wrong) {
    const Outcome outcome = Run("matrix " + arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_THAT(outcome.err, HasSubstr(said)) << arguments;
    EXPECT_THAT(outcome.err, Not(HasSubstr("\033"))) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
  }
}

TEST_F(MatrixCliTest, ACellOfTheFullSelectionIsPointedTo) {
  // Of these, which differ only in writer and age, the standard selection has one.
  const std::string pattern = "delete/next/half-way/forward/fresh/iterator/";
  const std::string standard = Run("matrix --list --filter '" + pattern + "*'").out;
  ASSERT_EQ(LineCount(standard), 1u);
  const bool is_storm = standard.find("/storm/newest\t") != std::string::npos;
  const Outcome outcome =
      Run("matrix --filter " + pattern + (is_storm ? "lockstep/newest" : "storm/newest"));
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("with --full it matches 1 cell"));
}

TEST_F(MatrixCliTest, InterruptedItEndsWithoutATrace) {
  const std::string scratch = root_ + "/scratch";
  fs::create_directory(scratch);
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(root_.c_str()) != 0 || std::freopen("out", "w", stdout) == nullptr ||
        std::freopen("err", "w", stderr) == nullptr) {
      _exit(99);
    }
    execl(FIRN_CLI, FIRN_CLI, "matrix", "--full", "--directory", "scratch", "--html", "m.html",
          nullptr);
    _exit(99);
  }
  // It runs once it has made its directory, with SIGINT caught before.
  while (fs::is_empty(scratch)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 130) << status;
  EXPECT_THAT(FileText(root_ + "/err"), HasSubstr("interrupted while Firn in memory ran"));
  EXPECT_TRUE(fs::is_empty(scratch));
  EXPECT_FALSE(fs::exists(root_ + "/m.html"));
}

// Promises snapshots, and holds none.
class LyingEngine final : public matrix::Engine {
 public:
  explicit LyingEngine(std::unique_ptr<matrix::Engine> engine) : engine_(std::move(engine)) {}

  const matrix::Promises& promises() const override { return promises_; }
  absl::Status Write(absl::Span<const matrix::Operation> batch) override {
    return engine_->Write(batch);
  }
  std::unique_ptr<matrix::View> TakeSnapshot() override { return engine_->TakeSnapshot(); }
  std::unique_ptr<matrix::Cursor> NewCursor(const matrix::Bounds& bounds) override {
    return engine_->NewCursor(bounds);
  }
  absl::Status Wipe() override { return engine_->Wipe(); }

 private:
  const matrix::Promises promises_ = {};
  const std::unique_ptr<matrix::Engine> engine_;
};

TEST(MatrixCommand, ACellThatFailsIsNamedAndEndsItWithThree) {
  const auto map =
      std::find_if(matrix::Engines().begin(), matrix::Engines().end(),
                   [](const matrix::EngineEntry& engine) { return engine.name == "map"; });
  ASSERT_NE(map, matrix::Engines().end());
  const std::vector<matrix::EngineEntry> engines = {
      {"liar", "A liar",
       [map](const matrix::EngineSetup& setup) -> absl::StatusOr<std::unique_ptr<matrix::Engine>> {
         auto opened = map->open(setup);
         if (!opened.ok()) return opened.status();
         return std::make_unique<LyingEngine>(*std::move(opened));
       }}};
  CLI::App app;
  Invocation invocation;
  AddMatrixCommand(app, invocation, engines);
  app.parse("matrix --engine liar --filter 'delete/next/half-way/forward/fresh/iterator/*'");
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(invocation.run(), kBroken);
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(out, HasSubstr("FAILED\n  delete/next/half-way/forward/fresh/iterator/"));
  EXPECT_THAT(out, HasSubstr("\n    Seen: "));
  EXPECT_THAT(out, HasSubstr("\n    Again: firn matrix --engine liar --seed 1"));
  EXPECT_THAT(out, HasSubstr("1 promised cell FAILED.\n"));
}

}  // namespace
}  // namespace firn::tools
