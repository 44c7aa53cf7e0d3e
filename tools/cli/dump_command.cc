// dump: all entries of one moment into a file that `load` reads back.
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/cli/dump_format.h"
#include "tools/cli/output_file.h"
#include "tools/human_format.h"
#include "tools/stopwatch.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

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
  OutputFile output(file, 0600);
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kRead);
  if (!db.ok()) return Fail(invocation, db.status());
  if (!output.is_file() && isatty(STDOUT_FILENO) != 0) {
    return Fail(invocation, absl::InvalidArgumentError("a dump is no text for a terminal: name a "
                                                       "file with -o, or redirect the output"));
  }
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
