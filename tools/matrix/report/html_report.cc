#include "tools/matrix/report/html_report.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/human_format.h"
#include "tools/matrix/report/html_assets.h"
#include "tools/matrix/report/html_data.h"
#include "tools/matrix/report/markup.h"
#include "tools/matrix/report/tally.h"

namespace firn::matrix {
namespace {

using tools::WithCommas;

// Failed cells of an engine that stand in the page itself; the script knows all of them.
constexpr size_t kFailuresShown = 20;

std::string Element(std::string_view tag, const std::string& content) {
  const std::string name(tag);
  return absl::StrCat("<", name, ">", content, "</", name, ">");
}

std::string FigureHtml(const Tally& tally) {
  return absl::StrFormat("<td class=o%d>%s</td>", static_cast<int>(WorstOf(tally)),
                         Markup(FigureText(tally)));
}

std::string HeadRow(const std::vector<std::string>& titles) {
  std::string row;
  for (const std::string& title : titles) row += Element("th", Markup(title));
  return Element("tr", row) + "\n";
}

std::string TableHtml(const std::string& rows) {
  return absl::StrCat("<div class=wide><table>\n", rows, "</table></div>\n");
}

std::string ValueName(size_t dimension, size_t value) {
  return std::string(Dimensions()[dimension].values[value].name);
}

// The shares of the outcomes.
std::string BarHtml(const Tally& tally) {
  std::string parts;
  for (const Outcome outcome : kOutcomes) {
    if (tally[outcome] == 0) continue;
    absl::StrAppend(&parts, "<i class=o", static_cast<int>(outcome),
                    " style=\"flex:", tally[outcome], "\"></i>");
  }
  return absl::StrCat("<div class=bar>", parts, "</div>");
}

std::string EnginesHtml(const MatrixReport& report) {
  std::string rows = HeadRow(
      {"engine", "cells", "", "held", "failed", "did not hold, not promised", "missing", "time"});
  for (const EngineResults& engine : report.engines) {
    const Tally tally = TallyOf(engine);
    std::string row = Element("td", absl::StrCat(Markup(engine.title), " <code class=faint>",
                                                 Markup(engine.name), "</code>")) +
                      Element("td", WithCommas(tally.cells())) + Element("td", BarHtml(tally));
    for (const Outcome outcome : kOutcomes) {
      const size_t count = tally[outcome];
      absl::StrAppend(
          &row, count == 0 ? "<td>" : absl::StrCat("<td class=o", static_cast<int>(outcome), ">"),
          WithCommas(count), "</td>");
    }
    row += Element("td", tools::SecondsText(engine.seconds));
    rows += Element("tr", row) + "\n";
  }
  return TableHtml(rows);
}

std::string ComparisonHtml(const MatrixReport& report, size_t dimension) {
  std::vector<std::string> titles = {std::string(Dimensions()[dimension].name), "cells"};
  std::vector<std::vector<Tally>> tallies;
  for (const EngineResults& engine : report.engines) {
    titles.push_back(engine.name);
    tallies.push_back(TalliesBy(engine, dimension));
  }
  std::string rows = HeadRow(titles);
  for (const size_t value : ValuesIn(report.engines.front(), dimension)) {
    std::string row = Element("td", Element("code", ValueName(dimension, value))) +
                      Element("td", WithCommas(tallies.front()[value].cells()));
    for (const std::vector<Tally>& engine : tallies) row += FigureHtml(engine[value]);
    rows += Element("tr", row) + "\n";
  }
  return TableHtml(rows);
}

std::string GridHtml(const EngineResults& engine) {
  const std::vector<std::vector<Tally>> grid =
      TalliesBy(engine, kChangeDimension, kMomentDimension);
  const std::vector<size_t> moments = ValuesIn(engine, kMomentDimension);
  std::vector<std::string> titles = {"change"};
  for (const size_t moment : moments) titles.push_back(ValueName(kMomentDimension, moment));
  std::string rows = HeadRow(titles);
  for (const size_t change : ValuesIn(engine, kChangeDimension)) {
    std::string row = Element("td", Element("code", ValueName(kChangeDimension, change)));
    for (const size_t moment : moments) row += FigureHtml(grid[change][moment]);
    rows += Element("tr", row) + "\n";
  }
  return TableHtml(rows);
}

std::string GridsHtml(const MatrixReport& report) {
  std::string html;
  for (const EngineResults& engine : report.engines) {
    absl::StrAppend(&html, "<details", &engine == &report.engines.front() ? " open" : "",
                    "><summary>", Markup(engine.title), "</summary>\n", GridHtml(engine),
                    "</details>\n");
  }
  return html;
}

std::string FailuresHtml(const MatrixReport& report) {
  std::string html;
  for (const EngineResults& engine : report.engines) {
    size_t count = 0;
    for (const CellResult& result : engine.cells) {
      if (result.outcome != Outcome::kFailed || ++count > kFailuresShown) continue;
      absl::StrAppend(&html, "<details><summary>", Markup(engine.title), " <code>",
                      Markup(Name(result.cell)), "</code></summary><div class=body><p>",
                      Markup(Scenario(result.cell)), "</p><pre>", Markup(result.finding),
                      "</pre><pre>", Markup(RerunCommand(report, engine, result.cell)),
                      "</pre></div></details>\n");
    }
    if (count <= kFailuresShown) continue;
    absl::StrAppend(&html, "<p class=faint>", Markup(engine.title), ": the first ", kFailuresShown,
                    " of ", WithCommas(count), ".</p>\n");
  }
  return html.empty() ? "" : "<h2>Failed</h2>\n" + html;
}

std::string VerdictHtml(const MatrixReport& report) {
  const size_t failed = TallyOf(report.engines)[Outcome::kFailed];
  return failed == 0 ? "<span class=\"verdict o0\">Every cell that was promised held</span>"
                     : absl::StrCat("<span class=\"verdict o1\">",
                                    tools::CountText(failed, "promised cell"), " failed</span>");
}

constexpr char kCellsHtml[] = R"html(<h2>Every cell</h2>
<noscript><p>The single cells are shown by this page's own script; <code>firn matrix --json</code>
prints them as text.</p></noscript>
<div id=cells hidden>
<div class=tools><input id=search type=search placeholder="Words of a name: delete half-way storm"
aria-label="Words of a name"><select id=kind aria-label="Outcome"><option value="">any outcome
<option value=1>failed<option value=2>did not hold, not promised<option value=3>missing</select></div>
<div id=hits></div><div id=tree></div></div>
)html";

}  // namespace

