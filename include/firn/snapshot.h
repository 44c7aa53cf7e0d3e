// A Snapshot is a frozen moment of a Db.
#ifndef FIRN_SNAPSHOT_H_
#define FIRN_SNAPSHOT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "firn/export.h"
#include "firn/iterator.h"
#include "firn/options.h"
#include "firn/types.h"

namespace firn {

namespace internal {
class DbImpl;
class PinnedValueMaker;
class VersionedMap;
struct HazardSlot;
struct SnapshotSlot;
}  // namespace internal

// A PinnedValue shows a value in place, without a copy.
//
// Thread-safety: one thread at a time.
// Lifetime: the view lasts as long as this handle, whatever happens to the Db.
//     Holds the one leaf (or large value) that the value stands in.
// Errors: a moved-from or default one shows "".
class FIRN_EXPORT PinnedValue {
 public:
  PinnedValue() = default;
  PinnedValue(PinnedValue&& other) noexcept;
  PinnedValue& operator=(PinnedValue&& other) noexcept;
  ~PinnedValue();

  std::string_view view() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return value_; }
  CommitTs commit_ts() const { return commit_ts_; }

 private:
  friend class internal::PinnedValueMaker;
  void Release() noexcept;

  std::string_view value_;
  CommitTs commit_ts_;
  internal::VersionedMap* map_ = nullptr;  // Null when default or moved from.
  internal::HazardSlot* hazard_ = nullptr;
  void* large_value_ = nullptr;  // Counted, if the value is a large one.
};

// A Snapshot reads exactly the commits with commit_ts <= ts(), whatever happens meanwhile.
//
// Thread-safety: const methods from any number of threads at once.
// Lifetime: independent of the Db object, which may be closed or destroyed first.
//     Holding one keeps, of every key, the version it sees; Db::LiveSnapshots() tells
//     the price. It slows neither writers nor other readers.
// Errors: reads answer kFailedPrecondition after Db::Close() and on a moved-from handle.
//     A refused GetSnapshot() gives a handle whose status() says why.
class FIRN_EXPORT Snapshot {
 public:
  Snapshot(Snapshot&& other) noexcept;
  Snapshot& operator=(Snapshot&& other) noexcept;
  ~Snapshot();

  absl::Status status() const;
  CommitTs ts() const { return ts_; }

  // A missing key is std::nullopt.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const;
  // Copies the value into `*value` and returns true, or returns false and leaves it.
  absl::StatusOr<bool> Get(std::string_view key, std::string* value) const;
  absl::StatusOr<std::optional<PinnedValue>> GetPinned(std::string_view key) const;
  // Answers stand in the order of `keys`.
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys) const;
  // The same into `*values`, whose strings are written over: who asks again and again allocates
  // little. After an error some of the answers may stand there.
  absl::Status MultiGet(absl::Span<const std::string_view> keys,
                        std::vector<std::optional<std::string>>* values) const;
  absl::StatusOr<bool> Contains(std::string_view key) const;

  Iterator NewIterator(const IteratorOptions& options = {}) const;
  // Every entry with lower <= key < upper; without bounds, every entry.
  EntryRange Range() const;
  EntryRange Range(std::string_view lower, std::string_view upper) const;
  // Calls `visit` for each entry within the options' bounds, in order, until it returns
  // false. An exception from `visit` ends the walk as kAborted.
  absl::Status Range(
      const IteratorOptions& options,
      absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) const;

  // Another handle on the same snapshot: the pin ends with the last of them.
  Snapshot Clone() const;

 private:
  friend class internal::DbImpl;
  Snapshot(internal::VersionedMap* map, internal::SnapshotSlot* slot, CommitTs ts)
      : map_(map), slot_(slot), ts_(ts) {}
  explicit Snapshot(absl::Status refused) : refused_(std::move(refused)) {}
  // OK if reads may go on.
  absl::Status CheckReadable() const;
  void Release() noexcept;

  internal::VersionedMap* map_ = nullptr;   // Null when refused or moved from.
  internal::SnapshotSlot* slot_ = nullptr;  // Null exactly when map_ is.
  CommitTs ts_;
  absl::Status refused_;
};

}  // namespace firn

#endif  // FIRN_SNAPSHOT_H_
