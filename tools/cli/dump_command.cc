// dump: all entries of one moment into a file that `load` reads back.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/cli/dump_format.h"
#include "tools/cli/escape.h"
#include "tools/human_format.h"
#include "tools/stopwatch.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

// Where the dump goes: standard output, or a file that appears under its name only once it is whole.
class Output {
 public:
  explicit Output(std::string name) : name_(std::move(name)) {}
  ~Output() {
    if (!is_file() || fd_ < 0) return;
    close(fd_);
    unlink(unfinished_.c_str());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool is_file() const { return !name_.empty() && name_ != "-"; }

  absl::Status Open() {
    if (!is_file()) {
      fd_ = STDOUT_FILENO;
      if (isatty(fd_) == 0) return absl::OkStatus();
      return absl::InvalidArgumentError(
          "a dump is no text for a terminal: name a file with -o, or redirect the output");
    }
    unfinished_ = absl::StrCat(name_, ".", getpid(), ".unfinished");
    fd_ = open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd_ >= 0 ? absl::OkStatus() : SystemError("create", unfinished_);
  }

  absl::Status Write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (Interrupted()) return absl::CancelledError("interrupted; no dump was written");
      const ssize_t count = write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return SystemError("write to", is_file() ? unfinished_ : "standard output");
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  // The file is on disk, under its name.
  absl::Status Finish() {
    if (!is_file()) return absl::OkStatus();
    if (fsync(fd_) != 0) return SystemError("sync", unfinished_);
    if (rename(unfinished_.c_str(), name_.c_str()) != 0) return SystemError("make", name_);
    close(std::exchange(fd_, -1));
    return absl::OkStatus();
  }

 private:
  static absl::Status SystemError(const char* doing, const std::string& name) {
    return absl::UnavailableError(
        absl::StrCat("cannot ", doing, " ", Escaped(name), ": ", std::strerror(errno)));
  }

  const std::string name_;
  std::string unfinished_;
  int fd_ = -1;
};

absl::Status WriteAll(const Db& db, DumpWriter& writer) {
  const absl::StatusOr<DbStats> stats = db.Stats();
  if (!stats.ok()) return stats.status();
  ProgressLine progress;
  progress.Begin("dump");
  Iterator it = db.NewIterator();
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    if (absl::Status status = writer.Add(it.key(), it.value()); !status.ok()) return status;
    progress.Show(writer.entry_count(), stats->key_count);
  }
  if (!it.status().ok()) return it.status();
  return writer.Finish();
}

void Report(const Invocation& invocation, const DumpWriter& writer, CommitTs as_of, double seconds,
            std::FILE* stream) {
  const std::string text =
      invocation.json
          ? JsonLine(Json{{"dumped", writer.entry_count()},
                          {"bytes", writer.byte_count()},
                          {"as_of", as_of.value},
                          {"seconds", seconds}})
          : absl::StrCat("Dumped ", WithCommas(writer.entry_count()),
                         writer.entry_count() == 1 ? " entry" : " entries", " as of commit ",
                         as_of.value, ": ", BytesText(writer.byte_count()), " in ",
                         SecondsText(seconds), ".\n");
  if (stream == stdout) {
    Print(text);
  } else {
    std::fputs(text.c_str(), stream);
  }
}

int Dump(const Invocation& invocation, const std::string& file) {
  CatchInterrupts();
  Output output(file);
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kRead);
  if (!db.ok()) return Fail(invocation, db.status());
  if (absl::Status status = output.Open(); !status.ok()) return Fail(invocation, status);
  const Stopwatch stopwatch;
  const CommitTs as_of = (*db)->LatestCommitTs();  // Opened read-only: it stays so.
  DumpWriter writer(as_of, [&](std::string_view bytes) { return output.Write(bytes); });
  absl::Status status = WriteAll(**db, writer);
  if (status.ok()) status = output.Finish();
  if (!status.ok()) return Fail(invocation, status);
  Report(invocation, writer, as_of, stopwatch.seconds(), output.is_file() ? stdout : stderr);
  return FinishOutput(invocation, kDone);
}

}  // namespace

void AddDumpCommand(CLI::App& app, Invocation& invocation) {
  const auto file = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(app, invocation, "dump",
                 "Write all entries of one moment to a file, with checksums; `firn load` reads it\n"
                 "back. What was written is said on stderr if the dump itself goes to stdout.",
                 "firn dump data -o data.dump && firn load copy data.dump",
                 [&invocation, file] { return Dump(invocation, *file); });
  command->add_option("-o,--output", *file, "The file; none or - is standard output");
}

}  // namespace firn::tools
