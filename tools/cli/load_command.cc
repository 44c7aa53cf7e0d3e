// load: entries from files or standard input.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/cli/dump_format.h"
#include "tools/cli/input_file.h"
#include "tools/cli/input_line.h"
#include "tools/human_format.h"
#include "tools/stopwatch.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

constexpr size_t kBatchOperations = 1'000;
constexpr size_t kBatchBytes = size_t{1} << 20;

struct LoadFlags {
  std::vector<std::string> files;
  std::string format;
  bool atomic = false;
  bool partial = false;
};

class Loader {
 public:
  Loader(const Invocation& invocation, const LoadFlags& flags, Db& db)
      : invocation_(invocation), flags_(flags), db_(db) {}

  absl::Status LoadFile(const std::string& name);
  // Commits what is left.
  absl::Status Finish() { return Commit(); }

  uint64_t loaded() const { return loaded_; }
  CommitTs last_commit() const { return last_commit_; }

 private:
  absl::Status LoadLines(InputFile& file, bool json_lines);
  absl::Status LoadDump(InputFile& file);
  // Reads the dump to its end and changes nothing.
  absl::Status CheckDump(InputFile& file);
  absl::Status LoadLine(std::string_view line, bool json_lines);
  absl::Status Add(std::string_view key, std::string_view value);
  absl::Status Commit();

  const Invocation& invocation_;
  const LoadFlags& flags_;
  Db& db_;
  ProgressLine progress_;
  WriteBatch batch_;
  uint64_t loaded_ = 0;  // Committed entries.
  CommitTs last_commit_;
};

absl::Status Loader::LoadFile(const std::string& name) {
  absl::StatusOr<std::unique_ptr<InputFile>> opened = InputFile::Open(name);
  if (!opened.ok()) return opened.status();
  InputFile& file = **opened;
  const absl::StatusOr<std::string_view> beginning = file.Peek(kDumpMagic.size());
  if (!beginning.ok()) return beginning.status();
  if (flags_.format == "dump" || (flags_.format.empty() && *beginning == kDumpMagic)) {
    return LoadDump(file);
  }
  const bool named_json = name.ends_with(".jsonl") || name.ends_with(".ndjson");
  return LoadLines(file, flags_.format == "jsonl" || (flags_.format.empty() && named_json));
}

absl::Status Loader::LoadLines(InputFile& file, bool json_lines) {
  progress_.Begin("load", ProgressUnit::kBytes);
  for (uint64_t number = 1;; ++number) {
    std::string_view line;
    const absl::StatusOr<bool> found = file.ReadLine(&line);
    if (!found.ok()) return found.status();
    if (!*found) return absl::OkStatus();
    if (absl::Status status = LoadLine(line, json_lines); !status.ok()) {
      return absl::Status(
          status.code(), absl::StrCat(file.shown_name(), " line ", number, ": ", status.message()));
    }
    progress_.Show(file.offset(), file.expected_bytes());
  }
}

absl::Status Loader::CheckDump(InputFile& file) {
  if (absl::Status status = file.KeepForRewind(); !status.ok()) return status;
  progress_.Begin("check", ProgressUnit::kBytes);
  DumpReader reader(file);
  absl::Status status = reader.ReadHeader().status();
  for (bool more = true; more && status.ok();) {
    const absl::StatusOr<std::vector<DumpReader::Entry>> block = reader.ReadBlock();
    status = block.status();
    more = block.ok() && !block->empty();
    progress_.Show(file.offset(), file.expected_bytes());
  }
  if (absl::IsDataLoss(status)) {
    return absl::DataLossError(
        absl::StrCat(status.message(), "; --partial loads what stands before it"));
  }
  if (status.ok()) status = file.Rewind();
  return status;
}

absl::Status Loader::LoadDump(InputFile& file) {
  // With --atomic nothing is committed before the dump's end was seen anyway.
  if (!flags_.partial && !flags_.atomic) {
    if (absl::Status status = CheckDump(file); !status.ok()) return status;
  }
  progress_.Begin("load", ProgressUnit::kBytes);
  DumpReader reader(file);
  if (absl::Status status = reader.ReadHeader().status(); !status.ok()) return status;
  while (true) {
    const absl::StatusOr<std::vector<DumpReader::Entry>> block = reader.ReadBlock();
    if (!block.ok()) return block.status();
    if (block->empty()) return absl::OkStatus();
    for (const DumpReader::Entry& entry : *block) {
      if (absl::Status status = Add(entry.key, entry.value); !status.ok()) return status;
    }
    progress_.Show(file.offset(), file.expected_bytes());
  }
}

absl::Status Loader::LoadLine(std::string_view line, bool json_lines) {
  absl::StatusOr<InputEntry> entry =
      json_lines ? ParseJsonLine(line) : ParseTsvLine(line, invocation_.hex);
  if (!entry.ok()) return absl::DataLossError(entry.status().message());
  return Add(entry->key, entry->value);
}

absl::Status Loader::Add(std::string_view key, std::string_view value) {
  if (key.size() > kMaxKeyBytes || value.size() > kMaxValueBytes) {
    return absl::DataLossError("the key or the value is too long for a Db");
  }
  if (Interrupted()) return absl::CancelledError("interrupted");
  batch_.Put(key, value);
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
  CatchInterrupts();
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
    return Fail(invocation,
                absl::Status(status.code(), absl::StrCat(status.message(), " (", WithCommas(loaded),
                                                         loaded == 1 ? " entry" : " entries",
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
      "A wrong line ends it with its number; what came before stays, or nothing with --atomic.\n"
      "A dump (see `firn dump`) is read to its end first; nothing of a damaged one is loaded.",
      "printf 'foo\\t1\\nbar\\t2\\n' | firn load data",
      [&invocation, flags] { return Load(invocation, *flags); });
  command->add_option("files", flags->files, "Files; none or - is standard input");
  command
      ->add_option("--format", flags->format,
                   "tsv, jsonl or dump; default: dump if it begins as one,\n"
                   "jsonl by the file's name, else tsv")
      ->check(CLI::IsMember({"tsv", "jsonl", "dump"}));
  CLI::Option* const atomic =
      command->add_flag("--atomic", flags->atomic, "Everything in one commit, or nothing");
  command
      ->add_flag("--partial", flags->partial,
                 "Of a damaged dump, load what stands before the damage")
      ->excludes(atomic);
}

}  // namespace firn::tools
