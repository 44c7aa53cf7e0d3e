// The program `firn` as its users meet it: what it prints, and its exit codes.
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "firn/firn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/tools/cli_fixture.h"
#include "tools/cli/escape.h"

namespace firn::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST_F(CliTest, AKeyComesAndGoes) {
  EXPECT_EQ(Run("put " + db() + " foo 1").code, 0);
  EXPECT_EQ(Run("get " + db() + " foo").out, "1\n");
  EXPECT_EQ(Run("get " + db() + " foo --json").out, "{\"key\":\"foo\",\"value\":\"1\"}\n");
  EXPECT_EQ(Run("delete " + db() + " foo").code, 0);
  EXPECT_EQ(Run("delete " + db() + " foo").code, 1);
  const Outcome missing = Run("get " + db() + " foo");
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.out, "");
}

TEST_F(CliTest, NoDbIsMadeByLooking) {
  for (const char* command : {"get", "scan", "stats", "verify", "compact", "delete", "dump"}) {
    const bool takes_key = std::string(command) == "get" || std::string(command) == "delete";
    const Outcome outcome = Run(std::string(command) + " " + db() + (takes_key ? " k" : ""));
    EXPECT_EQ(outcome.code, 3) << command;
    EXPECT_THAT(outcome.err, HasSubstr(db())) << command;
    EXPECT_FALSE(fs::exists(db())) << command;
  }
}

TEST_F(CliTest, ScanKnowsItsBounds) {
  ASSERT_EQ(Run("load " + db(), "a\t1\nab\t2\nb\t3\nc\t4\n").code, 0);
  EXPECT_EQ(Run("scan " + db()).out, "a\t1\nab\t2\nb\t3\nc\t4\n");
  EXPECT_EQ(Run("scan " + db() + " --from ab --to c --keys-only").out, "ab\nb\n");
  EXPECT_EQ(Run("scan " + db() + " --prefix a --reverse").out, "ab\t2\na\t1\n");
  EXPECT_EQ(Run("scan " + db() + " --limit 1 --hex").out, "61\t31\n");
  EXPECT_EQ(Run("scan " + db() + " --count").out, "4\n");
  EXPECT_THAT(Run("scan " + db() + " --long --limit 1").out, HasSubstr("\t2\ta\t1\n"));
  const Outcome crossed = Run("scan " + db() + " --from c --to a");
  EXPECT_EQ(crossed.code, 2);
  EXPECT_NE(crossed.err, "");
}

TEST_F(CliTest, NothingInTheDataMovesTheTerminal) {
  ASSERT_EQ(Run("load " + db(), "\\x1b[2J\t\\xff\\xe2\\x80\\xae\n").code, 0);
  EXPECT_EQ(Run("scan " + db()).out, "\\x1b[2J\t\\xff\\xe2\\x80\\xae\n");
  for (const char* flag : {"", " --json", " --hex", " --long"}) {
    for (const char byte : Run("scan " + db() + flag).out) {
      EXPECT_TRUE((byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t') << flag;
    }
  }
}

TEST_F(CliTest, AnyBytesGoThroughTsvAndJsonLines) {
  test::Random random(test::PrintedSeed());
  std::string tsv;
  for (int i = 0; i < 200; ++i) {
    std::string bytes;
    for (uint64_t size = random.Below(30); size > 0; --size) {
      bytes += static_cast<char>(random.Below(256));
    }
    tsv += Escaped(bytes + std::to_string(i)) + "\t" + Escaped(bytes) + "\n";
  }
  ASSERT_EQ(Run("load " + db(), tsv).code, 0);
  const std::string expected = Run("scan " + db()).out;
  const std::string json = Run("scan " + db() + " --json").out;
  ASSERT_EQ(Run("load " + db() + "2 --format jsonl", json).code, 0);
  EXPECT_EQ(Run("scan " + db() + "2").out, expected);
  ASSERT_EQ(Run("load " + db() + "3 --hex", Run("scan " + db() + " --hex").out).code, 0);
  EXPECT_EQ(Run("scan " + db() + "3").out, expected);
}

TEST_F(CliTest, AWrongLineIsNamedAndWhatCameBeforeStays) {
  Outcome outcome = Run("load " + db(), "a\t1\nwrong\nb\t2\n");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("line 2"));
  EXPECT_EQ(Run("scan " + db()).out, "a\t1\n");
  outcome =
      Run("load " + db() + " --atomic --format jsonl", "{\"key\":\"c\",\"value\":\"3\"}\n{\n");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("line 2"));
  EXPECT_EQ(Run("scan " + db()).out, "a\t1\n");
}

