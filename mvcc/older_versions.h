// What a leaf keeps of a key behind its newest version, wherever it stands.
#ifndef FIRN_MVCC_OLDER_VERSIONS_H_
#define FIRN_MVCC_OLDER_VERSIONS_H_

#include <cstdint>
#include <optional>
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

// Which of the older versions of a key, `range`, is the newest that `view` sees; range.end if none.
template <class View>
uint32_t FindOlderIn(const FrozenBlock& block, FrozenBlock::OlderRange range, View& view) {
  // The block is immutable, so an older version is at hand before any second look.
  auto [begin, end] = range;
  if (begin == end || !view.Sees(block.older_commit_ts(end - 1))) return range.end;
  // The last one is seen. The oldest snapshot finds at once that it is the answer.
  if (--end > begin && !view.Sees(block.older_commit_ts(end - 1))) return end;
  while (begin < end) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (view.Sees(block.older_commit_ts(middle))) {
      end = middle;
    } else {
      begin = middle + 1;
    }
  }
  return begin;
}

// What a walk at one timestamp through one state knows of the state's runs.
struct RunPlace {
  // Where versions begin that are not all too new; known after the first look.
  bool looked = false;
  bool in_block = false;
  const OlderRun* top = nullptr;  // The first such run.
  // Where it found the last key's version.
  const OlderRun* run = nullptr;
  uint32_t at = 0;        // The key's place there.
  uint32_t from_end = 1;  // The version's, among the key's older ones.
};

// Finds key i of `block` in one of its runs, beside the last one without a search.
inline KeyPosition FindNear(const FrozenBlock& block, uint32_t i, const OlderRun& run,
                            const RunPlace& place) {
  const FrozenBlock& versions = run.block();
  // All of a run's keys are keys of the block.
  if (versions.count() == block.count()) return {i, true};
  const std::string_view key = block.key(i);
  if (place.run == &run) {
    for (const uint32_t at : {place.at + 1, place.at - 1}) {  // Below 0 it wraps around.
      if (at < versions.count() && versions.key(at) == key) return {at, true};
    }
  }
  return versions.Find(key);
}

// The walk comes by key `at` of `run`. Neighbours' versions stand far apart, so those of the keys
// that come next are fetched, where the last key's was.
inline void FetchNext(const OlderRun& run, uint32_t at, RunPlace* place) {
  constexpr uint32_t kIndexAhead = 8;
  constexpr uint32_t kRecordAhead = 4;
  const uint32_t step = at - place->at;  // Below 0 it wraps around.
  if (place->run == &run && (step == 1 || step == ~0u)) {
    run.block().PrefetchOlderIndex(at + kIndexAhead * step, place->from_end);
    run.block().PrefetchOlder(at + kRecordAhead * step, place->from_end);
  }
  place->run = &run;
  place->at = at;
}

// Of the next key of a walk, the version that stands where the last key's did: in the same run, so many
// before the end of the key's older ones. That is the usual case, and a fraction of the work: as the
// one before it there is not seen, nothing newer is, wherever it stands.
template <class View>
std::optional<uint32_t> FindAsBefore(const FrozenBlock& block, uint32_t i, View& view,
                                     const RunPlace& place) {
  if (place.run == nullptr) return std::nullopt;
  const FrozenBlock& versions = place.run->block();
  if (versions.count() != block.count()) return std::nullopt;  // Else key i is key i there, too.
  const auto [begin, end] = versions.OlderOf(i);
  if (end - begin < place.from_end) return std::nullopt;
  const uint32_t j = end - place.from_end;
  if (!view.Sees(versions.older_commit_ts(j))) return std::nullopt;
  const uint64_t next_ts = j > begin ? versions.older_commit_ts(j - 1) : versions.commit_ts(i);
  if (view.Sees(next_ts)) return std::nullopt;
  return j;
}

template <class View>
void LookInto(const LeafState& state, View& view, RunPlace* place) {
  const FrozenBlock& block = *state.block();
  place->looked = true;
  place->in_block = block.has_older() && view.Sees(block.min_commit_ts());
  place->top = state.older_runs;
  while (place->top != nullptr && !view.Sees(place->top->block().min_commit_ts())) {
    place->top = place->top->next();
  }
}

// The newest of the frozen versions of key i behind the newest that `view` sees; commit_ts 0 if
// none. `place` is what was found with the same state and view before, or empty.
template <class View>
VersionView FindOlder(const LeafState& state, uint32_t i, View& view, RunPlace* place) {
  const FrozenBlock& block = *state.block();
  if (!place->looked) LookInto(state, view, place);
  if (const std::optional<uint32_t> j = FindAsBefore(block, i, view, *place)) {
    FetchNext(*place->run, i, place);
    return place->run->block().older(*j);
  }
  if (place->in_block) {
    const FrozenBlock::OlderRange here = block.OlderOf(i);
    if (const uint32_t j = FindOlderIn(block, here, view); j != here.end) return block.older(j);
  }
  for (const OlderRun* run = place->top; run != nullptr; run = run->next()) {
    const FrozenBlock& versions = run->block();
    if (!view.Sees(versions.min_commit_ts())) continue;
    const KeyPosition at = FindNear(block, i, *run, *place);
    if (!at.exact) continue;
    FetchNext(*run, at.index, place);
    if (view.Sees(versions.commit_ts(at.index))) return versions.newest(at.index);
    const FrozenBlock::OlderRange older = versions.OlderOf(at.index);
    if (const uint32_t j = FindOlderIn(versions, older, view); j != older.end) {
      place->from_end = older.end - j;
      return versions.older(j);
    }
  }
  return {};
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_OLDER_VERSIONS_H_
