// Walks over the whole map that only look: figures, prices, and checks of its structure.
#ifndef FIRN_ENGINE_INSPECT_H_
#define FIRN_ENGINE_INSPECT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "firn/stats.h"
#include "firn/types.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// All of these go leaf by leaf, each in an epoch guard of its own, beside readers and writers.
// They throw std::bad_alloc.

// Key count and bytes are those of one moment, which is pinned meanwhile.
DbStats GatherStats(VersionedMap& versioned);

// Oldest first.
std::vector<SnapshotInfo> PriceSnapshots(VersionedMap& versioned);

struct RangeEstimate {
  uint64_t entries = 0;
  uint64_t bytes = 0;  // Of keys and values; large values count by their pointers.
};
// Looks into the leaves at both ends and into a sample of those between.
RangeEstimate Estimate(const VersionedMap& versioned, const KeyRange& range);

// kInternal names the first broken invariant.
absl::Status VerifyStructure(const VersionedMap& versioned);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_INSPECT_H_
