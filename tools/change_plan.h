// What happens to a set of packages while somebody reads it.
#ifndef FIRN_TOOLS_CHANGE_PLAN_H_
#define FIRN_TOOLS_CHANGE_PLAN_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace firn::tools {

// name -> value; also the independent copy that a Db's answers are compared with.
using PackageMap = std::map<std::string, std::string, std::less<>>;

struct Change {
  enum class Kind { kUpgrade, kRemove, kAdd };
  Kind kind;
  std::string name;
  std::string value;  // Empty for kRemove.
};

// Packages touched, a package upgraded twice counted once.
struct ChangeCounts {
  uint64_t upgraded = 0;
  uint64_t removed = 0;
  uint64_t added = 0;
};

// A package's value: its version, a line break, its description.
std::string PackageValue(std::string_view version, std::string_view description);

// Upgrades every fourth package and every eighth once more, removes every eighth and adds
// a new one beside every sixteenth, spread evenly over the names; in an order shuffled by
// `seed`, second upgrades last.
std::vector<Change> PlanChanges(const PackageMap& packages, uint64_t seed);

void Apply(const Change& change, PackageMap& packages);

// What turned `before` into `after`, for lower <= name < upper; "" as `upper`: no end.
ChangeCounts CountChanges(const PackageMap& before, const PackageMap& after, std::string_view lower,
                          std::string_view upper);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CHANGE_PLAN_H_
