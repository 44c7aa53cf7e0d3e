// load: entries from files or standard input.
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/cli/escape.h"
#include "tools/cli/input_line.h"
#include "tools/human_format.h"
#include "tools/stopwatch.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

constexpr size_t kBatchOperations = 1'000;
constexpr size_t kBatchBytes = size_t{1} << 20;

std::atomic<bool> interrupted{false};

struct LoadFlags {
  std::vector<std::string> files;
  std::string format;
  bool atomic = false;
};

bool EndsWith(const std::string& text, std::string_view ending) {
  return std::string_view(text).ends_with(ending);
}

class Loader {
 public:
  Loader(const Invocation& invocation, const LoadFlags& flags, Db& db)
      : invocation_(invocation), flags_(flags), db_(db) {
    progress_.Begin("load");
  }

  absl::Status LoadFile(const std::string& name);
  // Commits what is left.
  absl::Status Finish() { return Commit(); }

  uint64_t loaded() const { return loaded_; }
  CommitTs last_commit() const { return last_commit_; }

 private:
  absl::Status LoadLine(std::string_view line);
  absl::Status Commit();

  const Invocation& invocation_;
  const LoadFlags& flags_;
  Db& db_;
  ProgressLine progress_;
  bool json_lines_ = false;
  WriteBatch batch_;
  uint64_t loaded_ = 0;  // Committed entries.
  uint64_t bytes_read_ = 0;
  uint64_t bytes_expected_ = 0;
  CommitTs last_commit_;
};

absl::Status Loader::LoadFile(const std::string& name) {
  const bool standard = name == "-";
  std::FILE* file = standard ? stdin : std::fopen(name.c_str(), "r");
  const std::string shown = standard ? "standard input" : Escaped(name);
  const auto system_error = [&](const char* doing) {
    return absl::UnavailableError(
        absl::StrCat("cannot ", doing, " ", shown, ": ", std::strerror(errno)));
  };
  if (file == nullptr) return system_error("open");
  char* line = nullptr;
  size_t capacity = 0;
  const absl::Cleanup clean_up = [&] {
    std::free(line);
    if (!standard) std::fclose(file);
  };
  struct stat found;
  if (fstat(fileno(file), &found) == 0 && S_ISREG(found.st_mode)) {
    bytes_expected_ = bytes_read_ + static_cast<uint64_t>(found.st_size);
  }
  json_lines_ = flags_.format == "jsonl" ||
                (flags_.format.empty() && (EndsWith(name, ".jsonl") || EndsWith(name, ".ndjson")));
  uint64_t number = 0;
  errno = 0;
  for (ssize_t size; !interrupted && (size = getline(&line, &capacity, file)) >= 0;) {
    ++number;
    bytes_read_ += static_cast<uint64_t>(size);
    std::string_view text(line, static_cast<size_t>(size));
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (absl::Status status = LoadLine(text); !status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(shown, " line ", number, ": ", status.message()));
    }
    progress_.Show(bytes_read_, bytes_expected_);
  }
  if (interrupted) return absl::CancelledError("interrupted");
  return std::ferror(file) != 0 ? system_error("read") : absl::OkStatus();
}

absl::Status Loader::LoadLine(std::string_view line) {
  absl::StatusOr<InputEntry> entry =
      json_lines_ ? ParseJsonLine(line) : ParseTsvLine(line, invocation_.hex);
  if (!entry.ok()) return absl::DataLossError(entry.status().message());
  if (entry->key.size() > kMaxKeyBytes || entry->value.size() > kMaxValueBytes) {
    return absl::DataLossError("the key or the value is too long for a Db");
  }
  batch_.Put(entry->key, entry->value);
  const bool full =
      batch_.operation_count() >= kBatchOperations || batch_.byte_count() >= kBatchBytes;
  return full && !flags_.atomic ? Commit() : absl::OkStatus();
}

absl::Status Loader::Commit() {
  if (batch_.empty()) return absl::OkStatus();
  const absl::StatusOr<CommitTs> committed = db_.Write(batch_);
  if (!committed.ok()) return committed.status();
  last_commit_ = *committed;
  loaded_ += batch_.operation_count();
  batch_.Clear();
  return absl::OkStatus();
}

int Load(const Invocation& invocation, LoadFlags& flags) {
  if (flags.files.empty()) flags.files.emplace_back("-");
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kCreate);
  if (!db.ok()) return Fail(invocation, db.status());
  std::signal(SIGINT, [](int) { interrupted = true; });
  const Stopwatch stopwatch;
  absl::Status status;
  uint64_t loaded = 0;
  CommitTs last_commit;
  {
    Loader loader(invocation, flags, **db);
    for (const std::string& file : flags.files) {
      status = loader.LoadFile(file);
      if (!status.ok()) break;
    }
    // What stands before a wrong line stays, but for --atomic.
    if (status.ok() || !flags.atomic) status.Update(loader.Finish());
    loaded = loader.loaded();
    last_commit = loader.last_commit();
  }
  const double seconds = stopwatch.seconds();
  status.Update((*db)->Close());
  if (!status.ok() && !absl::IsCancelled(status)) {
    return Fail(invocation, absl::Status(status.code(), absl::StrCat(status.message(), " (",
                                                                     CountText(loaded, "key"),
                                                                     " loaded before it)")));
  }
  if (invocation.json) {
    Print(
        JsonLine(Json{{"loaded", loaded}, {"commit_ts", last_commit.value}, {"seconds", seconds}}));
  } else {
    Print(absl::StrCat(status.ok() ? "Loaded " : "Interrupted after ", WithCommas(loaded),
                       loaded == 1 ? " entry in " : " entries in ", SecondsText(seconds), ", ",
                       RateText(loaded, seconds), ".\n"));
  }
  return FinishOutput(invocation, status.ok() ? kDone : kInterrupted);
}

}  // namespace

void AddLoadCommand(CLI::App& app, Invocation& invocation) {
  const auto flags = std::make_shared<LoadFlags>();
  CLI::App* command = AddCommand(
      app, invocation, "load",
      "Put entries from files into the Db, which is made if need be.\n"
      "TSV: key, tab, value; \\\\ \\t \\n \\r \\xHH stand for a backslash, a tab, line ends, any "
      "byte.\n"
      "JSON Lines: {\"key\": \"...\", \"value\": \"...\"}; key_hex and value_hex for any bytes.\n"
      "A wrong line ends it with its number; what came before stays, or nothing with --atomic.",
      "printf 'foo\\t1\\nbar\\t2\\n' | firn load data",
      [&invocation, flags] { return Load(invocation, *flags); });
  command->add_option("files", flags->files, "Files; none or - is standard input");
  command->add_option("--format", flags->format, "tsv or jsonl; default: by the file's name, tsv")
      ->check(CLI::IsMember({"tsv", "jsonl"}));
  command->add_flag("--atomic", flags->atomic, "Everything in one commit, or nothing");
}

}  // namespace firn::tools
