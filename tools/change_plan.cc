#include "tools/change_plan.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <utility>

namespace firn::tools {
namespace {

std::string Upgraded(std::string_view value, int round) {
  const size_t version_end = value.find('\n');
  std::string version(value.substr(0, version_end));
  version += "+deb13u" + std::to_string(round);
  return PackageValue(version, value.substr(version_end + 1));
}

Change NewPackageBeside(const std::string& name, const PackageMap& packages) {
  std::string added = name + "-ng";
  while (packages.contains(added)) added += "-ng";
  return {Change::Kind::kAdd, std::move(added), PackageValue("1.0-1", "successor of " + name)};
}

}  // namespace

std::string PackageValue(std::string_view version, std::string_view description) {
  std::string value(version);
  value += '\n';
  value += description;
  return value;
}

std::vector<Change> PlanChanges(const PackageMap& packages, uint64_t seed) {
  std::vector<Change> first;
  std::vector<Change> second;
  size_t position = 0;
  for (const auto& [name, value] : packages) {
    switch (position++ % 16) {
      case 1:
      case 9:
        second.push_back({Change::Kind::kUpgrade, name, Upgraded(value, 2)});
        [[fallthrough]];
      case 5:
      case 13:
        first.push_back({Change::Kind::kUpgrade, name, Upgraded(value, 1)});
        break;
      case 3:
      case 11:
        first.push_back({Change::Kind::kRemove, name, ""});
        break;
      case 7:
        first.push_back(NewPackageBeside(name, packages));
        break;
      default:
        break;
    }
  }
  std::mt19937_64 random(seed);
  std::shuffle(first.begin(), first.end(), random);
  std::shuffle(second.begin(), second.end(), random);
  std::move(second.begin(), second.end(), std::back_inserter(first));
  return first;
}

void Apply(const Change& change, PackageMap& packages) {
  if (change.kind == Change::Kind::kRemove) {
    packages.erase(change.name);
  } else {
    packages.insert_or_assign(change.name, change.value);
  }
}

ChangeCounts CountChanges(const PackageMap& before, const PackageMap& after, std::string_view lower,
                          std::string_view upper) {
  const auto end = [upper](const PackageMap& map) {
    return upper.empty() ? map.end() : map.lower_bound(upper);
  };
  ChangeCounts counts;
  for (auto it = before.lower_bound(lower); it != end(before); ++it) {
    const auto now = after.find(it->first);
    if (now == after.end()) {
      ++counts.removed;
    } else if (now->second != it->second) {
      ++counts.upgraded;
    }
  }
  for (auto it = after.lower_bound(lower); it != end(after); ++it) {
    if (!before.contains(it->first)) ++counts.added;
  }
  return counts;
}

}  // namespace firn::tools
