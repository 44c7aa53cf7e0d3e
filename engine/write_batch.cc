#include "firn/write_batch.h"

#include <algorithm>

namespace firn {

void WriteBatch::Put(std::string_view key, std::string_view value) {
  Append({OperationType::kPut, false, false, bytes_.size(), key.size(), value.size()}, key, value);
}

void WriteBatch::Delete(std::string_view key) {
  Append({OperationType::kDelete, false, false, bytes_.size(), key.size(), 0}, key, {});
}

void WriteBatch::DeleteRange(const KeyRange& range) {
  const std::string_view lower = range.lower.value_or(std::string_view());
  const std::string_view upper = range.upper.value_or(std::string_view());
  Append({OperationType::kDeleteRange, range.lower.has_value(), range.upper.has_value(),
          bytes_.size(), lower.size(), upper.size()},
         lower, upper);
}

void WriteBatch::Clear() {
  operations_.clear();
  bytes_.clear();
}

WriteBatch::Operation WriteBatch::operation(size_t index) const {
  const Record& record = operations_[index];
  const std::string_view first(bytes_.data() + record.offset, record.key_size);
  const std::string_view second(first.data() + first.size(), record.value_size);
  Operation operation;  // Not brace-initialised: zeroing it whole would take longer than the rest.
  operation.type = record.type;
  if (record.type != OperationType::kDeleteRange) {
    operation.key = first;
    operation.value = second;
  } else {
    if (record.has_lower) operation.range.lower = first;
    if (record.has_upper) operation.range.upper = second;
  }
  return operation;
}

// Whatever can throw comes before anything changes. `first` and `second` may stand in
// bytes_ itself, so the old bytes live until both are copied.
void WriteBatch::Append(Record record, std::string_view first, std::string_view second) {
  const size_t wanted = bytes_.size() + first.size() + second.size();
  if (wanted <= bytes_.capacity()) {
    operations_.push_back(record);
    bytes_.append(first).append(second);
    return;
  }
  std::string grown;
  grown.reserve(std::max(wanted, 2 * bytes_.capacity()));
  grown.append(bytes_).append(first).append(second);
  operations_.push_back(record);
  bytes_.swap(grown);
}

}  // namespace firn
