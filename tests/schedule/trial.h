// What scenarios are made of: a small Db, threads that do something to it, and the judgement of
// what each of them saw.
#ifndef FIRN_TESTS_SCHEDULE_TRIAL_H_
#define FIRN_TESTS_SCHEDULE_TRIAL_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/oracle.h"

namespace firn::test {

// One thread of a scenario. `name` is a literal; what `body` throws is a failure of the test.
struct Role {
  const char* name;
  std::function<void()> body;
};

// Runs all bodies at once, each on a thread of its own, and returns when all are done.
void RunTogether(const std::vector<Role>& roles);

// A Witness does what one thread does to a Db, and remembers what it was told. Judge() then asks
// of all witnesses together whether one order of commits, that of their timestamps, explains
// everything:
//
//   - timestamps are unique, and no witness ever saw time go back
//   - a scan shows exactly the oracle's view at its moment, forward and backward
//   - Get and MultiGet show the state at one moment between LatestCommitTs() just before the
//     call and just after it
//   - a conditional write that took place found what it says just before its own commit; one
//     that did not was right at some moment of its call
//
// Thread-safety: one thread at a time.
class Witness {
 public:
  explicit Witness(const std::unique_ptr<Db>& db) : db_(db) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  // --- Writes.
  CommitTs Put(const std::string& key, const std::string& value);
  CommitTs Delete(const std::string& key);
  CommitTs DeleteRange(const std::string& lower, const std::string& upper);
  CommitTs Write(const WriteBatch& batch);
  // Whether it took place.
  bool CompareAndSwap(const std::string& key, const std::optional<std::string>& expected,
                      const std::string& value);
  void Swap(const std::string& key, const std::string& value);
  LoadOrStoreResult LoadOrStore(const std::string& key,
                                absl::FunctionRef<absl::StatusOr<std::string>()> factory);
  // A commit that was made by other means.
  void Committed(CommitTs ts, WriteBatch batch);
  void CommittedPut(CommitTs ts, const std::string& key, const std::string& value);

  // --- Reads.
  std::optional<std::string> Get(const std::string& key);
  void MultiGet(const std::vector<std::string>& keys);
  Snapshot TakeSnapshot();
  // Takes a snapshot and reads all of it, forward and backward.
  void ScanSnapshot();
  void Scan(const Snapshot& snapshot);
  // Reads all of the Db by an iterator of its own.
  void ScanForward();
  void ScanBackward();
  // What was read by other means: all that `ts` shows within `bounds`, in key order.
  void Saw(CommitTs ts, std::vector<Entry> entries, Bounds bounds = {});

  // Of all that the witnesses of one Db saw.
  static void Judge(const std::deque<Witness>& witnesses);

 private:
  struct Commit {
    CommitTs ts;
    WriteBatch batch;
  };
  struct View {
    CommitTs ts;
    Bounds bounds;
    std::vector<Entry> entries;
  };
  // Holds of the oracle at `exactly`, or else at some moment from `from` to `to`.
  struct Claim {
    CommitTs from;
    CommitTs to;
    std::string says;
    std::function<bool(const Oracle& oracle, CommitTs ts)> holds;
  };

  void Walk(bool forward);
  // Whoever knows `ts` now knew nothing newer before.
  void TimeIs(CommitTs ts);
  void ClaimJustBefore(CommitTs ts, const std::string& key, std::optional<std::string> value);
  // The call that was to be claimed something about, the latest, has committed instead.
  void CommittedDuring(const Claim& claim, CommitTs ts, WriteBatch batch);
  template <class Call>
  auto During(const std::string& says, const Call& call, Claim** claim);

  const std::unique_ptr<Db>& db_;
  CommitTs newest_;
  std::vector<Commit> commits_;
  std::vector<View> views_;
  std::deque<Claim> claims_;
};

// A Trial is one run of a scenario: a Db of the smallest sizes, whose clock stands still so that
// commits are numbered 1, 2, 3, and the witnesses of its life.
class Trial {
 public:
  explicit Trial(const Options& options, std::string path = {});

  Db& db() { return *db_; }
  const std::unique_ptr<Db>& db_pointer() { return db_; }
  void CloseDb() { db_.reset(); }
  // One for each thread.
  Witness& NewWitness() { return witnesses_.emplace_back(db_); }

  // Whether what the witnesses saw fits together.
  void Judge() { Witness::Judge(witnesses_); }
  // The same, and that the structure is sound and nothing stays that nobody sees. Requires: all
  // handles of the Db are gone.
  void JudgeAll();

 private:
  ManualClock clock_;
  std::unique_ptr<Db> db_;
  std::deque<Witness> witnesses_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SCHEDULE_TRIAL_H_
