// What a leaf keeps of a key behind its newest version, wherever it stands.
#ifndef FIRN_MVCC_OLDER_VERSIONS_H_
#define FIRN_MVCC_OLDER_VERSIONS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "mvcc/leaf.h"

namespace firn::internal {

// Calls visit(const VersionView&) for the frozen versions of key i behind the newest, from the
// newest on: those in the block, then those in the runs.
template <class Visit>
void ForEachOlder(const LeafState& state, uint32_t i, const Visit& visit) {
  const FrozenBlock& block = *state.block();
  const FrozenBlock::OlderRange here = block.OlderOf(i);
  for (uint32_t j = here.begin; j < here.end; ++j) visit(block.older(j));
  for (const OlderRun* run = state.older_runs; run != nullptr; run = run->next()) {
    const KeyPosition at = run->block().Find(block.key(i));
    if (!at.exact) continue;
    visit(run->block().newest(at.index));
    const FrozenBlock::OlderRange older = run->block().OlderOf(at.index);
    for (uint32_t j = older.begin; j < older.end; ++j) visit(run->block().older(j));
  }
}

// The same for one key after the other: every key of the block, in order, so that no run is
// searched. The runs from `end` on are left out; `places` is scratch.
class OlderWalk {
 public:
  OlderWalk(const LeafState& state, const OlderRun* end, std::vector<uint32_t>* places)
      : state_(state), end_(end), places_(*places) {
    places_.clear();
    for (const OlderRun* run = state.older_runs; run != end; run = run->next())
      places_.push_back(0);
  }

  // Requires: called for 0, 1, 2, ...
  template <class Visit>
  void VisitKey(uint32_t i, const Visit& visit) {
    const FrozenBlock& block = *state_.block();
    VisitIn(block, block.OlderOf(i), visit);
    size_t r = 0;
    for (const OlderRun* run = state_.older_runs; run != end_; run = run->next(), ++r) {
      // A run's keys are all keys of the block: one that has not come yet is this one or a later.
      uint32_t& place = places_[r];
      if (place == run->block().count() || run->block().key(place) != block.key(i)) continue;
      visit(run->block().newest(place));
      VisitIn(run->block(), run->block().OlderOf(place), visit);
      ++place;
    }
  }

 private:
  template <class Visit>
  static void VisitIn(const FrozenBlock& block, FrozenBlock::OlderRange range, const Visit& visit) {
    for (uint32_t j = range.begin; j < range.end; ++j) visit(block.older(j));
  }

  const LeafState& state_;
  const OlderRun* const end_;
  std::vector<uint32_t>& places_;
};

// The newest of the older versions of key i in `block` that `view` sees; commit_ts 0 if none.
template <class View>
VersionView FindOlderIn(const FrozenBlock& block, uint32_t i, View& view) {
  // The block is immutable, so an older version is at hand before any second look.
  auto [begin, end] = block.OlderOf(i);
  const uint32_t all = end;
  while (begin < end) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (view.Sees(block.older_commit_ts(middle))) {
      end = middle;
    } else {
      begin = middle + 1;
    }
  }
  return begin < all ? block.older(begin) : VersionView();
}

// Where a key was found in a run, so that a walk finds its neighbour there without a search.
struct RunPlace {
  const OlderRun* run = nullptr;
  uint32_t at = 0;
};

inline KeyPosition FindNear(const OlderRun& run, std::string_view key, RunPlace* place) {
  const FrozenBlock& block = run.block();
  if (place->run == &run) {
    for (const uint32_t at : {place->at + 1, place->at - 1}) {  // Below 0 it wraps around.
      if (at < block.count() && block.key(at) == key) {
        place->at = at;
        return {at, true};
      }
    }
  }
  const KeyPosition found = block.Find(key);
  *place = {&run, found.index};
  return found;
}

// The newest of the frozen versions of key i behind the newest that `view` sees; commit_ts 0 if
// none. `place` is where the last key was found, or empty.
template <class View>
VersionView FindOlder(const LeafState& state, uint32_t i, View& view, RunPlace* place) {
  const FrozenBlock& block = *state.block();
  const VersionView here = FindOlderIn(block, i, view);
  if (here.commit_ts != 0) return here;
  for (const OlderRun* run = state.older_runs; run != nullptr; run = run->next()) {
    if (!view.Sees(run->block().min_commit_ts())) continue;
    const KeyPosition at = FindNear(*run, block.key(i), place);
    if (!at.exact) continue;
    const VersionView newest = run->block().newest(at.index);
    if (view.Sees(newest.commit_ts)) return newest;
    const VersionView older = FindOlderIn(run->block(), at.index, view);
    if (older.commit_ts != 0) return older;
  }
  return {};
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_OLDER_VERSIONS_H_
