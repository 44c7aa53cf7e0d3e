// What an engine must show: a sorted map, and a cursor over a copy of it.
#ifndef FIRN_TOOLS_MATRIX_REFERENCE_H_
#define FIRN_TOOLS_MATRIX_REFERENCE_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/matrix/cell_plan.h"
#include "tools/matrix/engine.h"

namespace firn::matrix {

using State = std::map<std::string, std::string, std::less<>>;
using Entries = std::vector<std::pair<std::string, std::string>>;

// Does to a map what the commit does to an engine; a conditional one as if its condition held.
void Apply(const Commit& commit, State* state);
// The entries of `state` within `bounds`.
Entries Within(const State& state, const Bounds& bounds);

// A cursor that cannot be wrong: it stands on an index of a copy.
class ReferenceCursor {
 public:
  explicit ReferenceCursor(Entries entries) : entries_(std::move(entries)) {}

  bool valid() const { return at_ >= 0 && at_ < size(); }
  bool after_last() const { return at_ == size(); }
  bool on_last() const { return at_ == size() - 1; }
  bool on_first() const { return at_ == 0; }
  const std::pair<std::string, std::string>& entry() const {
    return entries_[static_cast<size_t>(at_)];
  }

  void Seek(std::string_view target);
  void SeekForPrev(std::string_view target);
  void SeekToFirst() { at_ = 0; }
  void SeekToLast() { at_ = size() - 1; }
  void Next() { at_ += at_ < size() ? 1 : 0; }
  void Prev() { at_ -= at_ >= 0 ? 1 : 0; }

 private:
  std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(entries_.size()); }

  Entries entries_;
  std::ptrdiff_t at_ = -1;  // -1: before the first; size(): after the last.
};

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REFERENCE_H_
