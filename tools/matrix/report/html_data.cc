#include "tools/matrix/report/html_data.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <vector>

#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "tools/cli/escape.h"
#include "tools/matrix/report/tally.h"

namespace firn::matrix {
namespace {

using Json = nlohmann::ordered_json;

// Different findings are kept up to so many bytes: a page is to open at once.
constexpr size_t kFindingBytes = size_t{3} << 20;
constexpr char kLeftOut[] = "(left out of this page for its size; the command below shows it)";

constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr size_t kBase = 36;

// Gives different texts numbers, in the order in which they come.
class Texts {
 public:
  size_t NumberOf(const std::string& text) {
    const auto [entry, is_new] = numbers_.try_emplace(text, texts_.size());
    if (is_new) {
      texts_.push_back(text);
      byte_count_ += text.size();
    }
    return entry->second;
  }
  size_t byte_count() const { return byte_count_; }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, size_t> numbers_;
  std::vector<std::string> texts_;
  size_t byte_count_ = 0;
};

// "a; b, c. d." -> "a; ", "b, c. ", "d."
std::vector<std::string> ClausesOf(const std::string& scenario) {
  std::vector<std::string> clauses(1);
  for (size_t i = 0; i < scenario.size(); ++i) {
    clauses.back() += scenario[i];
    const bool ends =
        scenario[i] == ' ' && i > 0 && (scenario[i - 1] == ';' || scenario[i - 1] == '.');
    if (ends) clauses.emplace_back();
  }
  return clauses;
}

std::string ThreeDigits(size_t number) {
  return {kDigits[number / kBase / kBase % kBase], kDigits[number / kBase % kBase],
          kDigits[number % kBase]};
}

class Packer {
 public:
  explicit Packer(const MatrixReport& report) : report_(report) {
    clauses_.NumberOf("");
    for (const CellResult& result : report.engines.front().cells) {
      clause_count_ = std::max(clause_count_, ClausesOf(Scenario(result.cell)).size());
    }
  }

  Json Pack() {
    std::string records;
    for (size_t i = 0; i < report_.cell_count(); ++i) records += RecordOf(i);
    Json found = Json::array();
    for (const EngineResults& engine : report_.engines) found.push_back(FoundBy(engine));
    return {{"engines", Engines()},
            {"dimensions", DimensionNames()},
            {"outcomes", Outcomes()},
            {"flags", flags_.texts()},
            {"clauses", clauses_.texts()},
            {"width", kDimensions + 1 + report_.engines.size() + clause_count_ * 3},
            {"records", records},
            {"findings", findings_.texts()},
            {"found", found}};
  }

 private:
  std::string RecordOf(size_t index) {
    const Cell& cell = report_.engines.front().cells[index].cell;
    std::string record;
    for (const uint8_t value : cell.coordinates()) record += kDigits[value];
    record += kDigits[flags_.NumberOf(RerunFlags(report_, cell))];
    for (const EngineResults& engine : report_.engines) {
      record += kDigits[static_cast<size_t>(engine.cells[index].outcome)];
    }
    std::vector<std::string> clauses = ClausesOf(Scenario(cell));
    clauses.resize(clause_count_);
    for (const std::string& clause : clauses) record += ThreeDigits(clauses_.NumberOf(clause));
    return record;
  }

  Json FoundBy(const EngineResults& engine) {
    Json found = Json::array();
    size_t last = 0;
    for (size_t i = 0; i < engine.cells.size(); ++i) {
      const std::string& finding = engine.cells[i].finding;
      if (finding.empty()) continue;
      const bool fits = findings_.byte_count() + finding.size() <= kFindingBytes;
      found.push_back(i - last);
      found.push_back(findings_.NumberOf(fits ? tools::Escaped(finding) : kLeftOut));
      last = i;
    }
    return found;
  }

  Json Engines() const {
    Json engines = Json::array();
    for (const EngineResults& engine : report_.engines) {
      engines.push_back({engine.name, engine.title});
    }
    return engines;
  }

  static Json DimensionNames() {
    Json names = Json::array();
    for (const DimensionText& dimension : Dimensions()) {
      Json values = Json::array();
      for (const ValueText& value : dimension.values) values.push_back(value.name);
      names.push_back(values);
    }
    return names;
  }

  static Json Outcomes() {
    Json outcomes = Json::array();
    for (const Outcome outcome : kOutcomes) outcomes.push_back(OutcomePhrase(outcome));
    return outcomes;
  }

  const MatrixReport& report_;
  size_t clause_count_ = 0;
  Texts clauses_, flags_, findings_;
};

}  // namespace

std::string HtmlData(const MatrixReport& report) {
  const std::string json =
      Packer(report).Pack().dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  // Nothing in it ends the script.
  return absl::StrReplaceAll(json, {{"<", "\\u003c"}});
}

}  // namespace firn::matrix
