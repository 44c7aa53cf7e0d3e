#include <utility>

#include "firn/snapshot.h"
#include "mvcc/versioned_map.h"

namespace firn {

PinnedValue::PinnedValue(PinnedValue&& other) noexcept
    : value_(std::exchange(other.value_, {})),
      commit_ts_(std::exchange(other.commit_ts_, {})),
      map_(std::exchange(other.map_, nullptr)),
      hazard_(std::exchange(other.hazard_, nullptr)),
      large_value_(std::exchange(other.large_value_, nullptr)) {}

PinnedValue& PinnedValue::operator=(PinnedValue&& other) noexcept {
  if (this == &other) return *this;
  Release();
  value_ = std::exchange(other.value_, {});
  commit_ts_ = std::exchange(other.commit_ts_, {});
  map_ = std::exchange(other.map_, nullptr);
  hazard_ = std::exchange(other.hazard_, nullptr);
  large_value_ = std::exchange(other.large_value_, nullptr);
  return *this;
}

PinnedValue::~PinnedValue() { Release(); }

void PinnedValue::Release() noexcept {
  if (map_ == nullptr) return;
  if (large_value_ != nullptr) {
    map_->map().DropLarge(static_cast<internal::LargeValue*>(large_value_));
  }
  map_->ReleaseHazard(hazard_);  // Last: it keeps the map.
  map_ = nullptr;
}

}  // namespace firn
