#include "tests/support/operation_draw.h"

#include <iterator>
#include <utility>

namespace firn::test {
namespace {

using Verb = Operation::Verb;

struct Weighted {
  Verb verb;
  uint64_t weight;
};

// Together 256: a byte of a fuzzer's input names the verb.
constexpr Weighted kVerbs[] = {
    {Verb::kPut, 46},
    {Verb::kDelete, 16},
    {Verb::kDeleteRange, 6},
    {Verb::kClear, 1},
    {Verb::kWrite, 12},
    {Verb::kLoadOrStore, 6},
    {Verb::kLoadAndDelete, 4},
    {Verb::kSwap, 4},
    {Verb::kCompareAndSwap, 8},
    {Verb::kCompareAndDelete, 5},
    {Verb::kGet, 8},
    {Verb::kContains, 2},
    {Verb::kMultiGet, 5},
    {Verb::kCount, 3},
    {Verb::kScan, 10},
    {Verb::kTakeSnapshot, 10},
    {Verb::kCloneSnapshot, 2},
    {Verb::kReleaseSnapshot, 7},
    {Verb::kPinValue, 3},
    {Verb::kShowPin, 4},
    {Verb::kOpenIterator, 12},
    {Verb::kCloneIterator, 4},
    {Verb::kCloseIterator, 4},
    {Verb::kSeek, 9},
    {Verb::kSeekForPrev, 8},
    {Verb::kSeekToFirst, 3},
    {Verb::kSeekToLast, 3},
    {Verb::kNext, 14},
    {Verb::kPrev, 14},
    {Verb::kRefresh, 4},
    {Verb::kSettle, 3},
    {Verb::kStep, 9},
    {Verb::kFlush, 1},
    {Verb::kCompact, 1},
    {Verb::kVerify, 1},
    {Verb::kReopen, 2},
    {Verb::kSetClock, 2},
};

constexpr uint64_t kTotalWeight = [] {
  uint64_t total = 0;
  for (const Weighted& weighted : kVerbs) total += weighted.weight;
  return total;
}();
static_assert(kTotalWeight == 256);

// Of every kind: none, short, outside its block, long.
std::vector<std::string> MakeValues() {
  std::vector<std::string> values = {"", "1", "2", "3", "4", "5", std::string(1, '\0')};
  for (const size_t bytes : {15, 16, 17, 100, 1500, 5000}) {
    values.emplace_back(bytes, static_cast<char>('A' + bytes % 26));
    values.back().back() = '.';
  }
  return values;
}

}  // namespace

OperationDraw::OperationDraw(Choices& choices)
    : choices_(choices), keys_(choices), values_(MakeValues()) {}

Operation OperationDraw::Next() {
  Operation operation;
  operation.verb = DrawVerb();
  DrawWhat(operation);
  if (IsCommit(operation.verb)) DrawCommitOptions(operation);
  return operation;
}

Verb OperationDraw::DrawVerb() {
  uint64_t roll = choices_.Below(kTotalWeight);
  const Weighted* chosen = kVerbs;
  while (roll >= chosen->weight) roll -= (chosen++)->weight;
  return chosen->verb;
}

void OperationDraw::DrawWhat(Operation& operation) {
  const auto draw_snapshot = [&] {
    if (!choices_.OneIn(3)) operation.snapshot = choices_.Below(kSnapshotPlaces);
  };
  switch (operation.verb) {
    case Verb::kPut:
    case Verb::kLoadOrStore:
    case Verb::kSwap:
      operation.key = keys_.Key();
      operation.value = DrawValue();
      break;
    case Verb::kCompareAndSwap:
      operation.key = keys_.Key();
      operation.value = DrawValue();
      DrawExpected(operation);
      break;
    case Verb::kCompareAndDelete:
      operation.key = keys_.Key();
      DrawExpected(operation);
      break;
    case Verb::kDelete:
    case Verb::kLoadAndDelete:
      operation.key = keys_.Key();
      break;
    case Verb::kDeleteRange:
      operation.bounds = keys_.Range();
      if (choices_.Below(16) == 15) std::swap(operation.bounds.lower, operation.bounds.upper);
      break;
    case Verb::kWrite:
      DrawBatch(operation);
      break;
    case Verb::kGet:
    case Verb::kContains:
      operation.key = keys_.Target();
      draw_snapshot();
      break;
    case Verb::kMultiGet:
      for (uint64_t count = choices_.Below(6); count > 0; --count) {
        operation.keys.push_back(keys_.Target());
      }
      draw_snapshot();
      break;
    case Verb::kScan:
      operation.bounds = keys_.AnyBounds();
      operation.backward = choices_.OneIn(2);
      draw_snapshot();
      break;
    case Verb::kTakeSnapshot:
    case Verb::kReleaseSnapshot:
      operation.place = choices_.Below(kSnapshotPlaces);
      break;
    case Verb::kCloneSnapshot:
      operation.place = choices_.Below(kSnapshotPlaces);
      operation.from = choices_.Below(kSnapshotPlaces);
      break;
    case Verb::kPinValue:
      operation.place = choices_.Below(kPinPlaces);
      operation.key = keys_.Key();
      draw_snapshot();
      break;
    case Verb::kShowPin:
      operation.place = choices_.Below(kPinPlaces);
      break;
    case Verb::kOpenIterator:
      operation.place = choices_.Below(kIteratorPlaces);
      operation.bounds = choices_.OneIn(2) ? Bounds() : keys_.AnyBounds();
      draw_snapshot();
      break;
    case Verb::kCloneIterator:
      operation.place = choices_.Below(kIteratorPlaces);
      operation.from = choices_.Below(kIteratorPlaces);
      break;
    case Verb::kSeek:
    case Verb::kSeekForPrev:
      operation.place = choices_.Below(kIteratorPlaces);
      operation.key = keys_.Target();
      break;
    case Verb::kCloseIterator:
    case Verb::kSeekToFirst:
    case Verb::kSeekToLast:
    case Verb::kNext:
    case Verb::kPrev:
    case Verb::kRefresh:
      operation.place = choices_.Below(kIteratorPlaces);
      break;
    case Verb::kCompact:
      operation.bounds = keys_.Range();
      break;
    case Verb::kSetClock:
      // Forward, and now and then far back.
      clock_nanos_ = choices_.OneIn(4) ? clock_nanos_ / 2 : clock_nanos_ + choices_.Below(100'000);
      operation.clock_nanos = clock_nanos_;
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

void OperationDraw::DrawCommitOptions(Operation& operation) {
  using Stamp = Operation::Stamp;
  constexpr Stamp kRare[] = {Stamp::kNext, Stamp::kNext, Stamp::kFarthest, Stamp::kInPast,
                             Stamp::kInFuture};
  const uint64_t roll = choices_.Below(32);
  if (roll >= 32 - std::size(kRare)) operation.stamp = kRare[31 - roll];
  operation.raised = roll == 1;
}

void OperationDraw::DrawBatch(Operation& operation) {
  for (uint64_t count = choices_.Below(choices_.OneIn(8) ? 60 : 8); count > 0; --count) {
    Operation& part = operation.batch.emplace_back();
    switch (choices_.Below(8)) {
      case 0:
      case 1:
        part.verb = Verb::kDelete;
        break;
      case 2:
        part.verb = Verb::kDeleteRange;
        break;
      default:
        part.verb = Verb::kPut;
        break;
    }
    DrawWhat(part);
  }
}

void OperationDraw::DrawExpected(Operation& operation) {
  using Expected = Operation::Expected;
  constexpr Expected kKinds[] = {Expected::kCurrent, Expected::kCurrent, Expected::kValue,
                                 Expected::kAbsent};
  operation.expected = choices_.Pick(kKinds);
  if (operation.expected == Expected::kValue) operation.expected_value = DrawValue();
}

}  // namespace firn::test
