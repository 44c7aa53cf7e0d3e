// Reads that show a value in place.
#ifndef FIRN_ENGINE_PINNED_READ_H_
#define FIRN_ENGINE_PINNED_READ_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "firn/snapshot.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/epoch.h"
#include "mvcc/point_read.h"
#include "mvcc/status.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// Makes PinnedValues.
class PinnedValueMaker {
 public:
  static PinnedValue Make(VersionedMap* map, HazardSlot* hazard, const VersionView& version) {
    PinnedValue pinned;
    pinned.map_ = map;
    pinned.hazard_ = hazard;
    pinned.commit_ts_ = CommitTs{version.commit_ts};
    pinned.value_ = version.bytes();
    if (version.kind == ValueKind::kLarge) pinned.large_value_ = version.large();
    return pinned;
  }
};

// What `view` sees of `key`, in place: a hazard slot keeps its leaf, a count its large value.
template <class View>
absl::StatusOr<std::optional<PinnedValue>> PinKey(VersionedMap& map, std::string_view key,
                                                  const View& view) {
  using Answer = std::optional<PinnedValue>;
  return CatchOutOfMemory("pinning a value", [&]() -> absl::StatusOr<Answer> {
    const EpochGuard guard;
    while (true) {  // Again only if a newer version took the place of a large one meanwhile.
      const LeafState* state = map.map().FindState(key);
      const VersionView version = FindVersion(*state, key, view);
      if (version.kind == ValueKind::kTombstone) return Answer();
      const bool large = version.kind == ValueKind::kLarge;
      if (large && !version.large()->TryAddRef()) continue;
      HazardSlot* hazard;
      try {
        hazard = map.ClaimHazard();
      } catch (...) {
        if (large) map.map().DropLarge(version.large());
        throw;
      }
      if (hazard == nullptr) {
        if (large) map.map().DropLarge(version.large());
        return ClosedError();
      }
      // A large value needs no leaf.
      if (!large) map.map().hazards().Protect(hazard, &state->retired);
      return Answer(PinnedValueMaker::Make(&map, hazard, version));
    }
  });
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_PINNED_READ_H_
