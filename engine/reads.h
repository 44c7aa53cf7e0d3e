// Point reads, as Db and Snapshot offer them.
#ifndef FIRN_ENGINE_READS_H_
#define FIRN_ENGINE_READS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "firn/snapshot.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/epoch.h"
#include "mvcc/point_read.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// Calls use(const VersionView&) with what `view` (a SnapshotView or LatestView) sees of `key`,
// if that is a value, inside an epoch guard: its bytes last until `use` returns. Returns
// whether there was one.
template <class View, class Use>
bool ReadKey(const VersionedMap& map, std::string_view key, const View& view, const Use& use) {
  const EpochGuard guard;
  const VersionView version = FindVersion(*map.map().FindState(key), key, view);
  if (version.kind == ValueKind::kTombstone) return false;
  use(version);
  return true;
}

template <class View>
absl::StatusOr<std::optional<std::string>> GetCopy(const VersionedMap& map, std::string_view key,
                                                   const View& view) {
  return CatchOutOfMemory("reading a value", [&]() -> absl::StatusOr<std::optional<std::string>> {
    std::optional<std::string> value;
    ReadKey(map, key, view, [&](const VersionView& version) { value.emplace(version.bytes()); });
    return value;
  });
}

template <class View>
absl::StatusOr<bool> GetInto(const VersionedMap& map, std::string_view key, const View& view,
                             std::string* value) {
  return CatchOutOfMemory("reading a value", [&]() -> absl::StatusOr<bool> {
    return ReadKey(map, key, view,
                   [&](const VersionView& version) { value->assign(version.bytes()); });
  });
}

template <class View>
absl::StatusOr<bool> ContainsKey(const VersionedMap& map, std::string_view key, const View& view) {
  return CatchOutOfMemory("reading a key", [&]() -> absl::StatusOr<bool> {
    return ReadKey(map, key, view, [](const VersionView&) {});
  });
}

// All of `keys` at one read timestamp, which the caller has pinned; `*values` is written over.
absl::Status MultiGetAt(const VersionedMap& map, absl::Span<const std::string_view> keys,
                        uint64_t read_ts, std::vector<std::optional<std::string>>* values);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_READS_H_
