// The judge is judged: histories without a fault pass, and every kind of fault is found in
// histories that have just that one.
//
//   FIRN_SEED=n   the first seed of the generated histories
#include "tools/history/checker.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/history/generated_history.h"
#include "tests/support/random.h"

namespace firn::history {
namespace {

using test::GeneratedHistory;
using test::Random;
using Kinds = std::set<AnomalyKind>;

// A history, the last phase of which gets a fault: of one phase alone, or of two, between which
// the judge has forgotten what nobody can see any more.
struct Subject {
  static constexpr size_t kCalls = 300;  // A phase.

  Subject(uint64_t seed, bool has_past) : truth(seed), random(seed + 1) {
    if (has_past) past = truth.RunPhase(kCalls);
    held = truth.held();
    logs = truth.RunPhase(kCalls);
  }

  // Calls of the last phase, in random order.
  std::vector<Operation*> Calls() {
    std::vector<Operation*> calls;
    for (Log& log : logs) {
      for (Operation& operation : log.operations) calls.push_back(&operation);
    }
    for (size_t i = calls.size(); i > 1; --i) std::swap(calls[i - 1], calls[random.Below(i)]);
    return calls;
  }

  GeneratedHistory truth;
  Random random;
  std::vector<Log> past;
  std::vector<CommitTs> held;
  std::vector<Log> logs;
};

std::vector<Anomaly> Judge(const Subject& subject) {
  const KeySet keys(GeneratedHistory::kKeys);
  Checker checker(keys);
  checker.CheckPhase(subject.past, subject.held);
  EXPECT_EQ(checker.anomaly_count(), 0u) << "in the phase before the fault";
  checker.CheckPhase(subject.logs, {});
  return checker.anomalies();
}

TEST(Checker, FindsNothingInHistoriesWithoutAFault) {
  const uint64_t first_seed = test::PrintedSeed();
  for (uint64_t seed = first_seed; seed < first_seed + 500; ++seed) {
    const std::vector<Anomaly> anomalies = Judge(Subject(seed, seed % 2 == 0));
    ASSERT_TRUE(anomalies.empty()) << "seed " << seed << ": " << anomalies.front().text;
  }
}

// --- How faults are planted. Each way returns false, and has changed nothing, if the history has
// no place for it.

using Written = GeneratedHistory::Written;
using Versions = GeneratedHistory::Versions;

// A sighting, and the truth of its key.
struct Scene {
  Scene(Subject& of, Operation& by, Sighting& what)
      : subject(of),
        operation(by),
        sighting(what),
        versions(of.truth.versions(what.key)),
        first(of.truth.At(what.key, by.read_ts.value_or(by.visible_before))),
        last(of.truth.At(what.key, by.read_ts.value_or(by.visible_after))) {}

  // The key did not change while the call may have looked at it.
  bool IsSteady() const { return first == last; }
  bool Shows(ValueId value) const {
    sighting.value = value;
    return true;
  }

