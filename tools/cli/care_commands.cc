// stats, verify, compact: looking after a Db.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/human_format.h"
#include "tools/terminal.h"
#include "tools/text_table.h"

namespace firn::tools {
namespace {

int Stats(const Invocation& invocation) {
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kRead);
  if (!db.ok()) return Fail(invocation, db.status());
  const absl::StatusOr<DbStats> found = (*db)->Stats();
  if (!found.ok()) return Fail(invocation, found.status());
  const DbStats& stats = *found;
  if (invocation.json) {
    const Json object = {
        {"as_of", stats.as_of.value},           {"keys", stats.key_count},
        {"logical_bytes", stats.logical_bytes}, {"disk_bytes", stats.disk_bytes},
        {"memory_bytes", stats.memory_bytes},   {"large_value_bytes", stats.large_value_bytes},
        {"leaves", stats.leaf_count},           {"synced_ts", stats.synced_ts.value}};
    Print(JsonLine(object));
    return FinishOutput(invocation, kDone);
  }
  TextTable table;
  table.AddSection({"what", "value"});
  table.AddRow({"keys", WithCommas(stats.key_count)});
  table.AddRow({"bytes of keys and values", BytesText(stats.logical_bytes)});
  table.AddRow({"on disk", BytesText(stats.disk_bytes)});
  table.AddRow({"in memory", BytesText(stats.memory_bytes)});
  table.AddRow({"  of it large values", BytesText(stats.large_value_bytes)});
  table.AddRow({"leaves", WithCommas(stats.leaf_count)});
  table.AddRow({"last commit", absl::StrCat(stats.as_of.value)});
  Print(table.Render(WantsColour(stdout)));
  return FinishOutput(invocation, kDone);
}

int Verify(const Invocation& invocation) {
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kRead);
  if (!db.ok()) return Fail(invocation, db.status());
  if (absl::Status status = (*db)->VerifyInvariants(); !status.ok()) {
    return Fail(invocation, status);
  }
  const absl::StatusOr<DbStats> stats = (*db)->Stats();
  if (!stats.ok()) return Fail(invocation, stats.status());
  if (invocation.json) {
    Print(
        JsonLine(Json{{"sound", true}, {"keys", stats->key_count}, {"as_of", stats->as_of.value}}));
  } else {
    Print(absl::StrCat("Sound: ", CountText(stats->key_count, "key"), " as of commit ",
                       stats->as_of.value,
                       ".\nChecked: the log's chain against what was acknowledged, every "
                       "checksum of the files, the map.\n"));
  }
  return FinishOutput(invocation, kDone);
}

int Compact(const Invocation& invocation) {
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kWrite);
  if (!db.ok()) return Fail(invocation, db.status());
  const absl::StatusOr<DbStats> before = (*db)->Stats();
  if (!before.ok()) return Fail(invocation, before.status());
  if (absl::Status status = (*db)->Compact(); !status.ok()) return Fail(invocation, status);
  const absl::StatusOr<DbStats> after = (*db)->Stats();
  if (!after.ok()) return Fail(invocation, after.status());
  if (absl::Status status = (*db)->Close(); !status.ok()) return Fail(invocation, status);
  if (invocation.json) {
    Print(JsonLine(Json{{"bytes_before", before->disk_bytes}, {"bytes_after", after->disk_bytes}}));
  } else {
    Print(absl::StrCat(BytesText(before->disk_bytes), " before, ", BytesText(after->disk_bytes),
                       " after.\n"));
  }
  return FinishOutput(invocation, kDone);
}

}  // namespace

void AddStatsCommand(CLI::App& app, Invocation& invocation) {
  AddCommand(app, invocation, "stats", "Print how much the Db holds, on disk and in memory",
             "firn stats data", [&invocation] { return Stats(invocation); });
}

void AddVerifyCommand(CLI::App& app, Invocation& invocation) {
  AddCommand(app, invocation, "verify", "Read everything and check it; changes nothing",
             "firn verify data", [&invocation] { return Verify(invocation); });
}

void AddCompactCommand(CLI::App& app, Invocation& invocation) {
  AddCommand(app, invocation, "compact",
             "Rewrite the files without what was overwritten or deleted", "firn compact data",
             [&invocation] { return Compact(invocation); });
}

}  // namespace firn::tools
