#include "tools/history/diagnosis.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/history/claims.h"

namespace firn::history {
namespace {

class Diagnosis {
 public:
  Diagnosis(const VersionTable& table, const Operation& operation, const Sighting& culprit)
      : operation_(operation),
        culprit_(culprit),
        table_(table),
        versions_(table.versions(culprit.key)),
        window_(WindowOf(operation)),
        must_(versions_[table.NewestAt(culprit.key, window_.first)]),
        seen_(FindSeen()) {}

  AnomalyKind Kind() const {
    if (culprit_.value == kGarbled) return AnomalyKind::kGarbledValue;
    if (WasOnlyMisdated()) return AnomalyKind::kWrongCommitTs;
    if (IsConditional(operation_.verb) && operation_.commit_ts) return KindOfWinner();
    if (IsConditional(operation_.verb) && !culprit_.is) return AnomalyKind::kUnjustifiedRefusal;
    if (culprit_.is && culprit_.value != kAbsent && seen_ == nullptr) {
      return AnomalyKind::kUnknownVersion;
    }
    if (MissedARangeDelete()) return AnomalyKind::kRangeDeleteMissed;
    if (IsTorn()) return AnomalyKind::kTornBatch;
    if (Moments(table_, window_).Keep(culprit_)) return AnomalyKind::kNoCommonMoment;
    return KindOfRead();
  }

  std::string SeenText() const {
    if (!culprit_.is) {
      return culprit_.value == kAbsent ? "was there"
                                       : absl::StrCat("was not ", ValueName(culprit_.value));
    }
    std::string text = absl::StrCat("was ", ValueName(culprit_.value));
    if (seen_ != nullptr) absl::StrAppend(&text, " ", WriterText(*seen_));
    if (culprit_.commit_ts != kBeforeEverything) {
      absl::StrAppend(&text, " as of ", culprit_.commit_ts.value);
    }
    return text;
  }

  // What the key was at the moments in question.
  std::string MustText() const {
    constexpr size_t kMostShown = 4;
    std::string text = absl::StrCat("from ", must_.begin.value, " ", VersionText(must_));
    size_t shown = 1;
    for (const Version* next = &must_ + 1; next != versions_.data() + versions_.size(); ++next) {
      if (next->begin > window_.last) break;
      if (shown++ == kMostShown) return text + ", ...";
      absl::StrAppend(&text, ", from ", next->begin.value, " ", VersionText(*next));
    }
    return text;
  }

  Window window() const { return window_; }

 private:
  static std::string WriterText(const Version& version) {
    if (version.begin == kBeforeEverything) return "";
    return absl::StrCat("(", version.writer.Text(), " at ", version.begin.value, ")");
  }
  static std::string VersionText(const Version& version) {
    return absl::StrCat(ValueName(version.value), " ", WriterText(version));
  }

  // The version that was seen, if anybody wrote it.
  const Version* FindSeen() const {
    const bool is_value = culprit_.is && culprit_.value != kAbsent;
    for (const Version& version : versions_) {
      if (is_value
              ? version.value == culprit_.value
              : culprit_.commit_ts != kBeforeEverything && version.begin == culprit_.commit_ts) {
        return &version;
      }
    }
    return nullptr;
  }

  bool SawSomething() const { return culprit_.is == (culprit_.value != kAbsent); }

  bool WasOnlyMisdated() const {
    if (culprit_.commit_ts == kBeforeEverything) return false;
    Sighting undated = culprit_;
    undated.commit_ts = kBeforeEverything;
    return culprit_.is && Moments(table_, window_).Keep(undated);
  }

  bool MissedARangeDelete() const {
    if (!SawSomething() || must_.value != kAbsent || !must_.by_range) return false;
    return seen_ != nullptr ? seen_->begin < must_.begin : !culprit_.is;
  }

  // Whether another call with a condition took the state that this one says it took.
  AnomalyKind KindOfWinner() const {
    for (size_t i = 0; i + 1 < versions_.size(); ++i) {
      const Version& next = versions_[i + 1];
      if (next.begin > window_.last) break;
      if (versions_[i].value == culprit_.value && IsConditional(next.writer.verb)) {
        return AnomalyKind::kTwoWinners;
      }
    }
    return AnomalyKind::kWrongCondition;
  }

  // Whether the call shows a part of one commit, and hides another.
  bool IsTorn() const {
    std::vector<CommitTs> suspects = {must_.begin};
    if (seen_ != nullptr) {
      suspects.push_back(seen_->begin);
      if (seen_ != &versions_.back()) suspects.push_back((seen_ + 1)->begin);
    }
    return std::any_of(suspects.begin(), suspects.end(),
                       [this](CommitTs commit) { return Tears(commit); });
  }

  bool Tears(CommitTs commit) const {
    if (commit == kBeforeEverything) return false;
    bool shows = false;
    bool hides = false;
    ForEachClaim(operation_, [&](const Sighting& claim) {
      const std::vector<Version>& versions = table_.versions(claim.key);
      const size_t at = table_.NewestAt(claim.key, commit);
      if (versions[at].begin != commit) return true;
      if (Agrees(versions[at], claim)) {
        shows = true;
      } else {
        hides |= std::any_of(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(at),
                             [&](const Version& older) { return Agrees(older, claim); });
      }
      return true;
    });
    return shows && hides;
  }

  AnomalyKind KindOfRead() const {
    const bool scan = operation_.scan.has_value();
    if (!SawSomething()) return scan ? AnomalyKind::kMissedEntry : AnomalyKind::kLostWrite;
    if (seen_ != nullptr && seen_->begin > window_.last) return AnomalyKind::kFutureRead;
    if (must_.value != kAbsent) return AnomalyKind::kStaleRead;
    return scan ? AnomalyKind::kPhantomEntry : AnomalyKind::kDeletedSeen;
  }

  const Operation& operation_;
  const Sighting& culprit_;
  const VersionTable& table_;
  const std::vector<Version>& versions_;
  const Window window_;
  const Version& must_;        // At the first moment in question.
  const Version* const seen_;  // Null if nobody wrote it, or nothing was seen.
};

}  // namespace

Anomaly Diagnose(const VersionTable& table, const KeySet& keys, const Operation& operation,
                 const Sighting& culprit) {
  const Diagnosis diagnosis(table, operation, culprit);
  const auto [first, last] = diagnosis.window();
  const std::string when = first == last
                               ? absl::StrCat("at ", first.value)
                               : absl::StrCat("between ", first.value, " and ", last.value);
  return {diagnosis.Kind(),
          absl::StrCat("\"", absl::CHexEscape(keys.key(culprit.key)), "\" ", when, " ",
                       diagnosis.SeenText(), "; it was ", diagnosis.MustText())};
}

}  // namespace firn::history
