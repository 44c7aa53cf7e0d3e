#include "firn/snapshot.h"

#include <utility>

#include "engine/pinned_read.h"
#include "engine/range_callback.h"
#include "engine/reads.h"
#include "iterator/snapshot_iterator.h"
#include "mvcc/status.h"

namespace firn {

using internal::SnapshotIterator;
using internal::SnapshotView;

Snapshot::Snapshot(Snapshot&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)),
      slot_(std::exchange(other.slot_, nullptr)),
      ts_(other.ts_),
      refused_(std::exchange(other.refused_, absl::OkStatus())) {}

Snapshot& Snapshot::operator=(Snapshot&& other) noexcept {
  if (this == &other) return *this;
  Release();
  map_ = std::exchange(other.map_, nullptr);
  slot_ = std::exchange(other.slot_, nullptr);
  ts_ = other.ts_;
  refused_ = std::exchange(other.refused_, absl::OkStatus());
  return *this;
}

Snapshot::~Snapshot() { Release(); }

void Snapshot::Release() noexcept {
  if (slot_ != nullptr) map_->DropSnapshot(slot_);
  slot_ = nullptr;
  map_ = nullptr;
}

absl::Status Snapshot::CheckReadable() const {
  if (map_ == nullptr) return refused_.ok() ? internal::MovedFromError("Snapshot") : refused_;
  return map_->closed() ? internal::ClosedError() : absl::OkStatus();
}

absl::Status Snapshot::status() const { return CheckReadable(); }

absl::StatusOr<std::optional<std::string>> Snapshot::Get(std::string_view key) const {
  if (absl::Status status = CheckReadable(); !status.ok()) return status;
  return internal::GetCopy(*map_, key, SnapshotView(ts_.value));
}

absl::StatusOr<bool> Snapshot::Get(std::string_view key, std::string* value) const {
  if (absl::Status status = CheckReadable(); !status.ok()) return status;
  return internal::GetInto(*map_, key, SnapshotView(ts_.value), value);
}

absl::StatusOr<std::optional<PinnedValue>> Snapshot::GetPinned(std::string_view key) const {
  if (absl::Status status = CheckReadable(); !status.ok()) return status;
  return internal::PinKey(*map_, key, SnapshotView(ts_.value));
}

absl::StatusOr<std::vector<std::optional<std::string>>> Snapshot::MultiGet(
    absl::Span<const std::string_view> keys) const {
  std::vector<std::optional<std::string>> values;
  if (absl::Status status = MultiGet(keys, &values); !status.ok()) return status;
  return values;
}

absl::Status Snapshot::MultiGet(absl::Span<const std::string_view> keys,
                                std::vector<std::optional<std::string>>* values) const {
  if (absl::Status status = CheckReadable(); !status.ok()) return status;
  return internal::MultiGetAt(*map_, keys, ts_.value, values);
}

absl::StatusOr<bool> Snapshot::Contains(std::string_view key) const {
  if (absl::Status status = CheckReadable(); !status.ok()) return status;
  return internal::ContainsKey(*map_, key, SnapshotView(ts_.value));
}

Iterator Snapshot::NewIterator(const IteratorOptions& options) const {
  if (absl::Status status = CheckReadable(); !status.ok()) {
    return SnapshotIterator::Refused(std::move(status));
  }
  return SnapshotIterator::Open(map_, slot_, options);
}

EntryRange Snapshot::Range() const { return EntryRange(NewIterator()); }

EntryRange Snapshot::Range(std::string_view lower, std::string_view upper) const {
  return EntryRange(NewIterator({.lower_bound = lower, .upper_bound = upper}));
}

absl::Status Snapshot::Range(
    const IteratorOptions& options,
    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  return internal::VisitRange(NewIterator(options), visit);
}

Snapshot Snapshot::Clone() const {
  if (absl::Status status = CheckReadable(); !status.ok()) return Snapshot(std::move(status));
  map_->ShareSnapshot(slot_);
  return Snapshot(map_, slot_, ts_);
}

}  // namespace firn
