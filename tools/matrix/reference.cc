#include "tools/matrix/reference.h"

#include <algorithm>

namespace firn::matrix {

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
