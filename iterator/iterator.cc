#include "firn/iterator.h"

#include <new>
#include <utility>

#include "iterator/snapshot_iterator.h"
#include "mvcc/status.h"

namespace firn {

using internal::SnapshotIterator;

namespace internal {

Iterator SnapshotIterator::Open(VersionedMap* map, SnapshotSlot* slot,
                                const IteratorOptions& options) {
  try {
    std::unique_ptr<SnapshotIterator> impl =
        Make(map, slot, KeyBounds::From(options), options.keys_only, slot == nullptr);
    if (impl == nullptr) return Refused(ClosedError());
    return Iterator(std::move(impl), absl::OkStatus());
  } catch (const std::bad_alloc&) {
    return Refused(OutOfMemoryError("making an iterator"));
  }
}

Iterator SnapshotIterator::Refused(absl::Status status) { return {nullptr, std::move(status)}; }

}  // namespace internal

Iterator::Iterator(std::unique_ptr<SnapshotIterator> impl, absl::Status refused)
    : impl_(std::move(impl)), refused_(std::move(refused)) {}

Iterator::Iterator(Iterator&& other) noexcept
    : at_(std::exchange(other.at_, nullptr)),
      first_ready_(std::exchange(other.first_ready_, nullptr)),
      last_ready_(std::exchange(other.last_ready_, nullptr)),
      impl_(std::move(other.impl_)),
      refused_(std::exchange(other.refused_, absl::OkStatus())) {}

Iterator& Iterator::operator=(Iterator&& other) noexcept {
  if (this == &other) return *this;
  at_ = std::exchange(other.at_, nullptr);
  first_ready_ = std::exchange(other.first_ready_, nullptr);
  last_ready_ = std::exchange(other.last_ready_, nullptr);
  impl_ = std::move(other.impl_);
  refused_ = std::exchange(other.refused_, absl::OkStatus());
  return *this;
}

Iterator::~Iterator() = default;

void Iterator::LandOnFirst(bool found) {
  const internal::ReadyEntry* entries = found ? impl_->window().entries : nullptr;
  first_ready_ = found ? entries + impl_->window().begin : nullptr;
  last_ready_ = found ? entries + impl_->window().end - 1 : nullptr;
  at_ = first_ready_;
}

void Iterator::LandOnLast(bool found) {
  LandOnFirst(found);
  at_ = last_ready_;
}

void Iterator::Seek(std::string_view target) {
  if (impl_ != nullptr) LandOnFirst(impl_->Seek(target));
}
void Iterator::SeekForPrev(std::string_view target) {
  if (impl_ != nullptr) LandOnLast(impl_->SeekForPrev(target));
}
void Iterator::SeekToFirst() {
  if (impl_ != nullptr) LandOnFirst(impl_->SeekToFirst());
}
void Iterator::SeekToLast() {
  if (impl_ != nullptr) LandOnLast(impl_->SeekToLast());
}
void Iterator::MoveForward() {
  if (impl_ != nullptr) LandOnFirst(impl_->MoveForward());
}
void Iterator::MoveBackward() {
  if (impl_ != nullptr) LandOnLast(impl_->MoveBackward());
}

CommitTs Iterator::commit_ts() const {
  const internal::ReadyWindow& window = impl_->window();
  return CommitTs{window.CommitTsOf(static_cast<size_t>(at_ - window.entries))};
}

absl::Status Iterator::status() const {
  if (impl_ != nullptr) return impl_->status();
  return refused_.ok() ? internal::MovedFromError("Iterator") : refused_;
}

absl::Status Iterator::Refresh() {
  if (impl_ == nullptr) return status();
  absl::Status refreshed = impl_->Refresh();
  if (refreshed.ok()) LandOnFirst(false);
  return refreshed;
}

Iterator Iterator::Clone() const {
  if (impl_ == nullptr) return {nullptr, status()};
  try {
    const std::string_view key = Valid() ? this->key() : std::string_view();
    Iterator clone(impl_->Clone(key), absl::OkStatus());
    if (clone.impl_ == nullptr) return {nullptr, internal::ClosedError()};
    clone.LandOnFirst(clone.impl_->position() == SnapshotIterator::Position::kAt);
    return clone;
  } catch (const std::bad_alloc&) {
    return {nullptr, internal::OutOfMemoryError("cloning an iterator")};
  }
}

std::optional<CommitTs> Iterator::read_ts() const {
  const std::optional<uint64_t> ts = impl_ == nullptr ? std::nullopt : impl_->read_ts();
  return ts ? std::optional(CommitTs{*ts}) : std::nullopt;
}

}  // namespace firn
