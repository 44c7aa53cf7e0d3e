// What a call claims, and at which moments that is so.
#ifndef FIRN_TOOLS_HISTORY_CLAIMS_H_
#define FIRN_TOOLS_HISTORY_CLAIMS_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "firn/types.h"
#include "tools/history/history.h"
#include "tools/history/version_table.h"

namespace firn::history {

// The moments from `first` to `last`, both included.
struct Window {
  CommitTs first;
  CommitTs last;
};

// The moments that a call's sightings may be of.
inline Window WindowOf(const Operation& operation) {
  if (operation.commit_ts) {
    const CommitTs before{operation.commit_ts->value - 1};
    return {before, before};
  }
  if (operation.read_ts) return {*operation.read_ts, *operation.read_ts};
  return {operation.visible_before, operation.visible_after};
}

// Calls `claim(sighting)` for every key that the call says something of, those that a scan passed
// over in silence included, until it returns false. Returns whether it never did.
// Requires: a scan shows keys in order and within what it covers.
template <class Claim>
bool ForEachClaim(const Operation& operation, Claim claim) {
  const std::vector<Sighting>& shown = operation.sightings;
  if (!operation.scan) return std::all_of(shown.begin(), shown.end(), claim);
  const auto& [covered, forward] = *operation.scan;
  size_t passed = 0;
  for (KeyIndex key = covered.lower; key < covered.upper; ++key) {
    const Sighting* next = nullptr;
    if (passed < shown.size()) next = &shown[forward ? passed : shown.size() - 1 - passed];
    const bool is_shown = next != nullptr && next->key == key;
    if (is_shown) ++passed;
    if (!claim(is_shown ? *next : Sighting{.key = key})) return false;
  }
  return true;
}

// Whether the sighting is one of this version.
inline bool Agrees(const Version& version, const Sighting& sighting) {
  if ((version.value == sighting.value) != sighting.is) return false;
  return sighting.commit_ts == kBeforeEverything || sighting.commit_ts == version.begin;
}

// The moments at which all sightings so far hold.
class Moments {
 public:
  Moments(const VersionTable& table, Window window) : table_(table), left_({window}) {}

  // Keeps those at which `sighting` holds too. False if none is left.
  bool Keep(const Sighting& sighting) {
    const std::vector<Version>& versions = table_.versions(sighting.key);
    kept_.clear();
    for (const Window& window : left_) {
      for (size_t i = table_.NewestAt(sighting.key, window.first);
           i < versions.size() && versions[i].begin <= window.last; ++i) {
        if (!Agrees(versions[i], sighting)) continue;
        const bool newest = i + 1 == versions.size();
        const CommitTs last = newest ? kMaxCommitTs : CommitTs{versions[i + 1].begin.value - 1};
        kept_.push_back({std::max(window.first, versions[i].begin), std::min(window.last, last)});
      }
    }
    std::swap(left_, kept_);
    return !left_.empty();
  }

 private:
  const VersionTable& table_;
  std::vector<Window> left_;
  std::vector<Window> kept_;
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_CLAIMS_H_
