// The package index of a Debian machine: real input of a handy size.
#ifndef FIRN_TOOLS_PACKAGE_INDEX_H_
#define FIRN_TOOLS_PACKAGE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace firn::tools {

struct Package {
  std::string name;
  std::string version;
  std::string description;  // Several lines are joined by '\n'.
};

struct PackageIndex {
  std::string source;             // Where it is from, for people: "apt-cache dumpavail".
  std::vector<Package> packages;  // Each name once, in the order of the source.
  uint64_t stanza_count = 0;      // Stanzas read, those of a repeated name included.
  uint64_t byte_count = 0;        // Bytes read.
};

// Called now and then with the number of packages read so far.
using ReadProgress = absl::FunctionRef<void(size_t package_count)>;

// What `apt-cache dumpavail` prints, read through a pipe. kNotFound: no apt-cache here,
// or it knows of no packages.
absl::StatusOr<PackageIndex> ReadAptPackageIndex(ReadProgress progress);

// An index saved in a file, "-" for standard input.
absl::StatusOr<PackageIndex> ReadPackageIndexFile(const std::string& path, ReadProgress progress);

// Reads stanzas, "Field: value" lines with blank lines in between, until the end of
// `input`. Of a name that occurs again (another architecture) the first one counts.
absl::StatusOr<PackageIndex> ParsePackageIndex(std::FILE* input, ReadProgress progress);

// Plausible packages, the same ones for the same `package_count` on every machine.
PackageIndex GeneratePackageIndex(size_t package_count);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_PACKAGE_INDEX_H_
