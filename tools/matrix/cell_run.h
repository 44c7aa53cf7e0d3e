// One cell, run on one engine.
#ifndef FIRN_TOOLS_MATRIX_CELL_RUN_H_
#define FIRN_TOOLS_MATRIX_CELL_RUN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tools/matrix/cell.h"
#include "tools/matrix/cell_plan.h"
#include "tools/matrix/engine.h"
#include "tools/matrix/reference.h"
#include "tools/matrix/writer_crew.h"

namespace firn::matrix {

// A CellRun plays a cell's scenario on an engine and beside it on sorted maps, and compares after
// every step.
//
// Thread-safety: one thread at a time; it has the crew to itself.
class CellRun {
 public:
  // `prefix`: see CellPlan.
  CellRun(const Cell& cell, std::string prefix, uint64_t seed, Engine* engine, WriterCrew* crew);

  // Brings the engine to where the cell begins; a reopening layout wants a Reopen() after it.
  absl::Status Prepare();
  // Empty if everything was as it must be; else what was not, after which steps.
  std::string Run();
  // Deletes the cell's keys.
  absl::Status Erase();

 private:
  // A moment that was taken, and what must be seen there.
  struct Held {
    std::unique_ptr<View> view;
    State state;  // One that was taken in a storm: what was read from it at first.
  };

  // The ways to read.
  void RunIterator();
  void RunLoop();
  void LoopOnce(View& view, const Entries& right, bool changes);
  void RunPointReads();
  void ReadPoints(View& view);

  // Between the steps of a reader.
  void MakeChange();
  void ChangeAndFollow();
  void PileUpVersions();
  void CheckLayout();
  void BeginStorm();
  void Weather(size_t thread);
  absl::Status ApplyInStorm(const Commit& commit);
  absl::Status ReshapeInStorm();
  void EndStorm();
  void CheckPair();
  void CheckHeld();

  // Writers' parts: the engine, and the map beside it.
  void Apply(const Commit& commit);
  void TryWrongSwap(const std::string& key, const std::optional<std::string>& value);
  absl::Status ApplyToEngine(const Commit& commit, const std::optional<std::string>& expected);
  void ApplyChange();
  void Settle();
  void Hold();

  // A walk: each step is done by the engine's cursor and the reference, and compared.
  void Seek();
  void SeekToStart();
  void StepOn();
  void StepBack();
  void WalkOn();
  void Walk();
  void WalkAllUntilStormEnds();
  void Compare();

  State ReadAll(View& view);
  void CheckPinned(const std::string& key, const absl::StatusOr<std::optional<Pin>>& pin);
  void CheckValue(const std::string& key, const std::optional<std::string>& found);
  void CheckEntries(std::string_view what, View& view, const State& right);
  void Fail(std::string_view what);
  bool failed() const { return !failure_.empty(); }
  void Trace(std::string_view step);
  void CheckOk(std::string_view doing, const absl::Status& status);
  bool AtChangedKey() const;

  const Cell cell_;
  const CellPlan plan_;
  const uint64_t seed_;
  Engine& engine_;
  WriterCrew& crew_;
  const bool backward_;
  const bool steps_back_from_ends_;

  State state_;  // What the engine holds; unknown during and after a storm.
  State frozen_;
  std::vector<Held> held_;
  std::optional<Work> work_before_;
  bool storm_ = false;
  std::function<void(size_t)> weather_;
  std::vector<absl::Status> storm_status_;
  bool turned_ = false;

  std::unique_ptr<Cursor> cursor_;
  ReferenceCursor reference_{{}};
  std::vector<std::pair<std::string, int>> trace_;  // The steps, and how often in a row.
  std::string failure_;
};

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_CELL_RUN_H_
