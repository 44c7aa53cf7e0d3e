#include <map>
#include <mutex>
#include <shared_mutex>

#include "tools/matrix/engines/engines.h"

namespace firn::matrix {
namespace {

constexpr Promises kPromises = {.snapshots = false,
                                .range_delete = true,
                                .clear = true,
                                .compare_and_swap = true,
                                .multi_get = true};

// A map that many threads share, as programs write it: the lock is held for one call.
struct SharedMap {
  std::shared_mutex mutex;
  std::map<std::string, std::string, std::less<>> entries;  // Under `mutex`.

  std::optional<std::string> Find(std::string_view key) const {
    const auto found = entries.find(key);
    return found == entries.end() ? std::nullopt : std::optional(found->second);
  }
};

// Between two steps it holds a copy of its entry, and no lock: it can go on from there, but what it
// comes upon is of another moment.
class StepwiseCursor final : public Cursor {
 public:
  explicit StepwiseCursor(SharedMap& map) : map_(map) {}

  bool Valid() const override { return entry_.has_value(); }
  std::string_view key() const override { return entry_->first; }
  std::string_view value() const override { return entry_->second; }
  void Seek(std::string_view target) override {
    const std::shared_lock lock(map_.mutex);
    StandOn(map_.entries.lower_bound(target));
  }
  void SeekForPrev(std::string_view target) override {
    const std::shared_lock lock(map_.mutex);
    StandBefore(map_.entries.upper_bound(target));
  }
  void SeekToFirst() override {
    const std::shared_lock lock(map_.mutex);
    StandOn(map_.entries.begin());
  }
  void SeekToLast() override {
    const std::shared_lock lock(map_.mutex);
    StandBefore(map_.entries.end());
  }
  void Next() override {
    const std::shared_lock lock(map_.mutex);
    StandOn(map_.entries.upper_bound(entry_->first));
  }
  void Prev() override {
    const std::shared_lock lock(map_.mutex);
    StandBefore(map_.entries.lower_bound(entry_->first));
  }

 private:
  using Place = decltype(SharedMap::entries)::const_iterator;
  void StandOn(Place place) {
    entry_.reset();
    if (place != map_.entries.end()) entry_ = *place;
  }
  void StandBefore(Place place) {
    place == map_.entries.begin() ? entry_.reset() : StandOn(std::prev(place));
  }

  SharedMap& map_;
  std::optional<std::pair<std::string, std::string>> entry_;
};

// Always of now: there is nothing else.
class LiveView final : public View {
 public:
  explicit LiveView(SharedMap& map) : map_(map) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const std::shared_lock lock(map_.mutex);
    return map_.Find(key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys) override {
    const std::shared_lock lock(map_.mutex);
    std::vector<std::optional<std::string>> found;
    for (const std::string_view key : keys) found.push_back(map_.Find(key));
    return found;
  }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return WithBounds(std::make_unique<StepwiseCursor>(map_), bounds);
  }

 private:
  SharedMap& map_;
};

class SharedMutexMapEngine final : public Engine {
 public:
  const Promises& promises() const override { return kPromises; }
  absl::Status Write(absl::Span<const Operation> batch) override {
    const std::lock_guard lock(map_.mutex);
    for (const auto& [key, value] : batch) {
      if (value) {
        map_.entries.insert_or_assign(key, *value);
      } else {
        map_.entries.erase(key);
      }
    }
    return absl::OkStatus();
  }
  std::unique_ptr<View> TakeSnapshot() override { return std::make_unique<LiveView>(map_); }
  std::unique_ptr<Cursor> NewCursor(const Bounds& bounds) override {
    return LiveView(map_).NewCursor(bounds);
  }
  absl::Status Wipe() override { return Clear(); }
  absl::Status DeleteRange(std::string_view lower, std::string_view upper) override {
    const std::lock_guard lock(map_.mutex);
    map_.entries.erase(map_.entries.lower_bound(lower), map_.entries.lower_bound(upper));
    return absl::OkStatus();
  }
  absl::Status Clear() override {
    const std::lock_guard lock(map_.mutex);
    map_.entries.clear();
    return absl::OkStatus();
  }
  absl::StatusOr<bool> CompareAndSwap(std::string_view key,
                                      const std::optional<std::string>& expected,
                                      std::string_view value) override {
    const std::lock_guard lock(map_.mutex);
    if (map_.Find(key) != expected) return false;
    map_.entries.insert_or_assign(std::string(key), std::string(value));
    return true;
  }

 private:
  SharedMap map_;
};

}  // namespace

EngineEntry SharedMutexMap() {
  return {"map", "std::map, std::shared_mutex",
          [](const EngineSetup&) { return std::make_unique<SharedMutexMapEngine>(); }};
}

}  // namespace firn::matrix
