#include "tools/history/soak_report.h"

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tools/human_format.h"
#include "tools/text_table.h"

namespace firn::history {

using tools::CountText;
using tools::SecondsText;
using tools::TextTable;
using tools::WithCommas;

std::string SoakText(const SoakReport& report, bool in_colour) {
  TextTable table;
  table.AddSection({"calls", "count"});
  for (size_t i = 0; i < kVerbs; ++i) {
    table.AddRow({VerbName(static_cast<Verb>(i)), WithCommas(report.by_verb[i])});
  }
  table.AddRow({"all", WithCommas(report.operations)});
  table.AddSection({"meanwhile", "count"});
  table.AddRow({"commits", WithCommas(report.commits)});
  table.AddRow({"leaves frozen", WithCommas(report.freezes)});
  table.AddRow({"leaves split", WithCommas(report.splits)});
  table.AddRow({"leaves merged", WithCommas(report.merges)});
  table.AddRow({"versions pruned", WithCommas(report.pruned_versions)});
  table.AddRow({"reopened", WithCommas(report.reopens)});
  table.AddSection({"checked", ""});
  table.AddRow({"sightings", WithCommas(report.sightings)});
  table.AddRow({"anomalies", WithCommas(report.anomaly_count)},
               report.anomaly_count == 0 ? TextTable::Mark::kGood : TextTable::Mark::kBad);
  std::string text = table.Render(in_colour);
  absl::StrAppend(&text, "\n", CountText(report.options.threads, "thread"), ", ",
                  report.options.directory.empty() ? "in memory" : "on disk", ", seed ",
                  report.options.seed, ", ", CountText(report.phases, "phase"), ": ran for ",
                  SecondsText(report.run_seconds), ", checked in ",
                  SecondsText(report.check_seconds), ".\n");
  for (const Anomaly& anomaly : report.anomalies) absl::StrAppend(&text, anomaly.text, "\n");
  if (report.anomaly_count == 0) {
    absl::StrAppend(&text, "Every call saw what it must have seen.\n");
  } else if (report.anomaly_count > report.anomalies.size()) {
    absl::StrAppend(&text, "and ", WithCommas(report.anomaly_count - report.anomalies.size()),
                    " more\n");
  }
  return text;
}

nlohmann::ordered_json SoakJson(const SoakReport& report) {
  nlohmann::ordered_json calls;
  for (size_t i = 0; i < kVerbs; ++i) {
    calls[VerbName(static_cast<Verb>(i))] = report.by_verb[i];
  }
  nlohmann::ordered_json anomalies = nlohmann::ordered_json::array();
  for (const Anomaly& anomaly : report.anomalies) {
    anomalies.push_back({{"kind", AnomalyName(anomaly.kind)}, {"text", anomaly.text}});
  }
  return {{"operations", report.operations},
          {"threads", report.options.threads},
          {"on_disk", !report.options.directory.empty()},
          {"seed", report.options.seed},
          {"phases", report.phases},
          {"calls", std::move(calls)},
          {"commits", report.commits},
          {"freezes", report.freezes},
          {"splits", report.splits},
          {"merges", report.merges},
          {"pruned_versions", report.pruned_versions},
          {"reopens", report.reopens},
          {"sightings", report.sightings},
          {"run_seconds", report.run_seconds},
          {"check_seconds", report.check_seconds},
          {"anomaly_count", report.anomaly_count},
          {"anomalies", std::move(anomalies)}};
}

}  // namespace firn::history
