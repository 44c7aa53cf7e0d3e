#include "tools/matrix/reference.h"

#include <algorithm>

namespace firn::matrix {

void Apply(const Commit& commit, State* state) {
  switch (commit.kind) {
    case Commit::Kind::kWrite:
    case Commit::Kind::kCompareAndSwap:
      for (const Operation& each : commit.batch) {
        if (each.value) {
          state->insert_or_assign(each.key, *each.value);
        } else {
          state->erase(each.key);
        }
      }
      break;
    case Commit::Kind::kDeleteRange:
      state->erase(state->lower_bound(commit.lower), state->lower_bound(commit.upper));
      break;
    case Commit::Kind::kClear:
      state->clear();
      break;
  }
}

Entries Within(const State& state, const Bounds& bounds) {
  const auto begin = bounds.lower ? state.lower_bound(*bounds.lower) : state.begin();
  const auto end = bounds.upper ? state.lower_bound(*bounds.upper) : state.end();
  return {begin, end};
}

void ReferenceCursor::Seek(std::string_view target) {
  const auto found = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const auto& entry) { return entry.first < target; });
  at_ = found - entries_.begin();
}

void ReferenceCursor::SeekForPrev(std::string_view target) {
  const auto found = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const auto& entry) { return entry.first <= target; });
  at_ = found - entries_.begin() - 1;
}

}  // namespace firn::matrix
