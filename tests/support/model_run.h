// One random history of a Db, compared with the oracle at every step.
#ifndef FIRN_TESTS_SUPPORT_MODEL_RUN_H_
#define FIRN_TESTS_SUPPORT_MODEL_RUN_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firn/db.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/key_pool.h"
#include "tests/support/manual_clock.h"
#include "tests/support/oracle.h"
#include "tests/support/random.h"

namespace firn::test {

// A ModelRun drives one Db through operations drawn from a seed. Everything it holds on
// to (snapshots, iterators left half way, pinned values) is compared again after later
// commits, freezes, splits, merges and prunes. Differences are GoogleTest failures.
class ModelRun {
 public:
  explicit ModelRun(uint64_t seed);
  ~ModelRun();

  // Options and the latest operations, for whoever has to understand a failure.
  std::string Description() const;

  // One random operation, and the checks that follow each.
  void Step();
  // Every snapshot, iterator and pinned value, and the structure of the map.
  void CheckEverything();
  // Lets go of everything, deletes all keys, and expects nothing to remain.
  void CheckThatNothingStays();

 private:
  struct HeldSnapshot {
    Snapshot snapshot;
    CommitTs ts;
  };
  struct HeldCursor {
    CheckingCursor cursor;
    OracleCursor expected;
  };
  struct HeldValue {
    PinnedValue pinned;
    Entry expected;
  };

  // --- Random material.
  std::string RandomValue();
  KeyRange RandomRange();
  WriteOptions RandomWriteOptions();

  // --- Operations.
  void Put();
  void Delete();
  void DeleteRange();
  void Clear();
  void WriteBatchOfMany();
  void WriteInThePast();
  void LoadOrStore();
  void LoadOrStoreLazily();
  void LoadAndDelete();
  void Swap();
  void CompareAndSwap();
  void CompareAndDelete();
  void TakeSnapshot();
  void CloneSnapshot();
  void ReleaseSnapshot();
  void OpenCursor();
  void CloneCursor();
  void MoveCursor();
  void RefreshCursor();
  void CloseCursor();
  void PinValue();
  void MoveClock();
  void Settle();
  void StepBackgroundWork();

  // --- Checks.
  void Committed(const absl::StatusOr<CommitTs>& committed, const WriteOptions& options);
  void CheckLiveState();
  void CheckSnapshot(const HeldSnapshot& held);
  void CheckCursor(HeldCursor& held);
  void CheckPosition(const CheckingCursor& cursor, const OracleCursor& expected);
  void CheckStatsAfterSettle();
  void MoveBoth(CheckingCursor& cursor, OracleCursor& expected);
  // A value that the key probably has.
  std::optional<std::string> LikelyValue(const std::string& key);
  // The moments that something still reads at, once per pin.
  std::multiset<CommitTs> Pins() const;
  void Trace(const char* operation, const std::string& detail = {});

  Random random_;
  ManualClock clock_;
  Options options_;
  KeyPool keys_;
  size_t largest_value_bytes_;
  DbStats empty_stats_;

  Oracle oracle_;
  CommitTs latest_;
  std::unique_ptr<Db> db_;
  std::vector<HeldSnapshot> snapshots_;
  std::vector<HeldCursor> cursors_;
  std::vector<HeldValue> values_;
  std::deque<std::string> trace_;
  Bounds range_;  // What RandomRange() returns views of.
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_MODEL_RUN_H_
