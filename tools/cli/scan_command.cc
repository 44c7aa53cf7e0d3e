// scan: entries in key order, both ways.
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"

namespace firn::tools {
namespace {

struct ScanFlags {
  std::optional<std::string> from;
  std::optional<std::string> to;
  std::optional<std::string> prefix;
  bool reverse = false;
  bool keys_only = false;
  bool count = false;
  bool long_form = false;
  uint64_t limit = std::numeric_limits<uint64_t>::max();
};

std::string Line(const Invocation& invocation, const ScanFlags& flags, const Iterator& it) {
  if (invocation.json) {
    Json object;
    SetBytes(invocation, object, "key", it.key());
    if (!flags.keys_only) SetBytes(invocation, object, "value", it.value());
    if (flags.long_form) {
      object["commit_ts"] = it.commit_ts().value;
      object["bytes"] = it.key().size() + it.value().size();
    }
    return JsonLine(object);
  }
  std::string line;
  if (flags.long_form) {
    absl::StrAppend(&line, it.commit_ts().value, "\t", it.key().size() + it.value().size(), "\t");
  }
  line += Shown(invocation, it.key());
  if (!flags.keys_only) absl::StrAppend(&line, "\t", Shown(invocation, it.value()));
  return line + "\n";
}

int Walk(const Invocation& invocation, const ScanFlags& flags, const IteratorOptions& bounds) {
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kRead);
  if (!db.ok()) return Fail(invocation, db.status());
  Iterator it = (*db)->NewIterator(bounds);
  uint64_t count = 0;
  flags.reverse ? it.SeekToLast() : it.SeekToFirst();
  for (; it.Valid() && count < flags.limit && !OutputClosed();
       flags.reverse ? it.Prev() : it.Next()) {
    ++count;
    if (!flags.count) Print(Line(invocation, flags, it));
  }
  if (!it.status().ok()) return Fail(invocation, it.status());
  if (flags.count) {
    Print(invocation.json ? JsonLine(Json{{"count", count}}) : absl::StrCat(count, "\n"));
  }
  return FinishOutput(invocation, kDone);
}

int Scan(const Invocation& invocation, const ScanFlags& flags) {
  std::optional<std::string> given[3];
  const std::optional<std::string>* const arguments[] = {&flags.from, &flags.to, &flags.prefix};
  for (int i = 0; i < 3; ++i) {
    if (!*arguments[i]) continue;
    absl::StatusOr<std::string> bytes = BytesOf(invocation, **arguments[i]);
    if (!bytes.ok()) return Fail(invocation, bytes.status());
    given[i] = *std::move(bytes);
  }
  IteratorOptions bounds;
  bounds.lower_bound = given[0];
  bounds.upper_bound = given[1];
  bounds.prefix = given[2];
  bounds.keys_only = flags.count || (flags.keys_only && !flags.long_form);
  return Walk(invocation, flags, bounds);
}

}  // namespace

void AddScanCommand(CLI::App& app, Invocation& invocation) {
  const auto flags = std::make_shared<ScanFlags>();
  CLI::App* command = AddCommand(
      app, invocation, "scan",
      "Print entries in key order, key and value with a tab between; bytes that are not\n"
      "printable as \\xHH",
      "firn scan data --prefix user/ --limit 10 --reverse",
      [&invocation, flags] { return Scan(invocation, *flags); });
  command->add_option("--from", flags->from, "First key");
  command->add_option("--to", flags->to, "The key to stop before");
  command->add_option("--prefix", flags->prefix, "Only keys that begin so");
  command->add_flag("--reverse", flags->reverse, "Last key first");
  command->add_option("--limit", flags->limit, "At most so many entries");
  command->add_flag("--keys-only", flags->keys_only, "Without values");
  command->add_flag("--count", flags->count, "Print only how many there are");
  command->add_flag("--long", flags->long_form,
                    "Before each entry its commit time (ns since 1970) and its size in bytes");
}

}  // namespace firn::tools