// Entries of any bytes, one of them larger than a block of a dump.
std::string RandomLines(test::Random& random) {
  std::string lines = "large\t" + std::string((size_t{1} << 20) + 1, 'x') + "\n";
  for (int i = 0; i < 500; ++i) {
    std::string bytes;
    for (uint64_t size = random.Below(40); size > 0; --size) {
      bytes += static_cast<char>(random.Below(256));
    }
    lines += Escaped(bytes + std::to_string(i)) + "\t" + Escaped(bytes) + "\n";
  }
  return lines;
}

TEST_F(CliTest, ADumpComesBackExactly) {
  test::Random random(test::PrintedSeed());
  ASSERT_EQ(Run("load " + db(), RandomLines(random)).code, 0);
  const std::string expected = Run("scan " + db()).out;
  const std::string dump = root_ + "/dump";
  Outcome outcome = Run("dump " + db() + " --json -o " + dump);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("\"dumped\":501"));
  EXPECT_EQ(Run("load " + db() + "2 " + dump).code, 0);
  EXPECT_EQ(Run("scan " + db() + "2").out, expected);
  // By pipes, and in one commit.
  outcome = Run("dump " + db());
  EXPECT_EQ(outcome.out, FileText(dump));
  EXPECT_THAT(outcome.err, HasSubstr("Dumped 501 entries"));
  const std::string piped =
      "cat " + dump + " | " + FIRN_CLI + " load --atomic " + db() + "3 >/dev/null";
  EXPECT_EQ(std::system(piped.c_str()), 0);
  EXPECT_EQ(Run("scan " + db() + "3").out, expected);
  EXPECT_EQ(
      std::system(("cat " + dump + " | " + FIRN_CLI + " load " + db() + "4 >/dev/null").c_str()),
      0);
  EXPECT_EQ(Run("scan " + db() + "4").out, expected);
}

TEST_F(CliTest, AnEmptyDbHasADumpToo) {
  ASSERT_EQ(Run("load " + db()).code, 0);
  ASSERT_EQ(Run("dump " + db() + " -o " + root_ + "/dump").code, 0);
  EXPECT_EQ(Run("load " + db() + "2 " + root_ + "/dump").code, 0);
  EXPECT_EQ(Run("scan " + db() + "2 --count").out, "0\n");
}

TEST_F(CliTest, OfADamagedDumpNothingIsLoadedUnlessAsked) {
  test::Random random(test::PrintedSeed());
  ASSERT_EQ(Run("load " + db(), RandomLines(random)).code, 0);
  const std::string dump = Run("dump " + db()).out;
  ASSERT_EQ(Run("load " + db() + "2").code, 0);
  for (int trial = 0; trial < 40; ++trial) {
    std::string damaged = dump;
    // Half of them in the first and last bytes, where the heads stand.
    uint64_t at = random.Below(dump.size());
    if (trial % 4 == 1) at = random.Below(60);
    if (trial % 4 == 3) at = dump.size() - 1 - random.Below(60);
    if (trial % 3 == 0) {
      damaged.resize(at);
    } else {
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.Below(8)));
    }
    const Outcome outcome = Run("load --format dump " + db() + "2", damaged);
    SCOPED_TRACE("byte " + std::to_string(at) + " of trial " + std::to_string(trial));
    EXPECT_EQ(outcome.code, 3);
    EXPECT_THAT(outcome.err, HasSubstr("at byte "));
    EXPECT_EQ(Run("scan " + db() + "2 --count").out, "0\n");
  }
  // The large value stands in the last block.
  const Outcome partial =
      Run("load --partial " + db() + "2", dump.substr(0, dump.size() - (size_t{1} << 19)));
  EXPECT_EQ(partial.code, 3);
  EXPECT_THAT(partial.err, HasSubstr("at byte "));
  EXPECT_NE(Run("scan " + db() + "2 --count").out, "0\n");
}