std::string HtmlReport(const MatrixReport& report) {
  return absl::StrCat(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width\">"
      "<title>Firn: snapshot-consistency matrix</title>\n<style>",
      kHtmlStyle, "</style></head>\n<body>\n<h1>Snapshot-consistency matrix</h1>\n<p>",
      VerdictHtml(report), "</p>\n<pre>", Markup(report.command), "</pre>\n<p class=faint>",
      Markup(report.made_at), ", Firn ", Markup(report.version), ", ",
      tools::CountText(report.cell_count(), "cell"), " on ",
      tools::CountText(report.engines.size(), "engine"),
      ". A cell asks what a reader shows when somebody writes under its eyes.</p>\n",
      EnginesHtml(report), FailuresHtml(report), "<h2>Side by side</h2>\n",
      "<p class=faint>How many cells held; <b>3!</b> failed, <b>4~</b> did not hold and the engine "
      "does not promise it, <b>-</b> the engine has no such operation.</p>\n",
      ComparisonHtml(report, kChangeDimension), "<h2>By change and moment</h2>\n",
      GridsHtml(report), "<h2>By reader and layout</h2>\n",
      ComparisonHtml(report, kReaderDimension), ComparisonHtml(report, kLayoutDimension),
      kCellsHtml, "<script type=\"application/json\" id=data>", HtmlData(report),
      "</script>\n<script>", kHtmlScript, "</script>\n</body></html>\n");
}

}  // namespace firn::matrix
