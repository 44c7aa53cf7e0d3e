#include <tbb/concurrent_hash_map.h>

#include "tools/matrix/engines/engines.h"

namespace firn::matrix {
namespace {

// It has no order, and its elements may not be walked beside writers: point reads are all there is.
constexpr Promises kPromises = {.snapshots = false, .cursors = false, .compare_and_swap = true};

using Map = tbb::concurrent_hash_map<std::string, std::string>;

// Always of now: there is nothing else.
class LiveView final : public View {
 public:
  explicit LiveView(const Map& map) : map_(map) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    Map::const_accessor found;
    if (!map_.find(found, std::string(key))) return std::nullopt;
    return found->second;
  }

 private:
  const Map& map_;
};

class TbbHashMapEngine final : public Engine {
 public:
  const Promises& promises() const override { return kPromises; }
  absl::Status Write(absl::Span<const Operation> batch) override {
    for (const auto& [key, value] : batch) {
      if (!value) {
        map_.erase(key);
        continue;
      }
      Map::accessor place;
      map_.insert(place, key);
      place->second = *value;
    }
    return absl::OkStatus();
  }
  std::unique_ptr<View> TakeSnapshot() override { return std::make_unique<LiveView>(map_); }
  absl::Status Wipe() override {
    map_.clear();
    return absl::OkStatus();
  }
  absl::StatusOr<bool> CompareAndSwap(std::string_view key,
                                      const std::optional<std::string>& expected,
                                      std::string_view value) override {
    Map::accessor place;
    if (!expected) return map_.insert(place, {std::string(key), std::string(value)});
    if (!map_.find(place, std::string(key)) || place->second != *expected) return false;
    place->second = value;
    return true;
  }

 private:
  Map map_;
};

}  // namespace

EngineEntry TbbHashMap() {
  return {"tbb", "TBB concurrent_hash_map",
          [](const EngineSetup&) { return std::make_unique<TbbHashMapEngine>(); }};
}

}  // namespace firn::matrix
