// Does a view of a Db show exactly what it should?
#ifndef FIRN_TOOLS_VIEW_CHECK_H_
#define FIRN_TOOLS_VIEW_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/change_plan.h"

namespace firn::tools {

// A checksum over all words of one entry. Those of a view are added up, so that both
// directions give the same sum.
uint64_t EntryChecksum(std::string_view key, std::string_view value);

struct ViewResult {
  uint64_t entry_count = 0;
  uint64_t checksum = 0;
  uint64_t mismatch_count = 0;
  std::string first_mismatch;  // For people; empty if there is none.
};

// The copy itself, as a view of a Db should show it.
ViewResult Summarize(const PackageMap& packages);

enum class Direction { kForward, kBackward };

// A ViewComparison compares a walk with a copy, entry by entry.
//
// Thread-safety: one thread at a time. Lifetime: `expected` must outlive it.
class ViewComparison {
 public:
  ViewComparison(const PackageMap& expected, Direction direction);

  void Take(std::string_view key, std::string_view value);
  // Something else is wrong with the entry of this key.
  void Reject(std::string_view key, std::string_view reason);
  // Requires: the walk is over.
  ViewResult Finish();

 private:
  std::vector<const PackageMap::value_type*> expected_;  // In the order of the walk.
  ViewResult result_;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_VIEW_CHECK_H_
