#include "tools/view_check.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace firn::tools {
namespace {

uint64_t Mix(uint64_t sum, std::string_view bytes) {
  constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  sum += bytes.size();
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t size = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), size);
    sum = std::rotl((sum ^ word) * kMultiplier, 29);
    bytes.remove_prefix(size);
  }
  return sum * kMultiplier;
}

}  // namespace

uint64_t EntryChecksum(std::string_view key, std::string_view value) {
  return Mix(Mix(1, key), value);
}

ViewResult Summarize(const PackageMap& packages) {
  ViewResult result;
  result.entry_count = packages.size();
  for (const auto& [name, value] : packages) result.checksum += EntryChecksum(name, value);
  return result;
}

ViewComparison::ViewComparison(const PackageMap& expected, Direction direction) {
  expected_.reserve(expected.size());
  for (const auto& entry : expected) expected_.push_back(&entry);
  if (direction == Direction::kBackward) std::reverse(expected_.begin(), expected_.end());
}

void ViewComparison::Take(std::string_view key, std::string_view value) {
  const size_t position = result_.entry_count++;
  result_.checksum += EntryChecksum(key, value);
  if (position >= expected_.size()) {
    Reject(key, "comes after the last expected entry");
  } else if (key != expected_[position]->first) {
    Reject(key, "stands where " + expected_[position]->first + " is expected");
  } else if (value != expected_[position]->second) {
    Reject(key, "has another value than expected");
  }
}

void ViewComparison::Reject(std::string_view key, std::string_view reason) {
  if (result_.mismatch_count++ > 0) return;
  result_.first_mismatch.assign(key).append(" ").append(reason);
}

ViewResult ViewComparison::Finish() {
  for (size_t missing = result_.entry_count; missing < expected_.size(); ++missing) {
    Reject(expected_[missing]->first, "is missing");
  }
  return result_;
}

}  // namespace firn::tools
