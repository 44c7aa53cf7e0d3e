#include "bench/loaded_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace firn::bench {
namespace {

// Only what asserts has a use for this name.
bool HasAssertions(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return bytes.find("__assert_fail") != std::string::npos;
}

// From here, if it is below.
std::string ShortPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path near = std::filesystem::proximate(path, error);
  return error || near.empty() || *near.begin() == ".." ? path : near.string();
}

}  // namespace

std::string DescribeLibraryWith(const char* symbol) {
  const void* const address = dlsym(RTLD_DEFAULT, symbol);
  Dl_info info;
  if (address == nullptr || dladdr(address, &info) == 0) return "not there";
  const std::string path = info.dli_fname;
  return ShortPath(path) + ", assertions " + (HasAssertions(path) ? "ON" : "off");
}

}  // namespace firn::bench
