// Judges recorded histories.
#ifndef FIRN_TOOLS_HISTORY_CHECKER_H_
#define FIRN_TOOLS_HISTORY_CHECKER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "firn/types.h"
#include "tools/history/anomaly.h"
#include "tools/history/history.h"
#include "tools/history/material.h"
#include "tools/history/version_table.h"

namespace firn::history {

// A Checker decides whether a history could have happened in a Db that keeps its promises.
//
// Deciding that of reads and writes in general means to search for an order that explains them.
// Here nothing needs to be searched for: a Db tells the timestamp of every commit, so the order is
// known, and what is left is to hold every call against it. Four steps, each over all calls of all
// clients:
//
//   1. Each call by itself. Its commit's timestamp lies above what could be seen when it began and
//      not above what could be seen when it had returned; so does (but for the lower end) the
//      moment of a snapshot or iterator that it took.
//   2. Time. What a call has reached (its commit, its view, the newest it could see) no later call
//      of the client may start below; nor may a call of any other client, if the clock says that
//      it was made after the first had returned. That is "an acknowledged commit is in every later
//      snapshot" and "time never goes back" at once. It is a sweep over the calls by the times they
//      began, which collects those that had returned.
//   3. Versions. All commits in the order of their timestamps, no two of which are equal, make a
//      table of every version of every key, from plain restated rules (VersionTable).
//   4. Sightings. A version is what its key was from its commit to the key's next one. Every call
//      claims that what it saw was so at one moment:
//
//        a call through a snapshot or an anchored iterator    that one's timestamp
//        a conditional write that took effect                 just before its own commit
//        any other call                                       some moment between LatestCommitTs()
//                                                             before and after it
//
//      We begin with all moments that the call could mean, and for each sighting keep those at
//      which it holds, whether it is of a key shown or of one that a scan passed over in silence.
//      If none is left, the claim is false: and since no earlier sighting is forgotten, this
//      covers batches (all of one or nothing), scans that miss or add, and MultiGet, as well as
//      single reads. A condition that was refused claims that its key was something else.
//
// Values are unique, so "holds" needs no guess at which of two equal writes was meant. What then
// went wrong is named by Diagnose(); naming decides nothing.
//
// Memory: what one phase recorded, and one version of a key for each moment in `held`. After a
// phase the newest versions, and what views still held can see, are all that the next one needs,
// because no call is under way between two phases.
//
// Thread-safety: one thread at a time.
class Checker {
 public:
  explicit Checker(const KeySet& keys);

  // Judges all calls since the last phase. No call is under way. `held`: the moments of the views
  // through which clients will still read.
  void CheckPhase(const std::vector<Log>& logs, std::vector<CommitTs> held);

  // The first ones in full; a Db that is broken breaks everything.
  const std::vector<Anomaly>& anomalies() const { return anomalies_; }
  uint64_t anomaly_count() const { return anomaly_count_; }
  uint64_t commit_count() const { return commit_count_; }
  uint64_t sighting_count() const { return sighting_count_; }  // Those of absence included.

 private:
  struct Call {
    const Operation* operation;
    CallName name;
  };
  // The newest commit that a call proves to be visible.
  struct Reached {
    CommitTs ts;
    bool by_commit = false;
    CallName by;
  };

  void CheckCallsAlone(const std::vector<Call>& calls);
  bool CheckScan(const Call& call);
  void CheckClients(const std::vector<Call>& calls);
  void CheckClock(const std::vector<Call>& calls);
  void BuildVersions(const std::vector<Call>& calls);
  void CheckSightings(const Call& call);
  void Report(AnomalyKind kind, const Call& call, const std::string& what);

  void RaiseFloor(const Reached& reached);
  static Reached ReachedBy(const Call& call);

  const KeySet& keys_;
  VersionTable versions_;
  std::unordered_map<uint32_t, Reached> clients_;  // What each has reached.
  Reached floor_;                                  // What all together have.

  std::vector<Anomaly> anomalies_;
  uint64_t anomaly_count_ = 0;
  uint64_t commit_count_ = 0;
  uint64_t sighting_count_ = 0;
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_CHECKER_H_
