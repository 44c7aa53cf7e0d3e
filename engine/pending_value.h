// A value on its way into the map.
#ifndef FIRN_ENGINE_PENDING_VALUE_H_
#define FIRN_ENGINE_PENDING_VALUE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "mvcc/ordered_map.h"

namespace firn::internal {

// A PendingValue is a version's value before it stands in the map. A large one is copied at
// once, before any latch is taken; a small one is a view of the caller's bytes.
class PendingValue {
 public:
  // Absent `value`: a tombstone. Throws std::bad_alloc.
  PendingValue(OrderedMap& map, std::optional<std::string_view> value) : map_(map) {
    if (!value) return;
    view_.kind = ValueKind::kValue;
    view_.data = value->data();
    view_.size = static_cast<uint32_t>(value->size());
    if (value->size() < map.tuning().large_value_bytes) return;
    large_ = LargeValue::Create(*value, &map.large_values());
    view_.kind = ValueKind::kLarge;
    view_.data = reinterpret_cast<const char*>(large_);
    view_.size = 0;
  }
  PendingValue(PendingValue&& other) noexcept
      : map_(other.map_), view_(other.view_), large_(std::exchange(other.large_, nullptr)) {}
  PendingValue& operator=(PendingValue&&) = delete;
  ~PendingValue() {
    if (large_ != nullptr) map_.DropLarge(large_);  // The map has counts of its own.
  }

  const VersionView& view() const { return view_; }

 private:
  OrderedMap& map_;
  VersionView view_;
  LargeValue* large_ = nullptr;
};

inline bool IsValue(const VersionView& version) { return version.kind != ValueKind::kTombstone; }

}  // namespace firn::internal

#endif  // FIRN_ENGINE_PENDING_VALUE_H_
