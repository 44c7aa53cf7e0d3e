// What the matrix needs of a storage engine: an adapter for one is a subclass of Engine.
// docs/adding-an-engine.md walks through writing one.
#ifndef FIRN_TOOLS_MATRIX_ENGINE_H_
#define FIRN_TOOLS_MATRIX_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/matrix/cell.h"

namespace firn::matrix {

// [lower, upper); an absent bound is none.
struct Bounds {
  std::optional<std::string> lower = {};
  std::optional<std::string> upper = {};
};

// A put, or without a value a delete.
struct Operation {
  std::string key;
  std::optional<std::string> value;
};

using Visit = absl::FunctionRef<void(std::string_view key, std::string_view value)>;

// Walks the entries of one moment within bounds, in bytewise order.
class Cursor {
 public:
  virtual ~Cursor() = default;

  virtual bool Valid() const = 0;
  // Require Valid(); what they return lasts until the next call.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // To the first entry at or above `target`; to the last at or below it.
  virtual void Seek(std::string_view target) = 0;
  virtual void SeekForPrev(std::string_view target);  // Spelled out in other moves by default.
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // Required only while Valid(), unless Promises::steps_back_from_ends.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  // Lets go of the moment: the next Seek stands in a newer one.
  virtual absl::Status Refresh() { return absl::UnimplementedError("Refresh"); }
  virtual absl::Status status() const { return absl::OkStatus(); }
};

// A value in place, and what keeps it there.
struct Pin {
  std::string_view view;
  std::shared_ptr<const void> holder;
};

// A moment that stays readable. Used by one thread at a time.
class View {
 public:
  virtual ~View() = default;

  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) = 0;
  // Only those that Promises names are called.
  virtual std::unique_ptr<Cursor> NewCursor(const Bounds& bounds);
  virtual absl::StatusOr<std::optional<Pin>> GetPinned(std::string_view key);
  virtual absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys);
  virtual absl::Status RangeFor(const Bounds& bounds, Visit visit);
  virtual absl::Status Callback(const Bounds& bounds, Visit visit);
};

// What an engine says of itself. A cell beyond it is run all the same if it can be, and counted
// apart.
struct Promises {
  bool snapshots = true;               // A View shows one moment.
  bool anchors_at_first_seek = false;  // A cursor of the engine does; else where it is made.
  bool steps_back_from_ends = false;   // Prev() behind the last entry is the last, and so on.

  // What there is at all. What is not cannot be run.
  bool cursors = true;  // In order, both ways.
  bool refresh = false;
  bool range_delete = false;
  bool clear = false;
  bool compare_and_swap = false;
  bool get_pinned = false;
  bool multi_get = false;
  bool range_for = false;
  bool callback = false;
  bool reopen = false;
};

enum class Support { kPromised, kNotPromised, kMissing };
Support SupportOf(const Promises& promises, const Cell& cell);

// What an engine did to its structure since it was opened: the proof that a cell's layout came about.
struct Work {
  std::optional<uint64_t> freezes;  // Absent in a build that freezes early now and then.
  uint64_t splits = 0;
  uint64_t merges = 0;
  uint64_t pruned_versions = 0;
  uint64_t fresh_leaves = 0;  // That hold unfrozen writes now.
};

// An Engine is one database, empty at first.
//
// Thread-safety: writes and TakeSnapshot() come from several threads at once; Settle() too.
//     Reopen() and Wipe() come alone, with no View or Cursor left.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const Promises& promises() const = 0;
  // All of it at once, if the engine can.
  virtual absl::Status Write(absl::Span<const Operation> batch) = 0;
  virtual std::unique_ptr<View> TakeSnapshot() = 0;
  // Moves fresh writes to where they rest, and drops what nobody sees.
  virtual absl::Status Settle() { return absl::OkStatus(); }
  // Absent: the engine does not tell, and layouts are taken on trust.
  virtual std::optional<Work> WorkDone() { return std::nullopt; }
  // Deletes everything, between two cells; by default what a cursor finds.
  virtual absl::Status Wipe();

  // Only those that Promises names are called.
  // Reads the engine itself, from a moment of its own.
  virtual std::unique_ptr<Cursor> NewCursor(const Bounds& bounds);
  virtual absl::Status DeleteRange(std::string_view lower, std::string_view upper);
  virtual absl::Status Clear();
  virtual absl::StatusOr<bool> CompareAndSwap(std::string_view key,
                                              const std::optional<std::string>& expected,
                                              std::string_view value);
  virtual absl::Status Reopen();
};

// What an engine is opened with.
struct EngineSetup {
  Layout layout;
  std::string directory;  // Its own, which does not exist yet.
};

// One of the engines that this program was built with.
struct EngineEntry {
  std::string name;   // "firn-disk"
  std::string title;  // "Firn on disk"
  std::function<absl::StatusOr<std::unique_ptr<Engine>>(const EngineSetup&)> open;
};
const std::vector<EngineEntry>& Engines();

// Adds bounds to a cursor that knows none.
std::unique_ptr<Cursor> WithBounds(std::unique_ptr<Cursor> cursor, const Bounds& bounds);

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_ENGINE_H_
