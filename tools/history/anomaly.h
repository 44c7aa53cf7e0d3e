// What can be wrong with a history.
#ifndef FIRN_TOOLS_HISTORY_ANOMALY_H_
#define FIRN_TOOLS_HISTORY_ANOMALY_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace firn::history {

enum class AnomalyKind : uint8_t {
  // --- Of one call, whatever the others did.
  kCallFailed,       // A call that none may fail.
  kGarbledValue,     // Bytes that nobody wrote.
  kUnknownKey,       // A key that nobody wrote.
  kScanOutOfOrder,   // Entries that do not ascend (descend).
  kScanOutOfBounds,  // An entry outside of what was asked for.
  // --- Of time.
  kDuplicateTimestamp,  // Two commits at one timestamp.
  kCommitInThePast,     // Not above what could be seen when the call began.
  kReturnedUnseen,      // A commit that nobody could see yet when its call returned.
  kViewInThePast,       // A new view below what could be seen when the call began.
  kViewInTheFuture,     // A new view above what could be seen when the call had returned.
  kTimeWentBack,        // A client saw less than it had seen before.
  kAcknowledgedUnseen,  // A call made after a commit was acknowledged sees less than it.
  kOutOfOrder,          // The same of what another client had seen.
  // --- Of what was seen.
  kStaleRead,          // An older version than the newest at its moment.
  kFutureRead,         // A version that is newer than the moment.
  kLostWrite,          // Nothing, where a value stood.
  kMissedEntry,        // The same, in a scan.
  kDeletedSeen,        // A value that had been deleted.
  kPhantomEntry,       // The same, in a scan.
  kRangeDeleteMissed,  // A value that a range delete had deleted.
  kUnknownVersion,  // A value that no commit left there, unless one that nobody may see any more.
  kWrongCommitTs,   // The right value, said to be of another commit.
  kTornBatch,       // One part of a batch is seen, another is not.
  kNoCommonMoment,  // Each key was so at some time, but never all at once.
  // --- Of conditions.
  kTwoWinners,          // Two calls took the same state of a key.
  kWrongCondition,      // A call took a state that was not the newest one.
  kUnjustifiedRefusal,  // A condition that held all along was said not to.
};
inline constexpr size_t kAnomalyKinds = 27;
const char* AnomalyName(AnomalyKind kind);  // "torn batch"

struct Anomaly {
  AnomalyKind kind;
  std::string text;  // The call, the key, what was seen, and what must have been.
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_ANOMALY_H_
