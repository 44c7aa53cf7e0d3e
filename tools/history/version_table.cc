#include "tools/history/version_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace firn::history {

std::string CallName::Text() const {
  return absl::StrCat("client ", client, ", call ", number, " (", VerbName(verb), ")");
}

VersionTable::VersionTable(size_t key_count)
    : keys_(key_count, {Version{kBeforeEverything, kAbsent, false, {}}}) {}

void VersionTable::Set(KeyIndex key, Version version) {
  std::vector<Version>& versions = keys_[key];
  if (versions.back().begin == version.begin) {
    versions.back() = version;  // An earlier step of the same batch.
  } else {
    versions.push_back(version);
  }
}

void VersionTable::Apply(CommitTs ts, const std::vector<WriteStep>& steps, const CallName& writer) {
  for (const WriteStep& step : steps) {
    const bool by_range = step.kind == WriteStep::Kind::kDeleteRange;
    for (KeyIndex key = step.keys.lower; key < step.keys.upper; ++key) {
      const bool nothing_to_delete = keys_[key].back().value == kAbsent;
      if (step.kind != WriteStep::Kind::kPut && nothing_to_delete) continue;
      Set(key, {ts, step.value, by_range, writer});
    }
  }
}

size_t VersionTable::NewestAt(KeyIndex key, CommitTs ts) const {
  const std::vector<Version>& versions = keys_[key];
  const auto after = std::upper_bound(
      versions.begin(), versions.end(), ts,
      [](CommitTs moment, const Version& version) { return moment < version.begin; });
  return static_cast<size_t>(after - versions.begin()) - 1;
}

void VersionTable::KeepOnly(const std::vector<CommitTs>& held) {
  for (std::vector<Version>& versions : keys_) {
    size_t kept = 0;
    for (size_t i = 0; i < versions.size(); ++i) {
      const bool newest = i + 1 == versions.size();
      const auto seen_by = std::lower_bound(held.begin(), held.end(), versions[i].begin);
      const bool seen = seen_by != held.end() && (newest || *seen_by < versions[i + 1].begin);
      if (newest || seen || i == 0) versions[kept++] = versions[i];
    }
    versions.resize(kept);
  }
}

}  // namespace firn::history
