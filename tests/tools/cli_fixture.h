// Runs the program `firn` in a directory of the test's own.
#ifndef FIRN_TESTS_TOOLS_CLI_FIXTURE_H_
#define FIRN_TESTS_TOOLS_CLI_FIXTURE_H_

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/temp_directory.h"

namespace firn::tools {

struct Outcome {
  int code;  // 128 and more: killed by a signal.
  std::string out;
  std::string err;
};

inline std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CliTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the packaged RocksDB";
#endif
  }

  std::string db() const { return root_ + "/db"; }
  std::string InputFile(const std::string& text) {
    std::ofstream(root_ + "/input", std::ios::binary) << text;
    return root_ + "/input";
  }

  // Runs `firn` by the shell, which quotes `arguments` as they stand.
  Outcome Run(const std::string& arguments, const std::string& input = "") {
    const std::string command = "cd " + root_ + " && " + FIRN_CLI + " " + arguments + " <" +
                                InputFile(input) + " >" + root_ + "/out 2>" + root_ + "/err";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, FileText(root_ + "/out"),
            FileText(root_ + "/err")};
  }

  const test::TempDirectory directory_;
  const std::string& root_ = directory_.path();
};

}  // namespace firn::tools

#endif  // FIRN_TESTS_TOOLS_CLI_FIXTURE_H_
