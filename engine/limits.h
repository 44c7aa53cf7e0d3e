// Checks of what callers pass in. All limits of the public contract are enforced here.
#ifndef FIRN_ENGINE_LIMITS_H_
#define FIRN_ENGINE_LIMITS_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "firn/options.h"
#include "firn/types.h"
#include "firn/write_batch.h"

namespace firn::internal {

// kKeyTooLarge over kMaxKeyBytes. For keys to be written: any length may be sought.
absl::Status CheckKey(std::string_view key);

// kValueTooLarge over kMaxValueBytes.
absl::Status CheckValue(std::string_view value);

// kCrossedBounds if lower is above upper. Equal bounds are an empty range and legal;
// so is a bound longer than any key, since it is only a place in the order.
absl::Status CheckRange(const KeyRange& range);

// kBatchTooLarge over kMaxBatchBytes, keys and values together.
absl::Status CheckBatchBytes(size_t byte_count);

// Its size and every operation by the checks above.
// The text names the operation by its place in the batch, counted from 0.
absl::Status CheckBatch(const WriteBatch& batch);

// kBadOption outside the ranges that options.h documents; the text names the option.
absl::Status CheckTuning(const TuningOptions& tuning);
// The same for all options of a Db on disk.
absl::Status CheckOpenOptions(const Options& options);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_LIMITS_H_
