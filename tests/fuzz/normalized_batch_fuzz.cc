// A batch does the same to every state before and after it is put in order.
#include <map>
#include <optional>
#include <string>

#include "engine/normalized_batch.h"
#include "firn/write_batch.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/choices.h"

namespace firn::test {
namespace {

using internal::NormalizedBatch;
using State = std::map<std::string, std::string, std::less<>>;

std::string DrawKey(ByteChoices& choices) {
  constexpr char kLetters[] = {'\0', 'a', 'b', '\x7f', '\x80', '\xff'};
  // Beyond eight bytes keys that sort alike by their heads differ only behind them.
  std::string key(choices.Below(4) == 3 ? 9 : 0, 'a');
  for (uint64_t bytes = choices.Below(4); bytes > 0; --bytes) key += choices.Pick(kLetters);
  return key;
}

void EraseRange(const KeyRange& range, State& state) {
  const auto begin = range.lower ? state.lower_bound(*range.lower) : state.begin();
  const auto end = range.upper ? state.lower_bound(*range.upper) : state.end();
  state.erase(begin, end);
}

void ApplyAsWritten(const WriteBatch& batch, State& state) {
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const WriteBatch::Operation operation = batch.operation(i);
    switch (operation.type) {
      case WriteBatch::OperationType::kPut:
        state[std::string(operation.key)] = operation.value;
        break;
      case WriteBatch::OperationType::kDelete:
        state.erase(std::string(operation.key));
        break;
      case WriteBatch::OperationType::kDeleteRange:
        EraseRange(operation.range, state);
        break;
    }
  }
}

void ApplyNormalized(const NormalizedBatch& batch, State& state) {
  for (const KeyRange& range : batch.ranges) EraseRange(range, state);
  for (const NormalizedBatch::PointOp& point : batch.points) {
    if (point.value) {
      state[std::string(point.key)] = *point.value;
    } else {
      state.erase(std::string(point.key));
    }
  }
}

WriteBatch DrawBatch(ByteChoices& choices) {
  WriteBatch batch;
  for (uint64_t number = 0; !choices.empty(); ++number) {
    std::string key = DrawKey(choices);
    switch (choices.Below(4)) {
      case 0:
        batch.Delete(key);
        break;
      case 1: {
        std::string upper = DrawKey(choices);
        if (key > upper) key.swap(upper);
        KeyRange range;
        if (choices.Below(8) != 7) range.lower = key;
        if (choices.Below(8) != 7) range.upper = upper;
        batch.DeleteRange(range);
        break;
      }
      default:
        batch.Put(key, std::to_string(number));
        break;
    }
  }
  return batch;
}

void CheckOrder(const NormalizedBatch& batch) {
  for (size_t i = 1; i < batch.points.size(); ++i) {
    FIRN_CHECK(batch.points[i - 1].key < batch.points[i].key);
  }
  for (size_t i = 0; i < batch.ranges.size(); ++i) {
    const KeyRange& range = batch.ranges[i];
    FIRN_CHECK(!range.upper || range.lower.value_or("") < *range.upper);
    if (i == 0) continue;
    const KeyRange& before = batch.ranges[i - 1];
    FIRN_CHECK(before.upper && range.lower && *before.upper < *range.lower);
  }
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  ByteChoices choices(BytesOf(data, size));
  State before;
  for (uint64_t count = choices.Below(16); count > 0; --count) before[DrawKey(choices)] = "old";
  const firn::WriteBatch batch = DrawBatch(choices);
  const NormalizedBatch normalized = firn::internal::Normalize(batch);
  CheckOrder(normalized);
  State wanted = before;
  ApplyAsWritten(batch, wanted);
  State got = before;
  ApplyNormalized(normalized, got);
  FIRN_CHECK(got == wanted);
  return 0;
}
