// Includes point down the layers, never up.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// folder -> folders that it may include; tests and benchmarks are free
const std::map<std::string, std::vector<std::string>, std::less<>> kMayInclude = {
    {"firn", {"firn"}},
    {"mvcc", {"mvcc", "firn"}},
    {"iterator", {"iterator", "mvcc", "firn"}},
    {"engine", {"engine", "iterator", "mvcc", "firn"}},
    {"tools", {"tools", "firn"}},
    {"examples", {"firn"}},
    {"bench", {}},
    {"tests", {}},
};

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The layer of a path from the repository root: its folder, or "firn" for the public headers.
std::string LayerOf(const std::string& path) {
  const std::string folder = path.substr(0, path.find('/'));
  return folder == "include" ? "firn" : folder;
}

// What is wrong with including `target` in `path`; empty if it is fine.
std::string Objection(const std::string& path, const std::string& target, bool quoted) {
  const std::string layer = LayerOf(path);
  if (layer == "mvcc" && (target == "fstream" || target == "filesystem")) {
    return "mvcc/ knows no files";
  }
  const size_t slash = target.find('/');
  // Without a folder: a header of the standard library, <iterator> among them.
  const std::string folder = slash == std::string::npos ? "" : target.substr(0, slash);
  if (folder == "rocksdb") {
    const bool may_know = path.starts_with("engine/rocksdb_") ||
                          path.starts_with("tests/support/rocksdb_") ||
                          path.starts_with("tools/matrix/engines/rocksdb_");
    return may_know ? "" : "only engine/rocksdb_* knows RocksDB";
  }
  if (kMayInclude.contains(folder)) {
    if (!quoted) return "our own headers stand in quotes";
    return Contains(kMayInclude.at(layer), folder) ? "" : layer + " may not include " + folder;
  }
  if (!quoted || folder == "absl" || layer == "tools") return "";
  return "not a header of a layer, written from the repository's root";
}

std::string WithoutBlanks(std::string line) {
  std::erase_if(line, [](char c) { return c == ' ' || c == '\t'; });
  return line;
}

// One line per forbidden include in `text`, the content of `path`.
std::vector<std::string> Violations(const std::string& path, const std::string& text) {
  std::vector<std::string> violations;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string directive = WithoutBlanks(line);
    if (!directive.starts_with("#include")) continue;
    const size_t open = std::string_view("#include").size();
    const size_t close = directive.find_first_of("\">", open + 1);
    const std::string target = directive.substr(open + 1, close - open - 1);
    const std::string objection = Objection(path, target, directive[open] == '"');
    if (objection.empty()) continue;
    violations.push_back(path + ":" + std::to_string(number) + ": " + objection);
  }
  return violations;
}

TEST(Layering, IncludesPointDown) {
  const fs::path root = FIRN_SOURCE_DIR;
  int file_count = 0;
  for (const char* folder : {"include/firn", "mvcc", "iterator", "engine", "tools", "examples"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::ifstream file(entry.path());
      ASSERT_TRUE(file) << entry.path();
      const std::string text(std::istreambuf_iterator<char>(file), {});
      EXPECT_THAT(Violations(fs::relative(entry.path(), root), text), IsEmpty());
      ++file_count;
    }
  }
  EXPECT_GT(file_count, 0);
}

TEST(Layering, DownwardIncludesAreFine) {
  EXPECT_THAT(Violations("engine/db_impl.cc",
                         "#include \"engine/db_impl.h\"\n"
                         "#include <fstream>\n"
                         "#include \"absl/status/status.h\"\n"
                         "#include \"iterator/map_cursor.h\"\n"
                         "#include \"mvcc/leaf.h\"\n"
                         "#include \"firn/db.h\"\n"),
              IsEmpty());
  EXPECT_THAT(Violations("engine/rocksdb_store.cc", "#include \"rocksdb/db.h\""), IsEmpty());
  EXPECT_THAT(Violations("tools/firn_main.cc", "#include \"CLI/CLI.hpp\""), IsEmpty());
  EXPECT_THAT(Violations("include/firn/db.h", "#include \"firn/types.h\""), IsEmpty());
}

TEST(Layering, EachKindOfViolationIsFound) {
  const struct {
    const char* path;
    const char* include;
    const char* objection;
  } planted_violations[] = {
      {"mvcc/leaf.h", "#include \"iterator/leaf_cursor.h\"", "mvcc may not include iterator"},
      {"mvcc/leaf.h", "#include \"engine/store.h\"", "mvcc may not include engine"},
      {"iterator/map_cursor.cc", "#include \"engine/db_impl.h\"",
       "iterator may not include engine"},
      {"include/firn/db.h", "#include \"mvcc/leaf.h\"", "firn may not include mvcc"},
      {"engine/db_impl.cc", "#include \"tests/support/clock.h\"", "engine may not include tests"},
      {"tools/firn_main.cc", "#include \"engine/db_impl.h\"", "tools may not include engine"},
      {"examples/first.cc", "#include \"mvcc/leaf.h\"", "examples may not include mvcc"},
      {"engine/db_impl.cc", "#include \"db_impl.h\"", "not a header of a layer"},
      {"engine/db_impl.cc", "#include <mvcc/leaf.h>", "stand in quotes"},
      {"engine/db_impl.cc", "#include \"rocksdb/db.h\"", "only engine/rocksdb_*"},
      {"iterator/map_cursor.cc", "#include <rocksdb/slice.h>", "only engine/rocksdb_*"},
      {"mvcc/span_allocator.cc", "  #  include <fstream>", "mvcc/ knows no files"},
      {"mvcc/span_allocator.cc", "#include <filesystem>", "mvcc/ knows no files"},
  };
  for (const auto& planted : planted_violations) {
    const std::string text = std::string("#include <string>\n") + planted.include + "\nint x;\n";
    EXPECT_THAT(Violations(planted.path, text), ElementsAre(HasSubstr(planted.objection)))
        << planted.path << " " << planted.include;
  }
}

}  // namespace