  Subject& subject;
  Operation& operation;
  Sighting& sighting;
  const Versions& versions;
  const Versions::const_iterator first;  // The newest version at the first moment it may be of,
  const Versions::const_iterator last;   // and at the last.
};

template <class Plant>
bool InACall(Subject& subject, bool (*suits)(const Operation&), Plant plant) {
  for (Operation* operation : subject.Calls()) {
    if (suits(*operation) && plant(*operation)) return true;
  }
  return false;
}

template <class Plant>
bool InASighting(Subject& subject, bool (*suits)(const Operation&), Plant plant) {
  return InACall(subject, suits, [&](Operation& operation) {
    return std::any_of(
        operation.sightings.begin(), operation.sightings.end(),
        [&](Sighting& sighting) { return plant(Scene(subject, operation, sighting)); });
  });
}

bool IsAny(const Operation&) { return true; }
bool IsCommit(const Operation& call) { return call.commit_ts.has_value(); }
bool IsNoCommit(const Operation& call) { return !call.commit_ts; }
bool TakesView(const Operation& call) { return call.takes_view; }
bool IsViewed(const Operation& call) { return call.read_ts && !call.takes_view; }
bool IsPoint(const Operation& call) {
  return call.verb == Verb::kGet || call.verb == Verb::kMultiGet;
}
bool IsViewedPoint(const Operation& call) { return IsViewed(call) && IsPoint(call); }
bool IsLivePoint(const Operation& call) { return !call.read_ts && IsPoint(call); }
bool IsViewedGet(const Operation& call) { return IsViewed(call) && call.verb == Verb::kGet; }
bool IsViewedContains(const Operation& call) {
  return IsViewed(call) && call.verb == Verb::kContains;
}
bool IsLiveMultiGet(const Operation& call) { return !call.read_ts && call.verb == Verb::kMultiGet; }
bool IsViewedMultiGet(const Operation& call) {
  return IsViewed(call) && call.verb == Verb::kMultiGet;
}
bool IsDated(const Operation& call) {
  return call.verb == Verb::kGetPinned || (call.verb == Verb::kLoadOrStore && !call.commit_ts);
}
bool IsViewedScan(const Operation& call) { return IsViewed(call) && call.scan.has_value(); }
bool IsForwardScan(const Operation& call) { return IsViewedScan(call) && call.scan->forward; }
bool IsBackwardScan(const Operation& call) { return IsViewedScan(call) && !call.scan->forward; }
bool IsLiveScan(const Operation& call) { return !call.read_ts && call.scan.has_value(); }
bool IsWalk(const Operation& call) { return IsViewed(call) && call.verb == Verb::kWalk; }
bool IsSwap(const Operation& call) { return call.verb == Verb::kSwap; }
bool IsRefused(const Operation& call) {
  return IsConditional(call.verb) && !call.commit_ts && !call.sightings.front().is;
}
bool IsLoaded(const Operation& call) { return call.verb == Verb::kLoadOrStore && !call.commit_ts; }

// --- Sightings.

bool ShowsOlder(const Scene& scene) {
  if (scene.first->second.value == kAbsent) return false;
  for (auto older = scene.first; older != scene.versions.begin();) {
    if ((--older)->second.value != kAbsent) return scene.Shows(older->second.value);
  }
  return false;
}

bool ShowsLater(const Scene& scene) {
  for (auto later = std::next(scene.last); later != scene.versions.end(); ++later) {
    if (later->second.value != kAbsent) return scene.Shows(later->second.value);
  }
  return false;
}

bool ShowsNothing(const Scene& scene) {
  return scene.sighting.value != kAbsent && scene.Shows(kAbsent);
}

bool ShowsGarbled(const Scene& scene) { return scene.Shows(kGarbled); }
bool ShowsInvented(const Scene& scene) { return scene.Shows(ValueOf(77, 1)); }

bool ShowsNeighbour(const Scene& scene) {
  const KeyIndex next = (scene.sighting.key + 1) % GeneratedHistory::kKeys;
  const auto other = scene.subject.truth.At(next, scene.operation.visible_after);
  return other->second.value != kAbsent && scene.Shows(other->second.value);
}

bool ShowsAnotherDate(const Scene& scene) {
  if (scene.sighting.commit_ts == kBeforeEverything) return false;
  ++scene.sighting.commit_ts.value;
  return true;
}

// Contains() turns into what it should not have said.
bool SaysYes(const Scene& scene) { return std::exchange(scene.sighting.is, false); }
bool SaysNo(const Scene& scene) { return !std::exchange(scene.sighting.is, true); }

bool IsNoKey(const Scene& scene) {
  scene.sighting.key = kNoKey;
  return true;
}

// Shows what the newest version has deleted, if that was done so.
bool ShowsDeleted(const Scene& scene, bool (*deleted_so)(const Written&)) {
  if (!scene.IsSteady() || scene.first == scene.versions.begin()) return false;
  if (scene.first->second.value != kAbsent || !deleted_so(scene.first->second)) return false;
  const ValueId old = std::prev(scene.first)->second.value;
  return old != kAbsent && scene.Shows(old);
}
bool ByPoint(const Written& written) { return !written.by_range; }
bool ByRange(const Written& written) {
  return written.by_range && written.verb == Verb::kDeleteRange;
}
bool ByClear(const Written& written) { return written.verb == Verb::kClear; }

bool PointShowsDeleted(Subject& subject, bool (*deleted_so)(const Written&)) {
  return InASighting(subject, IsPoint,
                     [&](const Scene& scene) { return ShowsDeleted(scene, deleted_so); });
}

// Adds an entry for a key that a scan passed over in silence.
bool ScanShowsDeleted(Subject& subject, bool (*deleted_so)(const Written&)) {
  return InACall(subject, IsViewedScan, [&](Operation& operation) {
    const KeySpan covered = operation.scan->covered;
    const bool forward = operation.scan->forward;
    for (KeyIndex key = covered.lower; key < covered.upper; ++key) {
      Sighting entry{.key = key};
      if (!ShowsDeleted(Scene(subject, operation, entry), deleted_so)) continue;
      std::vector<Sighting>& shown = operation.sightings;
      const auto place = std::find_if(shown.begin(), shown.end(), [&](const Sighting& other) {
        return forward ? other.key > key : other.key < key;
      });
      shown.insert(place, entry);
      return true;
    }
    return false;
  });
}

// A scan leaves out an entry of which `which` holds.
template <class Which>
bool LeavesOut(Subject& subject, bool (*suits)(const Operation&), Which which) {
  return InACall(subject, suits, [&](Operation& operation) {
    std::vector<Sighting>& shown = operation.sightings;
    const auto found = std::find_if(shown.begin(), shown.end(), [&](Sighting& sighting) {
      return which(Scene(subject, operation, sighting));
    });
    if (found == shown.end()) return false;
    shown.erase(found);
    return true;
  });
}
bool IsSingle(const Scene& scene) {
  return scene.IsSteady() && scene.first->second.verb != Verb::kWrite;
}
// Another sighting of the call is of the same batch, and the key was not there before that.
bool IsNewWithCompanion(const Scene& scene) {
  if (scene.first->second.verb != Verb::kWrite) return false;
  if (std::prev(scene.first)->second.value != kAbsent) return false;
  const auto of_same_commit = [&](const Sighting& other) {
    return scene.subject.truth.At(other.key, *scene.operation.read_ts)->first == scene.first->first;
  };
  const std::vector<Sighting>& all = scene.operation.sightings;
  const auto is_it = [&](const Sighting& other) { return other.key == scene.sighting.key; };
  return std::count_if(all.begin(), all.end(), is_it) == 1 &&
         std::count_if(all.begin(), all.end(), of_same_commit) > 1;
}

// One key as it was until some moment, another as it was from then on.
bool SeesTwoMoments(Subject& subject) {
  return InACall(subject, IsLiveMultiGet, [&](Operation& operation) {
    for (Sighting& old : operation.sightings) {
      const Scene early(subject, operation, old);
      for (Sighting& young : operation.sightings) {
        const Scene late(subject, operation, young);
        if (old.key == young.key || early.IsSteady()) continue;
        if (late.last->first < std::next(early.first)->first) continue;
        if (late.last->second.value == kAbsent || early.first->second.value == kAbsent) continue;
        return early.Shows(early.first->second.value) && late.Shows(late.last->second.value);
      }
    }
    return false;
  });
}

// --- The shape of scans.

bool SwapsItsEnds(Operation& scan) {
  if (scan.sightings.size() < 2) return false;
  std::swap(scan.sightings.front(), scan.sightings.back());
  return true;
}
bool ShowsLastTwice(Operation& scan) {
  if (scan.sightings.empty()) return false;
  scan.sightings.push_back(scan.sightings.back());
  return true;
}
bool ShowsLastOutOfBounds(Operation& scan) {
  if (scan.sightings.empty()) return false;
  const KeyIndex last = scan.sightings.back().key;
  scan.scan->forward ? scan.scan->covered.upper = last : scan.scan->covered.lower = last + 1;
  return true;
}

// --- Time.

CommitTs JustBelow(CommitTs ts) { return {ts.value - 1}; }

bool Fails(Operation& call) {
  call.failure = "INTERNAL: planted";
  return true;
}
bool CommitsAtWhatWasVisible(Operation& call) {
  call.commit_ts = call.visible_before;
  return true;
}
bool ReturnsUnseen(Operation& call) {
  call.visible_after = JustBelow(*call.commit_ts);
  return true;
}
bool TakesAnOldView(Operation& call) {
  call.read_ts = JustBelow(call.visible_before);
  return true;
}
bool TakesAViewToCome(Operation& call) {
  call.read_ts = CommitTs{call.visible_after.value + 1};
  return true;
}
bool GoesBack(Operation& call) {
  call.visible_after = JustBelow(call.visible_before);
  return true;
}

// Two commits at once, each of which fits its call.
bool SharesATimestamp(Subject& subject) {
  return InACall(subject, IsCommit, [&](Operation& call) {
    for (const Operation* other : subject.Calls()) {
      if (!other->commit_ts || other->commit_ts == call.commit_ts) continue;
      if (*other->commit_ts <= call.visible_before) continue;
      if (*other->commit_ts > call.visible_after) continue;
      call.commit_ts = other->commit_ts;
      return true;
    }
    return false;
  });
}

bool ForgetsItsLastCall(Subject& subject) {
  for (Log& log : subject.logs) {
    for (size_t i = 1; i < log.operations.size(); ++i) {
      Operation& call = log.operations[i];
      if (call.commit_ts || call.takes_view) continue;
      call.visible_before = JustBelow(log.operations[i - 1].visible_after);
      return true;
    }
  }
  return false;
}

// A call sees less than one by another client that had returned, and that showed it `reached`.
template <class ReachedBy>
bool SeesLessThanAnother(Subject& subject, bool (*suits)(const Operation&), ReachedBy reached_by) {
  for (Log& log : subject.logs) {
    for (Operation& late : log.operations) {
      if (late.commit_ts || !suits(late)) continue;
      for (const Log& others : subject.logs) {
        for (const Operation& early : others.operations) {
          if (&others == &log || early.end_ns >= late.begin_ns) continue;
          if (reached_by(early) != late.visible_before) continue;
          late.visible_before = JustBelow(late.visible_before);
          if (late.takes_view) late.read_ts = late.visible_before;
          return true;
        }
      }
    }
  }
  return false;
}
std::optional<CommitTs> Committed(const Operation& call) { return call.commit_ts; }
std::optional<CommitTs> Saw(const Operation& call) {
  if (call.commit_ts) return std::nullopt;
  return call.visible_after;
}

// --- Conditions.

// A refused condition claims to have been met, by a commit that no sighting is of.
template <class Which>
bool ClaimsToHaveWon(Subject& subject, Which which) {
  return InASighting(subject, IsRefused, [&](const Scene& scene) {
    const CommitTs ts = JustBelow(scene.operation.visible_after);
    if (ts <= scene.operation.visible_before || subject.truth.IsCommit(ts)) return false;
    if (!scene.IsSteady() || !which(scene)) return false;
    scene.operation.commit_ts = ts;
    scene.sighting.is = true;
    return true;
  });
}
bool WasTakenOnACondition(const Scene& scene) {
  for (auto version = scene.versions.begin(); version != scene.first; ++version) {
    const bool was_it = version->second.value == scene.sighting.value;
    if (was_it && IsConditional(std::next(version)->second.verb)) return true;
  }
  return false;
}
bool WasNot(const Scene& scene) { return !WasTakenOnACondition(scene); }

bool ReturnsAnOlderValue(Subject& subject) {
  return InASighting(subject, IsSwap, [](const Scene& scene) {
    for (const auto& [ts, written] : scene.versions) {
      if (ts >= *scene.operation.commit_ts) return false;
      if (written.value != scene.sighting.value) return scene.Shows(written.value);
    }
    return false;
  });
}
bool RefusesWhatIsThere(const Scene& scene) {
  return scene.IsSteady() && scene.Shows(scene.first->second.value);
}
bool LoadsAnOlderValue(const Scene& scene) {
  if (!ShowsOlder(scene)) return false;
  scene.sighting.commit_ts = kBeforeEverything;
  return true;
}

// --- All of them.

struct Fault {
  const char* name;
  Kinds names;  // One of which it is given.
  std::function<bool(Subject&)> plant;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.name; }

std::vector<Fault> Faults() {
  using enum AnomalyKind;
  const auto seen = [](bool (*suits)(const Operation&), bool (*plant)(const Scene&)) {
    return [=](Subject& subject) { return InASighting(subject, suits, plant); };
  };
  const auto called = [](bool (*suits)(const Operation&), bool (*plant)(Operation&)) {
    return [=](Subject& subject) { return InACall(subject, suits, plant); };
  };
  const auto left_out = [](bool (*suits)(const Operation&), bool (*which)(const Scene&)) {
    return [=](Subject& subject) { return LeavesOut(subject, suits, which); };
  };
  const auto won = [](bool (*which)(const Scene&)) {
    return [=](Subject& subject) { return ClaimsToHaveWon(subject, which); };
  };
  return {
      {"StaleRead", {kStaleRead, kTornBatch}, seen(IsViewedPoint, ShowsOlder)},
      {"FutureRead", {kFutureRead, kTornBatch}, seen(IsViewedPoint, ShowsLater)},
      {"StaleLiveRead", {kStaleRead, kTornBatch}, seen(IsLivePoint, ShowsOlder)},
      {"FutureLiveRead", {kFutureRead, kTornBatch}, seen(IsLivePoint, ShowsLater)},
      {"LostWrite", {kLostWrite}, seen(IsViewedGet, ShowsNothing)},
      {"DeletedSeen",
       {kDeletedSeen, kTornBatch},
       [](Subject& s) { return PointShowsDeleted(s, ByPoint); }},
      {"RangeDeleteMissedAKey",
       {kRangeDeleteMissed},
       [](Subject& s) { return PointShowsDeleted(s, ByRange); }},
      {"ClearMissedAKey",
       {kRangeDeleteMissed},
       [](Subject& s) { return PointShowsDeleted(s, ByClear); }},
      {"ContainsSaysYes", {kDeletedSeen, kRangeDeleteMissed}, seen(IsViewedContains, SaysYes)},
      {"ContainsSaysNo", {kLostWrite}, seen(IsViewedContains, SaysNo)},
      {"ValueThatNobodyWrote", {kUnknownVersion}, seen(IsPoint, ShowsInvented)},
      {"ValueOfAnotherKey", {kUnknownVersion}, seen(IsPoint, ShowsNeighbour)},
      {"GarbledValue", {kGarbledValue}, seen(IsPoint, ShowsGarbled)},
      {"WrongCommitTs", {kWrongCommitTs}, seen(IsDated, ShowsAnotherDate)},
      {"NoCommonMoment", {kNoCommonMoment, kTornBatch}, SeesTwoMoments},

      {"MissedEntry", {kMissedEntry}, left_out(IsForwardScan, IsSingle)},
      {"MissedEntryBackward", {kMissedEntry}, left_out(IsBackwardScan, IsSingle)},
      {"MissedEntryInALiveScan", {kMissedEntry}, left_out(IsLiveScan, IsSingle)},
      {"PhantomEntry",
       {kPhantomEntry, kTornBatch},
       [](Subject& s) { return ScanShowsDeleted(s, ByPoint); }},
      {"RangeDeleteMissedAnEntry",
       {kRangeDeleteMissed},
       [](Subject& s) { return ScanShowsDeleted(s, ByRange); }},
      {"StaleEntry", {kStaleRead, kTornBatch}, seen(IsViewedScan, ShowsOlder)},
      {"IteratorNotFrozen", {kFutureRead, kTornBatch}, seen(IsWalk, ShowsLater)},
      {"ScanOutOfOrder", {kScanOutOfOrder}, called(IsViewedScan, SwapsItsEnds)},
      {"EntryTwice", {kScanOutOfOrder}, called(IsViewedScan, ShowsLastTwice)},
      {"EntryOutOfBounds", {kScanOutOfBounds}, called(IsViewedScan, ShowsLastOutOfBounds)},
      {"UnknownKey", {kUnknownKey}, seen(IsViewedScan, IsNoKey)},

      {"BatchTornInAScan", {kTornBatch}, left_out(IsViewedScan, IsNewWithCompanion)},
      {"BatchTornInAMultiGet",
       {kTornBatch},
       seen(IsViewedMultiGet,
            [](const Scene& scene) { return IsNewWithCompanion(scene) && ShowsNothing(scene); })},

      {"SharedTimestamp", {kDuplicateTimestamp}, SharesATimestamp},
      {"CommitInThePast", {kCommitInThePast}, called(IsCommit, CommitsAtWhatWasVisible)},
      {"ReturnedUnseen", {kReturnedUnseen}, called(IsCommit, ReturnsUnseen)},
      {"ViewInThePast", {kViewInThePast}, called(TakesView, TakesAnOldView)},
      {"ViewInTheFuture", {kViewInTheFuture}, called(TakesView, TakesAViewToCome)},
      {"TimeGoesBackWithinACall", {kTimeWentBack}, called(IsNoCommit, GoesBack)},
      {"TimeGoesBackInOneClient", {kTimeWentBack}, ForgetsItsLastCall},
      {"AcknowledgedCommitUnseen",
       {kAcknowledgedUnseen},
       [](Subject& s) { return SeesLessThanAnother(s, TakesView, Committed); }},
      {"SeesLessThanAnotherSaw",
       {kOutOfOrder, kAcknowledgedUnseen},
       [](Subject& s) { return SeesLessThanAnother(s, IsAny, Saw); }},

      {"TwoWinners", {kTwoWinners}, won(WasTakenOnACondition)},
      {"WonAgainstTheNewest", {kWrongCondition}, won(WasNot)},
      {"SwapReturnsAnOlderValue", {kWrongCondition, kTwoWinners}, ReturnsAnOlderValue},
      {"UnjustifiedRefusal", {kUnjustifiedRefusal}, seen(IsRefused, RefusesWhatIsThere)},
      {"LoadsAnOlderValue", {kStaleRead}, seen(IsLoaded, LoadsAnOlderValue)},

      {"CallFails", {kCallFailed}, called(IsAny, Fails)},
  };
}

class PlantedFaultTest : public ::testing::TestWithParam<Fault> {};

// Of a history with a past the judge may have forgotten what it needs to name the fault.
TEST_P(PlantedFaultTest, IsFoundEveryTime) {
  constexpr uint64_t kSeeds = 100;
  constexpr uint64_t kLeastPlanted = 5;
  const uint64_t first_seed = test::PrintedSeed();
  uint64_t planted = 0;
  for (uint64_t seed = first_seed; seed < first_seed + kSeeds; ++seed) {
    const bool has_past = seed % 2 == 0;
    Subject subject(seed, has_past);
    if (!GetParam().plant(subject)) continue;
    const std::vector<Anomaly> anomalies = Judge(subject);
    ASSERT_FALSE(anomalies.empty()) << "missed at seed " << seed;
    const auto is_named = [&](const Anomaly& anomaly) {
      return has_past || GetParam().names.contains(anomaly.kind);
    };
    EXPECT_TRUE(std::any_of(anomalies.begin(), anomalies.end(), is_named))
        << "seed " << seed << " took it for " << anomalies.front().text;
    if (planted++ == 0) std::printf("%s\n", anomalies.front().text.c_str());
  }
  EXPECT_GE(planted, kLeastPlanted) << "of " << kSeeds << " histories";
}

INSTANTIATE_TEST_SUITE_P(, PlantedFaultTest, ::testing::ValuesIn(Faults()),
                         [](const auto& fault) { return std::string(fault.param.name); });

}  // namespace
}  // namespace firn::history
