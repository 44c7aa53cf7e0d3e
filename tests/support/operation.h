// What one can ask of a Db, as a value: lists of it are played, compared, shortened and printed.
#ifndef FIRN_TESTS_SUPPORT_OPERATION_H_
#define FIRN_TESTS_SUPPORT_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "firn/types.h"
#include "firn/write_batch.h"
#include "tests/support/oracle.h"

namespace firn::test {

// Handles are named by the place that they are kept in. One put into a place drops what was there.
inline constexpr size_t kSnapshotPlaces = 5;
inline constexpr size_t kIteratorPlaces = 5;
inline constexpr size_t kPinPlaces = 3;

// An Operation makes sense wherever it stands: one that names an empty place says so, and nothing
// depends on an answer given before. So any part of a list is a list.
struct Operation {
  enum class Verb {
    // Commits.
    kPut,
    kDelete,
    kDeleteRange,
    kClear,
    kWrite,
    kLoadOrStore,
    kLoadAndDelete,
    kSwap,
    kCompareAndSwap,
    kCompareAndDelete,
    // Reads: of the snapshot in `snapshot`, else of the newest state.
    kGet,
    kContains,
    kMultiGet,
    kCount,  // Always of the newest state.
    kScan,
    // Handles.
    kTakeSnapshot,
    kCloneSnapshot,
    kReleaseSnapshot,
    kPinValue,
    kShowPin,
    kOpenIterator,
    kCloneIterator,
    kCloseIterator,
    kSeek,
    kSeekForPrev,
    kSeekToFirst,
    kSeekToLast,
    kNext,
    kPrev,
    kRefresh,
    // Care; what it changes is not to be seen.
    kSettle,
    kStep,
    kFlush,
    kCompact,
    kVerify,
    kReopen,  // Drops all handles; a Db that lives in memory stays.
    // The clock of the Db.
    kSetClock,
  };
  // What commit timestamp is asked for.
  enum class Stamp {
    kByClock,
    kNext,      // Three above the newest.
    kFarthest,  // As far ahead as is legal.
    kInPast,    // Refused.
    kInFuture,  // Refused.
  };
  // What a comparison expects.
  enum class Expected { kAbsent, kValue, kCurrent };

  Verb verb = Verb::kPut;
  std::string key = {};  // What a Seek goes to as well.
  std::string value = {};
  Expected expected = Expected::kAbsent;
  std::string expected_value = {};  // With kValue.
  Stamp stamp = Stamp::kByClock;
  bool raised = false;  // As durable as the Db can make it.
  std::vector<Operation> batch = {};
  std::vector<std::string> keys = {};
  Bounds bounds = {};
  bool backward = false;
  size_t place = 0;                     // Of the handle.
  size_t from = 0;                      // Of the handle that is cloned.
  std::optional<size_t> snapshot = {};  // That is read.
  uint64_t clock_nanos = 0;
};

using OperationList = std::vector<Operation>;

bool IsCommit(Operation::Verb verb);
std::ostream& operator<<(std::ostream& out, const Operation& operation);
std::string ToString(const Operation& operation);

// The timestamp that `stamp` stands for, on a Db whose newest commit is `latest`.
std::optional<CommitTs> GivenTs(Operation::Stamp stamp, CommitTs latest, uint64_t now_nanos);
// Adds the puts, deletes and range deletes of `parts`.
void AddTo(WriteBatch& batch, const OperationList& parts);

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_OPERATION_H_
