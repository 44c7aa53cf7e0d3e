// What clients of a Db did and saw: the record that a Checker judges.
#ifndef FIRN_TOOLS_HISTORY_HISTORY_H_
#define FIRN_TOOLS_HISTORY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "firn/types.h"

namespace firn::history {

// A key by its place in the order of all keys (see Material).
using KeyIndex = uint32_t;
inline constexpr KeyIndex kNoKey = UINT32_MAX;

// The keys [lower, upper).
struct KeySpan {
  KeyIndex lower;
  KeyIndex upper;
};

// No two writes of a run have the same value, so a value that was read names the write.
using ValueId = uint64_t;
inline constexpr ValueId kAbsent = 0;
inline constexpr ValueId kGarbled = UINT64_MAX;  // Bytes that nobody wrote.

enum class Verb : uint8_t {
  kGet,
  kGetPinned,
  kMultiGet,
  kContains,
  kRangeFor,
  kRangeCallback,
  kWalk,
  kGetSnapshot,
  kPut,
  kDelete,
  kWrite,
  kWriteNothing,
  kDeleteRange,
  kClear,
  kCare,
  kLoadOrStore,
  kLazyLoadOrStore,
  kLoadAndDelete,
  kSwap,
  kCompareAndSwap,
  kCompareAndDelete,
};
inline constexpr size_t kVerbs = 21;
const char* VerbName(Verb verb);
// Whether it is a commit with a condition or an answer taken from the state just before it.
bool IsConditional(Verb verb);

// One key as a client saw it.
struct Sighting {
  KeyIndex key;
  // True: its value was `value`. False: it was anything but that (a Contains() that says yes has
  // seen something other than kAbsent).
  bool is = true;
  ValueId value = kAbsent;
  CommitTs commit_ts = {};  // Of the version, if the call tells it.
};

// What a walk has passed over: a key of `covered` that it did not show was not there.
struct Scan {
  KeySpan covered;
  bool forward;
};

// One step of a commit; of several on a key the last counts.
struct WriteStep {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  Kind kind;
  KeySpan keys;  // One key, but for kDeleteRange.
  ValueId value = kAbsent;
};

// One call. Times are read in the order of the fields:
//
//   begin_ns   visible_before   the call   visible_after   end_ns
//
// begin_ns and end_ns come from the system's monotonic clock, which all threads share and which the
// Db has no part in: if one call's end_ns is below another's begin_ns, it had returned before the
// other was made. (A counter that all threads raise would say as much, but raising it is a full
// fence at each end of each call, and would hide what is missing inside. Reading a clock orders
// nothing.) visible_before and visible_after are LatestCommitTs(): the same span in the Db's own
// time, in which reads are judged.
struct Operation {
  Verb verb;
  int64_t begin_ns = 0;
  CommitTs visible_before = {};
  CommitTs visible_after = {};
  int64_t end_ns = 0;

  // The moment of the snapshot or iterator read through; absent: that of a read straight from
  // the Db is not told.
  std::optional<CommitTs> read_ts = {};
  bool takes_view = false;                 // This call has chosen `read_ts`.
  std::optional<CommitTs> commit_ts = {};  // Its own commit.
  std::vector<Sighting> sightings = {};    // Of a scan: in the order shown.
  std::optional<Scan> scan = {};
  std::vector<WriteStep> writes = {};
  std::string failure = {};  // Why the call failed, which none should; "": it did not.
};

// All that one client did since the last phase, in its order.
struct Log {
  uint32_t client = 0;
  uint64_t first_number = 0;  // What the first of `operations` counts as.
  std::vector<Operation> operations = {};
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_HISTORY_H_
