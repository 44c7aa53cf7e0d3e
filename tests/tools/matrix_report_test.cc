// What the matrix's reports say of results that are made up.
#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/matrix/report/html_report.h"
#include "tools/matrix/report/json_report.h"
#include "tools/matrix/report/junit_report.h"
#include "tools/matrix/report/markdown_report.h"
#include "tools/matrix/report/markup.h"
#include "tools/matrix/report/tally.h"
#include "tools/matrix/report/text_report.h"

namespace firn::matrix {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Looks like an attack on whoever shows it.
constexpr char kNasty[] = "shows <b>&\"'</script>\x1b[2J\xff]]>, must show k";

Cell CellOf(Change change, Moment moment) {
  return {change,
          Position::kNext,
          moment,
          Direction::kForward,
          Layout::kFresh,
          Reader::kIterator,
          Writer::kSameThread,
          Age::kNewest};
}

EngineResults Held(const std::string& name, const std::vector<Cell>& cells) {
  EngineResults engine;
  engine.name = name;
  engine.title = absl::StrCat("The ", name, " engine");
  engine.seconds = 1.5;
  engine.cells.resize(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) engine.cells[i].cell = cells[i];
  return engine;
}

// Two cells of inserts and one of deletes; the first engine held all, the second one of them.
MatrixReport SmallReport() {
  MatrixReport report;
  report.seed = 7;
  report.command = "firn matrix --seed 7";
  report.made_at = "2026-01-02 03:04 UTC";
  report.version = "1.2.3";
  for (const char* name : {"good", "bad-one"}) {
    EngineResults engine;
    engine.name = name;
    engine.title = absl::StrCat("The ", name, " engine");
    engine.seconds = 1.5;
    for (const Cell& cell :
         {CellOf(Change::kInsert, Moment::kBeforeSeek), CellOf(Change::kInsert, Moment::kHalfWay),
          CellOf(Change::kDelete, Moment::kHalfWay)}) {
      engine.cells.push_back({.cell = cell});
    }
    report.engines.push_back(engine);
  }
  std::vector<CellResult>& bad = report.engines[1].cells;
  bad[0].outcome = Outcome::kMissing;
  bad[1].outcome = Outcome::kFailed;
  bad[1].finding = kNasty;
  bad[2].outcome = Outcome::kBroke;
  bad[2].support = Support::kNotPromised;
  bad[2].finding = "is past the end, must show 190";
  return report;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

TEST(Tally, CountsByValue) {
  const EngineResults bad = SmallReport().engines[1];
  EXPECT_EQ(TallyOf(bad).counts, (std::array<size_t, 4>{0, 1, 1, 1}));
  EXPECT_EQ(TallyOf(bad).ran(), 2u);
  const std::vector<Tally> changes = TalliesBy(bad, kChangeDimension);
  EXPECT_EQ(changes[static_cast<size_t>(Change::kInsert)].cells(), 2u);
  EXPECT_EQ(changes[static_cast<size_t>(Change::kDelete)][Outcome::kBroke], 1u);
  const auto grid = TalliesBy(bad, kChangeDimension, kMomentDimension);
  EXPECT_EQ(grid[0][static_cast<size_t>(Moment::kHalfWay)][Outcome::kFailed], 1u);
  EXPECT_THAT(ValuesIn(bad, kChangeDimension), ElementsAre(0u, 1u));
}

TEST(Tally, FiguresTellTheOddFromTheRest) {
  EXPECT_EQ(FigureText({}), "");
  EXPECT_EQ(FigureText({{1200, 0, 0, 5}}), "1,200");
  EXPECT_EQ(FigureText({{0, 0, 0, 5}}), "-");
  EXPECT_EQ(FigureText({{7, 2, 3, 0}}), "7 2! 3~");
  EXPECT_EQ(FigureText({{7, 2, 3, 0}}, FigureDetail::kOddOnly), "2! 3~");
  EXPECT_EQ(FigureText({{7, 0, 0, 0}}, FigureDetail::kOddOnly), "7");
  EXPECT_EQ(WorstOf({{7, 2, 3, 0}}), Outcome::kFailed);
  EXPECT_EQ(WorstOf({{7, 0, 3, 0}}), Outcome::kBroke);
  EXPECT_EQ(WorstOf({{7, 0, 0, 9}}), Outcome::kHeld);
  EXPECT_EQ(WorstOf({{0, 0, 0, 9}}), Outcome::kMissing);
}

TEST(TextReport, ShowsATableForEachEngineAndOneForAll) {
  MatrixReport report = SmallReport();
  for (size_t i : {1, 2}) report.engines[1].cells[i].outcome = Outcome::kHeld;
  EXPECT_EQ(TextReport(report, {}),
            "The good engine (good)\n"
            "        before  half\n"
            "change    seek   way  cells\n"
            "insert       1     1      2\n"
            "delete             1      1\n"
            "3 cells: 3 held, 0 failed. 1.50 s.\n"
            "\n"
            "The bad-one engine (bad-one)\n"
            "        before  half\n"
            "change    seek   way  cells\n"
            "insert       -     1      2\n"
            "delete             1      1\n"
            "3 cells: 2 held, 0 failed, 1 missing (the engine has no such operation). 1.50 s.\n"
            "\n"
            "Side by side\n"
            "                     bad\n"
            "change  cells  good  one\n"
            "insert      2     2    1\n"
            "delete      1     1    1\n"
            "all         3     3    2\n"
            "\n"
            "12  held   -  no such operation\n"
            "Seed 7. Every cell that was promised held.\n");
}

TEST(TextReport, AFailedCellTellsWhatWasSeenAndHowToSeeItAgain) {
  const std::string text = TextReport(SmallReport(), {});
  EXPECT_THAT(text, HasSubstr("FAILED\n  insert/next/half-way/forward/fresh/iterator/same-thread/"
                              "newest\n    Versions lie in fresh deltas; "));
  EXPECT_THAT(text, HasSubstr("\n    Again: firn matrix --engine bad-one --seed 7 --filter "
                              "insert/next/half-way/forward/fresh/iterator/same-thread/newest\n"));
  EXPECT_THAT(text, HasSubstr("Not promised, and did not hold; for example\n  delete/"));
  EXPECT_THAT(text, HasSubstr("1 promised cell FAILED.\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "a finding moves the terminal";
}

TEST(TextReport, OfManyFailuresTheFirstAreShown) {
  MatrixReport report = SmallReport();
  CellResult failed = report.engines[1].cells[1];
  for (EngineResults& engine : report.engines) engine.cells.resize(30, failed);
  EXPECT_THAT(TextReport(report, {}), HasSubstr("  ... and 22 cells more;"));
}

TEST(TextReport, FitsItsTerminal) {
  MatrixReport report;
  for (const char* name :
       {"firn-memory", "firn-disk", "rocksdb", "lmdb", "leveldb", "map", "tbb"}) {
    EngineResults engine = Held(name, Cells(Selection::kStandard));
    for (size_t i = 0; i < engine.cells.size(); i += 5) {
      engine.cells[i].outcome = Outcome::kBroke;
    }
    report.engines.push_back(engine);
  }
  size_t widest = 0;
  for (const size_t columns : {size_t{80}, size_t{120}}) {
    for (const std::string& line : LinesOf(TextReport(report, {.columns = columns}))) {
      // Names and commands stand on one line, to be copied.
      const bool is_name = line.starts_with("  ") && line[2] != ' ';
      if (is_name || line.starts_with("    Again: ")) continue;
      EXPECT_LE(line.size(), columns) << line;
      widest = std::max(widest, line.size());
    }
  }
  EXPECT_GT(widest, 80u) << "a wide terminal is not used";
}

TEST(TextReport, IsColouredOnlyIfAsked) {
  EXPECT_THAT(TextReport(SmallReport(), {.in_colour = true}), HasSubstr("\033[1;31m"));
}

TEST(JsonReport, IsOneObjectALine) {
  std::vector<nlohmann::json> lines;
  JsonReport(SmallReport(),
             [&](std::string_view line) { lines.push_back(nlohmann::json::parse(line)); });
  ASSERT_EQ(lines.size(), 8u);  // Three cells and the counts of each engine.
  EXPECT_EQ(lines[0]["outcome"], "held");
  EXPECT_FALSE(lines[0].contains("seen"));
  EXPECT_EQ(lines[3]["held"], 3);
  EXPECT_EQ(lines[5]["engine"], "bad-one");
  EXPECT_EQ(lines[5]["outcome"], "failed");
  EXPECT_EQ(lines[5]["scenario"], Scenario(CellOf(Change::kInsert, Moment::kHalfWay)));
  EXPECT_THAT(std::string(lines[5]["again"]), HasSubstr("--engine bad-one"));
  EXPECT_EQ(lines[6]["promised"], false);
  EXPECT_EQ(lines[7]["failed"], 1);
}

// Reads XML just well enough to see that it is: every tag is closed, every attribute quoted, no
// character stands where it must be escaped. Gives the names of the elements.
std::vector<std::string> ElementsOfXml(std::string_view xml) {
  std::vector<std::string> names, open;
  const auto is_text = [](std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (text[i] == '<' || text[i] == '>' || (byte < 0x20 && text[i] != '\n')) return false;
      if (text[i] != '&') continue;
      const std::string_view entity = text.substr(i, text.find(';', i) - i);
      if (entity != "&amp" && entity != "&lt" && entity != "&gt" && entity != "&quot" &&
          entity != "&#39") {
        return false;
      }
    }
    return true;
  };
  xml.remove_prefix(xml.find("?>") + 2);
  while (true) {
    const size_t begin = xml.find('<');
    EXPECT_TRUE(is_text(xml.substr(0, begin))) << xml.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const size_t end = xml.find('>', begin);
    std::string_view tag = xml.substr(begin + 1, end - begin - 1);
    xml.remove_prefix(end + 1);
    if (tag.starts_with('/')) {
      EXPECT_TRUE(!open.empty() && open.back() == tag.substr(1)) << tag;
      if (!open.empty()) open.pop_back();
      continue;
    }
    const bool is_empty = tag.ends_with('/');
    if (is_empty) tag.remove_suffix(1);
    const size_t name_end = std::min(tag.find(' '), tag.size());
    names.emplace_back(tag.substr(0, name_end));
    if (!is_empty) open.push_back(names.back());
    tag.remove_prefix(name_end);
    while (!tag.empty()) {  // ' name="value"'
      const size_t quote = tag.find('"');
      const size_t closing = quote == std::string_view::npos ? quote : tag.find('"', quote + 1);
      if (closing == std::string_view::npos) {
        ADD_FAILURE() << tag;
        break;
      }
      EXPECT_TRUE(is_text(tag.substr(quote + 1, closing - quote - 1))) << tag;
      tag.remove_prefix(closing + 1);
    }
  }
  EXPECT_TRUE(open.empty());
  return names;
}

TEST(JunitReport, IsXmlWithACaseForEachCell) {
  const std::string xml = JunitReport(SmallReport());
  EXPECT_THAT(ElementsOfXml(xml), ElementsAre("testsuites", "testsuite", "testcase", "testcase",
                                              "testcase", "testsuite", "testcase", "skipped",
                                              "testcase", "failure", "testcase", "skipped"));
  EXPECT_THAT(xml, HasSubstr("<testsuites name=\"firn matrix\" tests=\"6\" failures=\"1\" "
                             "errors=\"0\" skipped=\"2\" time=\"3.000\">"));
  EXPECT_THAT(xml, HasSubstr("classname=\"bad-one.insert\""));
  EXPECT_THAT(xml, HasSubstr("shows &lt;b&gt;&amp;&quot;&#39;&lt;/script&gt;\\x1b[2J\\xff]]&gt;"));
}

TEST(MarkdownReport, ComparesTheEngines) {
  const std::string text = MarkdownReport(SmallReport());
  EXPECT_THAT(text, HasSubstr("firn matrix --seed 7\n"));
  EXPECT_THAT(text, HasSubstr("| The bad-one engine (`bad-one`) | 3 | 0 | 1 | 1 | 1 | 1.50 s |\n"));
  EXPECT_THAT(text, HasSubstr("| change | cells | good | bad-one |\n|---|---:|---:|---:|\n"
                              "| insert | 2 | 2 | **0 1!** |\n| delete | 1 | 1 | 0 1~ |\n"));
  EXPECT_THAT(text, HasSubstr("again: firn matrix --engine bad-one --seed 7"));
}

// The data in the page, as its script finds it.
nlohmann::json DataOf(const std::string& html) {
  constexpr std::string_view kBegin = "id=data>";
  const size_t begin = html.find(kBegin) + kBegin.size();
  return nlohmann::json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

TEST(HtmlReport, NeedsNothingElse) {
  const std::string html = HtmlReport(SmallReport());
  for (const char* foreign : {"http:", "https:", "src=", "@import", "url(", "<link"}) {
    EXPECT_THAT(html, Not(HasSubstr(foreign)));
  }
  EXPECT_THAT(html, Not(HasSubstr("<b>&\"")));
  EXPECT_THAT(html, HasSubstr("1 promised cell failed"));
  // Failed cells are readable without a script.
  EXPECT_THAT(html, HasSubstr(Markup(Scenario(CellOf(Change::kInsert, Moment::kHalfWay)))));
}

TEST(HtmlReport, ItsDataAreTheCellsAndTheirResults) {
  const MatrixReport report = SmallReport();
  const nlohmann::json data = DataOf(HtmlReport(report));
  const std::string records = data["records"];
  const size_t width = data["width"];
  ASSERT_EQ(records.size(), width * report.cell_count());
  for (size_t i = 0; i < report.cell_count(); ++i) {
    const std::string record = records.substr(i * width, width);
    const auto number = [&](size_t at, size_t digits) {
      return std::stoul(record.substr(at, digits), nullptr, 36);
    };
    std::string name, scenario;
    for (size_t d = 0; d < kDimensions; ++d) {
      absl::StrAppend(&name, d > 0 ? "/" : "", std::string(data["dimensions"][d][number(d, 1)]));
    }
    const size_t engines = report.engines.size();
    for (size_t at = kDimensions + 1 + engines; at < width; at += 3) {
      scenario += data["clauses"][number(at, 3)];
    }
    const Cell& cell = report.engines[0].cells[i].cell;
    EXPECT_EQ(name, Name(cell));
    EXPECT_EQ(scenario, Scenario(cell));
    EXPECT_EQ(data["flags"][number(kDimensions, 1)], RerunFlags(report, cell));
    for (size_t engine = 0; engine < engines; ++engine) {
      EXPECT_EQ(data["outcomes"][number(kDimensions + 1 + engine, 1)],
                OutcomePhrase(report.engines[engine].cells[i].outcome));
    }
  }
  EXPECT_EQ(data["found"][0].size(), 0u);
  EXPECT_EQ(data["found"][1], (nlohmann::json{1, 0, 1, 1}));
  EXPECT_EQ(data["findings"][1], "is past the end, must show 190");
}

TEST(HtmlReport, StaysSmall) {
  MatrixReport report;
  for (int i = 0; i < 7; ++i) {
    report.engines.push_back(Held(absl::StrCat("engine-", i), Cells(Selection::kStandard)));
    if (i < 5) continue;
    EngineResults& engine = report.engines.back();
    for (CellResult& result : engine.cells) {
      result.outcome = Outcome::kBroke;
      result.finding =
          absl::StrCat("of ", engine.name, " in ", Name(result.cell), std::string(200, '.'));
    }
  }
  EXPECT_LT(HtmlReport(report).size(), size_t{8} << 20);
}

TEST(Contract, NamesEveryValueOfEveryDimension) {
  std::ifstream file(FIRN_SOURCE_DIR "/docs/snapshot-contract.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const DimensionText& dimension : Dimensions()) {
    std::vector<std::string> names;
    for (const ValueText& value : dimension.values) names.emplace_back(value.name);
    EXPECT_THAT(page, HasSubstr(absl::StrCat("| `", absl::StrJoin(names, " "), "` |")));
  }
}

}  // namespace
}  // namespace firn::matrix
