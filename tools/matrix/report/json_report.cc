#include "tools/matrix/report/json_report.h"

#include <string>

#include "tools/cli/command.h"
#include "tools/matrix/report/tally.h"

namespace firn::matrix {
namespace {

tools::Json CellJson(const MatrixReport& report, const EngineResults& engine,
                     const CellResult& result) {
  tools::Json json = {{"engine", engine.name},
                      {"cell", Name(result.cell)},
                      {"scenario", Scenario(result.cell)},
                      {"promised", result.support == Support::kPromised},
                      {"outcome", OutcomeName(result.outcome)}};
  if (!result.finding.empty()) {
    json["seen"] = result.finding;
    json["again"] = RerunCommand(report, engine, result.cell);
  }
  return json;
}

tools::Json CountsJson(const MatrixReport& report, const EngineResults& engine) {
  const Tally tally = TallyOf(engine);
  tools::Json json = {{"engine", engine.name}, {"title", engine.title}, {"cells", tally.cells()}};
  for (const Outcome outcome : kOutcomes) json[std::string(OutcomeName(outcome))] = tally[outcome];
  json["seconds"] = engine.seconds;
  json["seed"] = report.seed;
  return json;
}

}  // namespace

void JsonReport(const MatrixReport& report, const std::function<void(std::string_view)>& print) {
  for (const EngineResults& engine : report.engines) {
    for (const CellResult& result : engine.cells) {
      print(tools::JsonLine(CellJson(report, engine, result)));
    }
    print(tools::JsonLine(CountsJson(report, engine)));
  }
}

}  // namespace firn::matrix
