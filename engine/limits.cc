#include "engine/limits.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/shown_key.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

absl::Status CheckOperation(const WriteBatch::Operation& operation) {
  switch (operation.type) {
    case WriteBatch::OperationType::kPut:
      if (absl::Status status = CheckKey(operation.key); !status.ok()) return status;
      return CheckValue(operation.value);
    case WriteBatch::OperationType::kDelete:
      return CheckKey(operation.key);
    case WriteBatch::OperationType::kDeleteRange:
      return CheckRange(operation.range);
  }
  return absl::OkStatus();
}

absl::Status CheckBetween(absl::string_view option, size_t value, size_t low, size_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return MakeError(ErrorKind::kBadOption,
                   absl::StrCat("TuningOptions::", option, " is ", value, ": choose a value from ",
                                low, " to ", high));
}

}  // namespace

absl::Status CheckKey(std::string_view key) {
  if (key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return MakeError(ErrorKind::kKeyTooLarge,
                   absl::StrCat("the key that begins with ", ShownKey(key), " has ", key.size(),
                                " bytes: use one of at most ", kMaxKeyBytes));
}

absl::Status CheckValue(std::string_view value) {
  if (value.size() <= kMaxValueBytes) return absl::OkStatus();
  return MakeError(ErrorKind::kValueTooLarge,
                   absl::StrCat("a value has ", value.size(),
                                " bytes: store it in parts of at most ", kMaxValueBytes));
}

absl::Status CheckRange(const KeyRange& range) {
  if (!range.lower.has_value() || !range.upper.has_value() || *range.lower <= *range.upper) {
    return absl::OkStatus();
  }
  return MakeError(
      ErrorKind::kCrossedBounds,
      absl::StrCat("the lower bound ", ShownKey(*range.lower), " is above the upper bound ",
                   ShownKey(*range.upper), ": swap them, or leave out the one that was not meant"));
}

absl::Status CheckBatchBytes(size_t byte_count) {
  if (byte_count <= kMaxBatchBytes) return absl::OkStatus();
  return MakeError(
      ErrorKind::kBatchTooLarge,
      absl::StrCat("the batch has ", byte_count,
                   " bytes of keys and values: write it in parts of at most ", kMaxBatchBytes));
}

absl::Status CheckBatch(const WriteBatch& batch) {
  if (absl::Status status = CheckBatchBytes(batch.byte_count()); !status.ok()) return status;
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const absl::Status status = CheckOperation(batch.operation(i));
    if (status.ok()) continue;
    return MakeError(KindOf(status),
                     absl::StrCat("operation ", i, " of the batch: ", status.message()));
  }
  return absl::OkStatus();
}

absl::Status CheckTuning(const TuningOptions& tuning) {
  constexpr size_t kKiB = 1024;
  for (const absl::Status& status :
       {CheckBetween("block_bytes", tuning.block_bytes, 64, kKiB * kKiB),
        CheckBetween("block_entries", tuning.block_entries, 2, 64 * kKiB),
        CheckBetween("delta_slots", tuning.delta_slots, 2, 256),
        CheckBetween("inner_fanout", tuning.inner_fanout, 4, kKiB),
        CheckBetween("large_value_bytes", tuning.large_value_bytes, 16, 64 * kKiB)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckOpenOptions(const Options& options) {
  if (options.durability == Durability::kMemory) {
    return MakeError(ErrorKind::kBadOption,
                     "Options::durability is kMemory, which keeps nothing on disk; use "
                     "Db::OpenInMemory(), or another durability");
  }
  constexpr size_t kKiB = 1024;
  for (const absl::Status& status :
       {CheckTuning(options.tuning), CheckBetween("load_threads", options.load_threads, 0, 256),
        CheckBetween("async_interval_us", options.async_interval_us, 0, 60'000'000),
        CheckBetween("async_queue_bytes", options.async_queue_bytes, kKiB,
                     kKiB * kKiB * kKiB * 16)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace firn::internal
