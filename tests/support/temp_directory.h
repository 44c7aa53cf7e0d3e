// A directory of a test's own, gone when the test ends.
#ifndef FIRN_TESTS_SUPPORT_TEMP_DIRECTORY_H_
#define FIRN_TESTS_SUPPORT_TEMP_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "gtest/gtest.h"

namespace firn::test {

class TempDirectory {
 public:
  TempDirectory() {
    std::string path = ::testing::TempDir() + "firn-test-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    path_ = std::filesystem::canonical(path).string();
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  // Without links in it.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_TEMP_DIRECTORY_H_
