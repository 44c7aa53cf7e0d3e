#include "tools/frozen_scan_report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tools/human_format.h"
#include "tools/text_table.h"

namespace firn::tools {
namespace {

using Json = nlohmann::ordered_json;
using Mark = TextTable::Mark;

std::string ChecksumText(uint64_t checksum) { return absl::StrFormat("%016x", checksum); }

void AddVerdict(TextTable& table, std::vector<std::string> cells, bool passed) {
  cells.push_back(passed ? "ok" : "FAILED");
  table.AddRow(std::move(cells), passed ? Mark::kGood : Mark::kBad);
}

void AddCopy(TextTable& table, std::string name, const ViewResult& copy) {
  table.AddRow({std::move(name), WithCommas(copy.entry_count), "-", ChecksumText(copy.checksum)});
}

void AddViews(TextTable& table, const std::vector<CheckedView>& views) {
  for (const CheckedView& view : views) {
    AddVerdict(table,
               {"  " + view.name, WithCommas(view.result.entry_count),
                WithCommas(view.result.mismatch_count), ChecksumText(view.result.checksum)},
               view.passed);
  }
}

void AddChanges(TextTable& table, std::string where, const ChangeCounts& counts) {
  table.AddRow({std::move(where), WithCommas(counts.upgraded), WithCommas(counts.removed),
                WithCommas(counts.added)});
}

std::vector<std::string> MemoryCells(std::string when, uint64_t versions, uint64_t bytes) {
  return {std::move(when), WithCommas(versions), "", BytesText(bytes)};
}

Json ToJson(const ViewResult& result) {
  return {{"packages", result.entry_count},
          {"mismatches", result.mismatch_count},
          {"checksum", ChecksumText(result.checksum)}};
}

Json ToJson(const std::vector<CheckedView>& views) {
  Json all = Json::array();
  for (const CheckedView& view : views) {
    Json one = {{"name", view.name}};
    one.update(ToJson(view.result));
    one["passed"] = view.passed;
    all.push_back(std::move(one));
  }
  return all;
}

Json ToJson(const ChangeCounts& counts) {
  return {{"upgraded", counts.upgraded}, {"removed", counts.removed}, {"added", counts.added}};
}

Json ToJson(const MemoryPoint& point) {
  return {{"versions", point.version_count}, {"bytes", point.memory_bytes}};
}

std::string KilledWriterLine(const KilledWriterReport& killed) {
  std::string line = absl::StrCat("A writer was killed (kill -9) in mid-load after ",
                                  CountText(killed.acknowledged_commits, "acknowledged commit"),
                                  " (", CountText(killed.acknowledged_entries, "package"),
                                  ");\nopened again in ", SecondsText(killed.reopen_seconds), ": ");
  if (!killed.wrong.empty()) return absl::StrCat(line, "FAILED: ", killed.wrong, ".\n");
  return absl::StrCat(line, "all of them are there, and the state is that of one commit,\n",
                      killed.recovered_ts.value, ".\n");
}

}  // namespace

std::string StepLine(const Step& step) {
  return absl::StrFormat("%-32s%18s%12s%12s", step.name, CountText(step.count, step.unit),
                         SecondsText(step.seconds), RateText(step.count, step.seconds));
}

std::string ReportText(const FrozenScanReport& report, bool in_colour) {
  const SnapshotInfo& snapshot = report.snapshot;
  TextTable table;
  table.AddSection({"views", "packages", "mismatches", "checksum"});
  AddCopy(table, "expected of the snapshot", report.frozen_copy);
  AddViews(table, report.frozen_views);
  AddCopy(table, "expected of the live Db", report.live_copy);
  AddViews(table, report.live_views);
  table.AddSection({"changes meanwhile", "upgraded", "removed", "added"});
  AddChanges(table, "before the cursor", report.changed_before_cursor);
  AddChanges(table, "behind the cursor", report.changed_behind_cursor);
  table.AddSection({"memory, settled", "versions", "", "size"});
  table.AddRow(MemoryCells("loaded, no snapshot yet", report.loaded.version_count,
                           report.loaded.memory_bytes));
  table.AddRow(
      MemoryCells("changed, snapshot held", report.held.version_count, report.held.memory_bytes));
  table.AddRow(
      MemoryCells("  of it the snapshot's price", snapshot.price_versions, snapshot.price_bytes));
  AddVerdict(
      table,
      MemoryCells("snapshot closed", report.released.version_count, report.released.memory_bytes),
      report.memory_came_back);
  table.AddRow(MemoryCells("a fresh Db, live packages only", report.fresh.version_count,
                           report.fresh.memory_bytes));

  std::string text = table.Render(in_colour);
  const uint64_t given_back =
      report.held.memory_bytes - std::min(report.held.memory_bytes, report.released.memory_bytes);
  absl::StrAppend(&text, "\nSnapshot \"", snapshot.label, "\", held by ", snapshot.owner, " for ",
                  SecondsText(absl::ToDoubleSeconds(snapshot.age)), ",\nkept ",
                  CountText(snapshot.price_versions, "version"), " (",
                  BytesText(snapshot.price_bytes), "); closing it gave back ",
                  BytesText(given_back), ".\n");
  if (report.killed_writer) absl::StrAppend(&text, KilledWriterLine(*report.killed_writer));
  for (const Check& check : report.checks) {
    if (!check.passed) absl::StrAppend(&text, "FAILED: ", check.claim, ": ", check.found, "\n");
  }
  if (report.Passed()) {
    absl::StrAppend(&text, "All ", CountText(report.checks.size(), "check"), " passed.\n");
  }
  return text;
}

std::string ReportJson(const FrozenScanReport& report, const PackageIndex& index) {
  Json json = {{"source", index.source},
               {"stanzas", index.stanza_count},
               {"packages", index.packages.size()},
               {"bytes_read", index.byte_count}};
  for (const Step& step : report.steps) {
    json["steps"].push_back({{"name", step.name},
                             {"unit", step.unit},
                             {"count", step.count},
                             {"seconds", step.seconds}});
  }
  json["frozen"] = {{"expected", ToJson(report.frozen_copy)},
                    {"views", ToJson(report.frozen_views)}};
  json["live"] = {{"expected", ToJson(report.live_copy)}, {"views", ToJson(report.live_views)}};
  json["changes"] = {{"before_cursor", ToJson(report.changed_before_cursor)},
                     {"behind_cursor", ToJson(report.changed_behind_cursor)}};
  json["snapshot"] = {{"label", report.snapshot.label},
                      {"owner", report.snapshot.owner},
                      {"ts", report.snapshot.ts.value},
                      {"age_seconds", absl::ToDoubleSeconds(report.snapshot.age)},
                      {"price_versions", report.snapshot.price_versions},
                      {"price_bytes", report.snapshot.price_bytes}};
  json["memory"] = {{"loaded", ToJson(report.loaded)},
                    {"held", ToJson(report.held)},
                    {"released", ToJson(report.released)},
                    {"fresh", ToJson(report.fresh)}};
  if (const auto& killed = report.killed_writer) {
    json["killed_writer"] = {{"acknowledged_commits", killed->acknowledged_commits},
                             {"acknowledged_entries", killed->acknowledged_entries},
                             {"recovered_commits", killed->recovered_commits},
                             {"recovered_ts", killed->recovered_ts.value},
                             {"reopen_seconds", killed->reopen_seconds}};
  }
  for (const Check& check : report.checks) {
    json["checks"].push_back(
        {{"claim", check.claim}, {"passed", check.passed}, {"found", check.found}});
  }
  json["passed"] = report.Passed();
  // Package names are whatever the input says; invalid UTF-8 is replaced, not thrown at.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace firn::tools
