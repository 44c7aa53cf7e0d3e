#include "tools/history/checker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/history/claims.h"
#include "tools/history/diagnosis.h"

namespace firn::history {
namespace {

constexpr size_t kMostAnomalies = 20;  // Kept in full.

// A processor may carry out the first loads of a call before it reads the clock that stands before
// them, by as much as it looks ahead: far less than this.
constexpr int64_t kClockSlackNanos = 1000;

}  // namespace

Checker::Checker(const KeySet& keys) : keys_(keys), versions_(keys.size()) {}

void Checker::CheckPhase(const std::vector<Log>& logs, std::vector<CommitTs> held) {
  std::vector<Call> calls;
  for (const Log& log : logs) {
    for (size_t i = 0; i < log.operations.size(); ++i) {
      const Operation& operation = log.operations[i];
      calls.push_back({&operation, {log.client, log.first_number + i, operation.verb}});
    }
  }
  CheckCallsAlone(calls);
  CheckClients(calls);
  CheckClock(calls);
  BuildVersions(calls);
  for (const Call& call : calls) CheckSightings(call);
  std::sort(held.begin(), held.end());
  versions_.KeepOnly(held);
}

void Checker::Report(AnomalyKind kind, const Call& call, const std::string& what) {
  ++anomaly_count_;
  if (anomalies_.size() == kMostAnomalies) return;
  anomalies_.push_back({kind, absl::StrCat(AnomalyName(kind), ": ", call.name.Text(), ": ", what)});
}

// --- 1. Each call by itself.

void Checker::CheckCallsAlone(const std::vector<Call>& calls) {
  for (const Call& call : calls) {
    const Operation& operation = *call.operation;
    const CommitTs before = operation.visible_before;
    const CommitTs after = operation.visible_after;
    const auto report = [&](AnomalyKind kind, const char* did, CommitTs ts) {
      Report(kind, call,
             absl::StrCat(did, " ", ts.value, "; it could see ", before.value,
                          " before the call and ", after.value, " after it"));
    };
    if (!operation.failure.empty()) Report(AnomalyKind::kCallFailed, call, operation.failure);
    if (after < before) report(AnomalyKind::kTimeWentBack, "went back to", after);
    if (const std::optional<CommitTs> ts = operation.commit_ts) {
      if (*ts <= before) report(AnomalyKind::kCommitInThePast, "committed at", *ts);
      if (*ts > after) report(AnomalyKind::kReturnedUnseen, "committed at", *ts);
    }
    if (const std::optional<CommitTs> ts = operation.read_ts; ts && operation.takes_view) {
      if (*ts < before) report(AnomalyKind::kViewInThePast, "reads at", *ts);
      if (*ts > after) report(AnomalyKind::kViewInTheFuture, "reads at", *ts);
    }
  }
}

// --- 2. Time.

Checker::Reached Checker::ReachedBy(const Call& call) {
  const Operation& operation = *call.operation;
  Reached reached{operation.visible_after, false, call.name};
  if (operation.takes_view && operation.read_ts) {
    reached.ts = std::max(reached.ts, *operation.read_ts);
  }
  if (operation.commit_ts >= reached.ts) return {*operation.commit_ts, true, call.name};
  return reached;
}

void Checker::CheckClients(const std::vector<Call>& calls) {
  for (const Call& call : calls) {
    Reached& last = clients_[call.name.client];
    if (call.operation->visible_before < last.ts) {
      Report(AnomalyKind::kTimeWentBack, call,
             absl::StrCat("it could see ", call.operation->visible_before.value,
                          ", but had reached ", last.ts.value, " in call ", last.by.number));
    }
    const Reached reached = ReachedBy(call);
    if (reached.ts > last.ts) last = reached;
  }
}

// The commit itself counts for more than a call that has seen it.
void Checker::RaiseFloor(const Reached& reached) {
  if (reached.ts > floor_.ts || (reached.ts == floor_.ts && reached.by_commit)) floor_ = reached;
}

void Checker::CheckClock(const std::vector<Call>& calls) {
  std::vector<const Call*> by_begin;
  for (const Call& call : calls) by_begin.push_back(&call);
  std::vector<const Call*> by_end = by_begin;
  std::sort(by_begin.begin(), by_begin.end(), [](const Call* a, const Call* b) {
    return a->operation->begin_ns < b->operation->begin_ns;
  });
  std::sort(by_end.begin(), by_end.end(), [](const Call* a, const Call* b) {
    return a->operation->end_ns < b->operation->end_ns;
  });
  auto returned = by_end.begin();
  for (const Call* call : by_begin) {
    for (; returned != by_end.end() &&
           (*returned)->operation->end_ns + kClockSlackNanos < call->operation->begin_ns;
         ++returned) {
      RaiseFloor(ReachedBy(**returned));
    }
    if (call->operation->visible_before >= floor_.ts) continue;
    Report(floor_.by_commit ? AnomalyKind::kAcknowledgedUnseen : AnomalyKind::kOutOfOrder, *call,
           absl::StrCat("it could see ", call->operation->visible_before.value,
                        ", but before that ", floor_.by.Text(), " had returned, having ",
                        floor_.by_commit ? "committed at " : "seen ", floor_.ts.value));
  }
  for (; returned != by_end.end(); ++returned) RaiseFloor(ReachedBy(**returned));
}

// --- 3. Versions.

void Checker::BuildVersions(const std::vector<Call>& calls) {
  std::vector<const Call*> commits;
  for (const Call& call : calls) {
    if (call.operation->commit_ts) commits.push_back(&call);
  }
  std::sort(commits.begin(), commits.end(), [](const Call* a, const Call* b) {
    return a->operation->commit_ts < b->operation->commit_ts;
  });
  commit_count_ += commits.size();
  const Call* last = nullptr;
  for (const Call* commit : commits) {
    const CommitTs ts = *commit->operation->commit_ts;
    if (last != nullptr && last->operation->commit_ts == ts) {
      Report(AnomalyKind::kDuplicateTimestamp, *commit,
             absl::StrCat("committed at ", ts.value, ", as did ", last->name.Text()));
    }
    versions_.Apply(ts, commit->operation->writes, commit->name);
    last = commit;
  }
}

// --- 4. Sightings.

// Whether what a scan shows stands in order and within what it covers.
bool Checker::CheckScan(const Call& call) {
  const auto& [covered, forward] = *call.operation->scan;
  const Sighting* last = nullptr;
  for (const Sighting& sighting : call.operation->sightings) {
    if (sighting.key == kNoKey) {
      Report(AnomalyKind::kUnknownKey, call, "it shows a key that nobody wrote");
      return false;
    }
    const std::string& key = keys_.key(sighting.key);
    if (sighting.key < covered.lower || sighting.key >= covered.upper) {
      Report(AnomalyKind::kScanOutOfBounds, call,
             absl::StrCat("it shows \"", absl::CHexEscape(key), "\""));
      return false;
    }
    if (last != nullptr && (forward ? sighting.key <= last->key : sighting.key >= last->key)) {
      Report(AnomalyKind::kScanOutOfOrder, call,
             absl::StrCat("it shows \"", absl::CHexEscape(key), "\" after \"",
                          absl::CHexEscape(keys_.key(last->key)), "\""));
      return false;
    }
    last = &sighting;
  }
  return true;
}

void Checker::CheckSightings(const Call& call) {
  const Operation& operation = *call.operation;
  if (!operation.failure.empty()) return;
  if (operation.scan && !CheckScan(call)) return;
  Moments moments(versions_, WindowOf(operation));
  ForEachClaim(operation, [&](const Sighting& claim) {
    ++sighting_count_;
    if (moments.Keep(claim)) return true;
    const Anomaly anomaly = Diagnose(versions_, keys_, operation, claim);
    Report(anomaly.kind, call, anomaly.text);
    return false;
  });
}

}  // namespace firn::history