TEST_F(CliTest, AnInterruptedLoadKeepsWhatItHasCommitted) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[1]);
    if (std::freopen((root_ + "/out").c_str(), "w", stdout) == nullptr) _exit(99);
    execl(FIRN_CLI, FIRN_CLI, "load", db().c_str(), nullptr);
    _exit(99);
  }
  close(ends[0]);
  std::string lines;
  for (int i = 0; i < 1500; ++i) lines += std::to_string(i) + "\tvalue\n";
  ASSERT_EQ(write(ends[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  // The pipe stays open: only the signal can end the load. When it comes does not matter.
  int left = 1;
  while (left != 0) ioctl(ends[1], FIONREAD, &left);
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  close(ends[1]);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 130) << status;
  // "Interrupted after 1,500 entries in ..."
  std::string said = FileText(root_ + "/out");
  ASSERT_THAT(said, ::testing::StartsWith("Interrupted after "));
  std::erase(said, ',');
  EXPECT_EQ(Run("scan --count " + db()).out,
            std::to_string(std::stoul(said.substr(said.find("after ") + 6))) + "\n");
}

TEST_F(CliTest, ALockedDirectoryNamesItsHolder) {
  const std::unique_ptr<Db> held = test::ValueOf(Db::Open({}, db()));
  const Outcome outcome = Run("get " + db() + " k");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("process " + std::to_string(getpid())));
}

TEST_F(CliTest, WhatCannotBePrintedIsSaid) {
  ASSERT_EQ(Run("put " + db() + " foo 1").code, 0);
  const std::string command = std::string(FIRN_CLI) + " scan " + db();
  EXPECT_EQ(WEXITSTATUS(std::system((command + " >/dev/full 2>/dev/null").c_str())), 3);
  ASSERT_EQ(Run("load " + db(),
                [] {
                  std::string lines;
                  for (int i = 0; i < 20'000; ++i) lines += std::to_string(i) + "\tvalue\n";
                  return lines;
                }())
                .code,
            0);
  const std::string closed =
      "bash -c 'set -o pipefail; " + command + " | head -1 >/dev/null' 2>/dev/null";
  EXPECT_EQ(WEXITSTATUS(std::system(closed.c_str())), 0) << "a reader that went away";
}

TEST_F(CliTest, EveryCommandHelpsWithAnExample) {
  for (const char* command :
       {"load", "dump", "get", "put", "delete", "scan", "stats", "verify", "compact", "matrix"}) {
    const Outcome outcome = Run(std::string(command) + " --help");
    EXPECT_EQ(outcome.code, 0) << command;
    EXPECT_THAT(outcome.out, HasSubstr("Example:")) << command;
    EXPECT_THAT(Run("--help").out, HasSubstr(command));
  }
}

TEST_F(CliTest, MistypedWordsGetASuggestion) {
  EXPECT_THAT(Run("sacn " + db()).err, HasSubstr("Did you mean scan?"));
  EXPECT_THAT(Run("scan " + db() + " --revers").err, HasSubstr("Did you mean --reverse?"));
}

// 300 command lines that are wrong in some way end with a documented code and a sentence.
TEST_F(CliTest, MalformedCommandLines) {
  const std::vector<std::string> words = {
      "get",          "put",    "scan",    "load",
      "stats",        "delet",  "verify",  "compact",
      "--json",       "--hex",  "--limit", "--limit=-1",
      "--limit=x",    "--from", "--nope",  "-q",
      "--sync",       "zz",     "''",      "--",
      "--prefix=",    "=",      "-",       "\"$(printf '\\033[2J')\"",
      "--count",      "0x",     "--raw",   "--format",
      "--format=xml", "@",      "%s%n"};
  test::Random random(test::PrintedSeed());
  for (int i = 0; i < 300; ++i) {
    std::string line;
    for (uint64_t count = random.Below(5); count > 0; --count) {
      line += words[random.Below(words.size())] + " ";
    }
    // So that each is wrong; an option that wants a value takes --json for it.
    line += "--json --no-such-flag" + std::to_string(i);
    const Outcome outcome = Run(line);
    // Behind --, a flag is a word, and a command that has enough of them runs.
    EXPECT_THAT(outcome.code, ::testing::AnyOf(1, 2, 3, 0)) << line;
    if (line.find("-- ") == std::string::npos) {
      EXPECT_EQ(outcome.code, 2) << line;
    }
    if (outcome.code > 1) {
      EXPECT_GT(outcome.err.size(), 20u) << line;
    }
    EXPECT_EQ(outcome.err.find('\033'), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace firn::tools
