#include "tools/package_index.h"

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <random>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace firn::tools {
namespace {

constexpr size_t kProgressEvery = 1000;

// Collects the fields of one stanza after another.
class StanzaReader {
 public:
  explicit StanzaReader(PackageIndex& index) : index_(index) {}

  void TakeLine(std::string_view line) {
    if (line.empty()) {
      EndStanza();
    } else if (line.front() == ' ' || line.front() == '\t') {
      if (continued_ != nullptr) absl::StrAppend(continued_, "\n", std::string(line.substr(1)));
    } else {
      TakeField(line);
    }
  }

  void EndStanza() {
    continued_ = nullptr;
    Package package = std::exchange(package_, {});
    if (package.name.empty()) return;
    ++index_.stanza_count;
    if (names_.insert(package.name).second) index_.packages.push_back(std::move(package));
  }

 private:
  void TakeField(std::string_view line) {
    continued_ = nullptr;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view field = line.substr(0, colon);
    std::string* target = field == "Package"       ? &package_.name
                          : field == "Version"     ? &package_.version
                          : field == "Description" ? &package_.description
                                                   : nullptr;
    if (target == nullptr) return;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    *target = value == std::string_view::npos ? std::string() : std::string(line.substr(value));
    if (target == &package_.description) continued_ = target;
  }

  PackageIndex& index_;
  Package package_;
  std::string* continued_ = nullptr;  // The field that an indented line goes on with.
  std::unordered_set<std::string> names_;
};

class Pipe {
 public:
  explicit Pipe(const char* command) : stream_(popen(command, "r")) {}
  ~Pipe() { Close(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::FILE* stream() const { return stream_; }
  // The command's exit status, 0 for success.
  int Close() { return stream_ == nullptr ? 0 : pclose(std::exchange(stream_, nullptr)); }

 private:
  std::FILE* stream_;
};

constexpr std::string_view kTopics[] = {
    "archive", "audio",  "backup",  "barcode", "calendar", "cluster", "codec",  "compiler",
    "crypto",  "editor", "email",   "font",    "forensic", "game",    "geo",    "graph",
    "image",   "ledger", "math",    "mesh",    "monitor",  "music",   "parser", "pixel",
    "printer", "proxy",  "quantum", "radio",   "render",   "robot",   "router", "scan",
    "search",  "signal", "sound",   "spell",   "storage",  "stream",  "table",  "tensor",
    "theme",   "trace",  "unicode", "vector",  "video",    "voice",   "web",    "widget",
};
constexpr std::string_view kPrefixes[] = {
    "",      "",      "",         "lib",      "lib",     "lib",    "python3-", "golang-", "r-cran-",
    "node-", "ruby-", "haskell-", "texlive-", "gir1.2-", "fonts-", "php-",     "rust-",   "elpa-",
};
constexpr std::string_view kSuffixes[] = {
    "", "", "", "-dev", "-dev", "-doc", "-data", "-utils", "-common", "-dbgsym", "-tools", "-bin",
};
constexpr std::string_view kAdjectives[] = {
    "small",      "fast",   "portable",   "modular",  "lightweight", "flexible", "graphical",
    "scriptable", "simple", "extensible", "embedded", "distributed", "secure",   "visual",
};
constexpr std::string_view kRoles[] = {
    "library for", "tool for",          "framework for", "front end for",  "development files for",
    "plugins for", "documentation for", "bindings for",  "data files for", "daemon for",
};

// std::uniform_int_distribution may draw differently with another standard library;
// the generator's own numbers may not.
size_t Draw(std::mt19937_64& random, size_t bound) { return random() % bound; }

std::string_view Pick(std::mt19937_64& random, absl::Span<const std::string_view> words) {
  return words[Draw(random, words.size())];
}

// Not absl::StrCat: the order in which its arguments are drawn is up to the compiler.
std::string Join(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) joined.append(part);
  return joined;
}

std::string DescribePackage(std::mt19937_64& random) {
  std::string description = Join({Pick(random, kAdjectives), " ", Pick(random, kRoles), " ",
                                  Pick(random, kTopics), " and ", Pick(random, kTopics), " work"});
  if (Draw(random, 8) != 0) return description;
  for (size_t line = 1 + Draw(random, 20); line > 0; --line) {
    description += Join({"\nA ", Pick(random, kAdjectives), " ", Pick(random, kRoles), " ",
                         Pick(random, kTopics), ", ", Pick(random, kTopics), " and ",
                         Pick(random, kTopics), "."});
  }
  return description;
}

}  // namespace

absl::StatusOr<PackageIndex> ParsePackageIndex(std::FILE* input, ReadProgress progress) {
  PackageIndex index;
  StanzaReader reader(index);
  size_t next_progress = kProgressEvery;
  char* buffer = nullptr;
  size_t capacity = 0;
  ssize_t length = 0;
  while ((length = getline(&buffer, &capacity, input)) >= 0) {
    index.byte_count += static_cast<uint64_t>(length);
    std::string_view line(buffer, static_cast<size_t>(length));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    reader.TakeLine(line);
    if (index.packages.size() >= next_progress) {
      progress(index.packages.size());
      next_progress += kProgressEvery;
    }
  }
  const int read_error = std::ferror(input) != 0 ? errno : 0;
  std::free(buffer);
  if (read_error != 0) return absl::ErrnoToStatus(read_error, "reading the package index");
  reader.EndStanza();
  return index;
}

absl::StatusOr<PackageIndex> ReadAptPackageIndex(ReadProgress progress) {
  Pipe pipe("apt-cache dumpavail 2>/dev/null");
  if (pipe.stream() == nullptr) return absl::ErrnoToStatus(errno, "starting apt-cache dumpavail");
  absl::StatusOr<PackageIndex> index = ParsePackageIndex(pipe.stream(), progress);
  if (!index.ok()) return index.status();
  if (pipe.Close() != 0) return absl::NotFoundError("`apt-cache dumpavail` does not run here");
  if (index->packages.empty()) {
    return absl::NotFoundError("`apt-cache dumpavail` knows of no packages");
  }
  index->source = "apt-cache dumpavail";
  return index;
}

absl::StatusOr<PackageIndex> ReadPackageIndexFile(const std::string& path, ReadProgress progress) {
  const bool standard_input = path == "-";
  std::FILE* input = standard_input ? stdin : std::fopen(path.c_str(), "re");
  if (input == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("opening ", path));
  absl::StatusOr<PackageIndex> index = ParsePackageIndex(input, progress);
  if (!standard_input) std::fclose(input);
  if (!index.ok()) return index.status();
  if (index->packages.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     " holds no packages; expected plain text such as `apt-cache dumpavail` "
                     "prints: \"Package: \" lines, a blank line between packages"));
  }
  index->source = standard_input ? "standard input" : path;
  return index;
}

PackageIndex GeneratePackageIndex(size_t package_count) {
  std::mt19937_64 random(20'240'229);
  PackageIndex index;
  index.source = "generated";
  index.packages.reserve(package_count);
  std::unordered_set<std::string> names;
  while (index.packages.size() < package_count) {
    std::string name = Join({Pick(random, kPrefixes), Pick(random, kTopics), "-",
                             Pick(random, kTopics), Pick(random, kSuffixes)});
    // Popular names come again with a number, as versioned libraries do.
    if (!names.insert(name).second) {
      name += std::to_string(Draw(random, package_count) + 2);
      if (!names.insert(name).second) continue;
    }
    std::string version =
        Join({std::to_string(Draw(random, 12)), ".", std::to_string(Draw(random, 30)), ".",
              std::to_string(Draw(random, 10)), "-", std::to_string(1 + Draw(random, 9))});
    Package package{std::move(name), std::move(version), DescribePackage(random)};
    index.byte_count += package.name.size() + package.version.size() + package.description.size();
    index.packages.push_back(std::move(package));
  }
  index.stanza_count = index.packages.size();
  return index;
}

}  // namespace firn::tools
