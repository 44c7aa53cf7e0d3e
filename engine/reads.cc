#include "engine/reads.h"

#include "mvcc/schedule_point.h"

namespace firn::internal {

absl::StatusOr<std::vector<std::optional<std::string>>> MultiGetAt(
    const VersionedMap& map, absl::Span<const std::string_view> keys, uint64_t read_ts) {
  using Values = std::vector<std::optional<std::string>>;
  return CatchOutOfMemory("reading several values", [&]() -> absl::StatusOr<Values> {
    // In groups, each step for all keys of a group before the next step: the cache misses of
    // their descents overlap instead of following one another.
    constexpr size_t kGroup = 16;
    Values values(keys.size());
    const SnapshotView view(read_ts);
    for (size_t begin = 0; begin < keys.size(); begin += kGroup) {
      const size_t count = std::min(kGroup, keys.size() - begin);
      const EpochGuard guard;
      OrderedMap::LeafPlace places[kGroup];
      for (size_t i = 0; i < count; ++i) places[i] = map.map().FindPlace(keys[begin + i]);
      for (size_t i = 0; i < count; ++i) {
        __builtin_prefetch(places[i].leaf);
        LeafState::PrefetchIndex(places[i].likely_state);
      }
      AtSchedulePoint("map:found_leaf");
      const LeafState* states[kGroup];
      for (size_t i = 0; i < count; ++i) {
        const std::string_view key = keys[begin + i];
        states[i] = places[i].leaf->state.Load();
        if (!states[i]->BelowUpper(key)) states[i] = map.map().FindState(key);
        if (states[i]->block()->count() != 0) states[i]->block()->PrefetchRecord(key);
      }
      for (size_t i = 0; i < count; ++i) {
        const std::string_view key = keys[begin + i];
        const VersionView version = FindVersion(*states[i], key, view);
        if (version.kind != ValueKind::kTombstone) values[begin + i].emplace(version.bytes());
      }
    }
    return values;
  });
}

}  // namespace firn::internal
