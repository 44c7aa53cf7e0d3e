#include "tests/support/operation.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace firn::test {
namespace {

using Verb = Operation::Verb;
using Stamp = Operation::Stamp;

// In the order of Verb.
constexpr const char* kVerbNames[] = {"Put",
                                      "Delete",
                                      "DeleteRange",
                                      "Clear",
                                      "Write",
                                      "LoadOrStore",
                                      "LoadAndDelete",
                                      "Swap",
                                      "CompareAndSwap",
                                      "CompareAndDelete",
                                      "Get",
                                      "Contains",
                                      "MultiGet",
                                      "Count",
                                      "Scan",
                                      "TakeSnapshot",
                                      "CloneSnapshot",
                                      "ReleaseSnapshot",
                                      "PinValue",
                                      "ShowPin",
                                      "OpenIterator",
                                      "CloneIterator",
                                      "CloseIterator",
                                      "Seek",
                                      "SeekForPrev",
                                      "SeekToFirst",
                                      "SeekToLast",
                                      "Next",
                                      "Prev",
                                      "Refresh",
                                      "Settle",
                                      "Step",
                                      "Flush",
                                      "Compact",
                                      "Verify",
                                      "Reopen",
                                      "SetClock"};
static_assert(std::size(kVerbNames) == static_cast<size_t>(Verb::kSetClock) + 1);

// In the order of Stamp.
constexpr const char* kStampNames[] = {"by clock", "next", "farthest", "in the past",
                                       "in the future"};
static_assert(std::size(kStampNames) == static_cast<size_t>(Stamp::kInFuture) + 1);

void PrintExpected(std::ostream& out, const Operation& operation) {
  out << " if ";
  switch (operation.expected) {
    case Operation::Expected::kAbsent:
      out << "absent";
      break;
    case Operation::Expected::kValue:
      out << Printable(operation.expected_value);
      break;
    case Operation::Expected::kCurrent:
      out << "as it is";
      break;
  }
}

void PrintWhat(std::ostream& out, const Operation& operation) {
  switch (operation.verb) {
    case Verb::kPut:
    case Verb::kLoadOrStore:
    case Verb::kSwap:
      out << ' ' << Printable(operation.key) << '=' << Printable(operation.value);
      break;
    case Verb::kCompareAndSwap:
      out << ' ' << Printable(operation.key) << '=' << Printable(operation.value);
      PrintExpected(out, operation);
      break;
    case Verb::kCompareAndDelete:
      out << ' ' << Printable(operation.key);
      PrintExpected(out, operation);
      break;
    case Verb::kDelete:
    case Verb::kLoadAndDelete:
    case Verb::kGet:
    case Verb::kContains:
      out << ' ' << Printable(operation.key);
      break;
    case Verb::kWrite:
      for (const Operation& part : operation.batch) out << " {" << part << '}';
      break;
    case Verb::kMultiGet:
      for (const std::string& key : operation.keys) out << ' ' << Printable(key);
      break;
    case Verb::kDeleteRange:
    case Verb::kCompact:
      out << ' ' << operation.bounds;
      break;
    case Verb::kScan:
      out << ' ' << operation.bounds << (operation.backward ? " backward" : " forward");
      break;
    case Verb::kTakeSnapshot:
    case Verb::kReleaseSnapshot:
      out << " S" << operation.place;
      break;
    case Verb::kCloneSnapshot:
      out << " S" << operation.place << " of S" << operation.from;
      break;
    case Verb::kPinValue:
      out << " P" << operation.place << ' ' << Printable(operation.key);
      break;
    case Verb::kShowPin:
      out << " P" << operation.place;
      break;
    case Verb::kOpenIterator:
      out << " I" << operation.place << ' ' << operation.bounds;
      break;
    case Verb::kCloneIterator:
      out << " I" << operation.place << " of I" << operation.from;
      break;
    case Verb::kSeek:
    case Verb::kSeekForPrev:
      out << " I" << operation.place << ' ' << Printable(operation.key);
      break;
    case Verb::kCloseIterator:
    case Verb::kSeekToFirst:
    case Verb::kSeekToLast:
    case Verb::kNext:
    case Verb::kPrev:
    case Verb::kRefresh:
      out << " I" << operation.place;
      break;
    case Verb::kSetClock:
      out << ' ' << operation.clock_nanos;
      break;
    case Verb::kClear:
    case Verb::kCount:
    case Verb::kSettle:
    case Verb::kStep:
    case Verb::kFlush:
    case Verb::kVerify:
    case Verb::kReopen:
      break;
  }
}

}  // namespace

bool IsCommit(Verb verb) { return verb <= Verb::kCompareAndDelete; }

std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  out << kVerbNames[static_cast<size_t>(operation.verb)];
  PrintWhat(out, operation);
  if (operation.snapshot) out << " of S" << *operation.snapshot;
  if (operation.stamp != Stamp::kByClock) {
    out << ", stamped " << kStampNames[static_cast<size_t>(operation.stamp)];
  }
  if (operation.raised) out << ", raised";
  return out;
}

std::string ToString(const Operation& operation) {
  std::ostringstream text;
  text << operation;
  return text.str();
}

std::optional<CommitTs> GivenTs(Stamp stamp, CommitTs latest, uint64_t now_nanos) {
  constexpr uint64_t kSecond = 1'000'000'000;
  const uint64_t last_or_now = std::max(latest.value, now_nanos);
  switch (stamp) {
    case Stamp::kByClock:
      return std::nullopt;
    case Stamp::kNext:
      return CommitTs{latest.value + 3};
    case Stamp::kFarthest:
      return CommitTs{last_or_now + kSecond};
    case Stamp::kInPast:
      return latest;
    case Stamp::kInFuture:
      return CommitTs{last_or_now + kSecond + 1};
  }
  return std::nullopt;
}

void AddTo(WriteBatch& batch, const OperationList& parts) {
  for (const Operation& part : parts) {
    if (part.verb == Verb::kDelete) {
      batch.Delete(part.key);
    } else if (part.verb == Verb::kDeleteRange) {
      batch.DeleteRange(part.bounds.range());
    } else {
      batch.Put(part.key, part.value);
    }
  }
}

}  // namespace firn::test
