#include "engine/reads.h"

#include "mvcc/prefetch.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {

namespace {

// Copies into the string that is there, if one is.
void Assign(const VersionView& version, std::optional<std::string>* value) {
  if (version.kind == ValueKind::kTombstone) {
    value->reset();
  } else if (value->has_value()) {
    (*value)->assign(version.bytes());
  } else {
    value->emplace(version.bytes());
  }
}

}  // namespace

absl::Status MultiGetAt(const VersionedMap& map, absl::Span<const std::string_view> keys,
                        uint64_t read_ts, std::vector<std::optional<std::string>>* values) {
  return CatchOutOfMemory("reading several values", [&]() -> absl::Status {
    // In groups, each step for all keys of a group before the next step: the cache misses of
    // their descents overlap instead of following one another.
    constexpr size_t kGroup = 16;
    values->resize(keys.size());
    const SnapshotView view(read_ts);
    for (size_t begin = 0; begin < keys.size(); begin += kGroup) {
      const size_t count = std::min(kGroup, keys.size() - begin);
      const EpochGuard guard;
      OrderedMap::LeafPlace places[kGroup];
      for (size_t i = 0; i < count; ++i) places[i] = map.map().FindPlace(keys[begin + i]);
      for (size_t i = 0; i < count; ++i) {
        PrefetchLine(places[i].leaf);
        LeafState::PrefetchIndex(places[i].likely_state.data());
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
        Assign(FindVersion(*states[i], key, view), &(*values)[begin + i]);
      }
    }
    return absl::OkStatus();
  });
}

}  // namespace firn::internal
