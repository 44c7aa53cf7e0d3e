#include "tests/schedule/trial.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mvcc/thread.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

std::string Shown(const std::optional<std::string>& value) {
  return value ? absl::StrCat("\"", *value, "\"") : "nothing";
}

WriteBatch PutOf(const std::string& key, const std::string& value) {
  WriteBatch batch;
  batch.Put(key, value);
  return batch;
}

}  // namespace

void RunTogether(const std::vector<Role>& roles) {
  std::deque<internal::Thread> threads(roles.size());
  for (size_t i = 0; i < roles.size(); ++i) {
    threads[i].Start(roles[i].name, [&role = roles[i]] {
      try {
        role.body();
      } catch (const std::exception& exception) {
        ADD_FAILURE() << role.name << ": " << exception.what();
      }
    });
  }
  for (internal::Thread& thread : threads) thread.Join();
}

// --- Witness: what happened ----------------------------------------------------------------

void Witness::TimeIs(CommitTs ts) {
  EXPECT_GE(ts, newest_) << "time went back";
  newest_ = std::max(newest_, ts);
}

void Witness::Committed(CommitTs ts, WriteBatch batch) {
  EXPECT_GT(ts, newest_) << "a commit that is older than what its thread knew before";
  EXPECT_GE(db_->LatestCommitTs(), ts) << "a write has returned that is not visible";
  TimeIs(ts);
  commits_.push_back({ts, std::move(batch)});
}

void Witness::CommittedPut(CommitTs ts, const std::string& key, const std::string& value) {
  Committed(ts, PutOf(key, value));
}

CommitTs Witness::Put(const std::string& key, const std::string& value) {
  const CommitTs ts = ValueOf(db_->Put(key, value));
  CommittedPut(ts, key, value);
  return ts;
}

CommitTs Witness::Delete(const std::string& key) {
  const CommitTs ts = ValueOf(db_->Delete(key));
  WriteBatch batch;
  batch.Delete(key);
  Committed(ts, std::move(batch));
  return ts;
}

CommitTs Witness::DeleteRange(const std::string& lower, const std::string& upper) {
  const CommitTs ts = ValueOf(db_->DeleteRange({lower, upper}));
  WriteBatch batch;
  batch.DeleteRange({lower, upper});
  Committed(ts, std::move(batch));
  return ts;
}

CommitTs Witness::Write(const WriteBatch& batch) {
  const CommitTs ts = ValueOf(db_->Write(batch));
  Committed(ts, batch);
  return ts;
}

// A claim about the moments of `call`.
template <class Call>
auto Witness::During(const std::string& says, const Call& call, Claim** claim) {
  const CommitTs from = db_->LatestCommitTs();
  TimeIs(from);
  auto answer = call();
  const CommitTs to = db_->LatestCommitTs();
  TimeIs(to);
  *claim = &claims_.emplace_back(Claim{from, to, says, {}});
  return answer;
}

void Witness::CommittedDuring(const Claim& claim, CommitTs ts, WriteBatch batch) {
  EXPECT_TRUE(claim.from < ts && ts <= claim.to) << "a commit at a moment outside its call";
  claims_.pop_back();
  commits_.push_back({ts, std::move(batch)});
}

void Witness::ClaimJustBefore(CommitTs ts, const std::string& key,
                              std::optional<std::string> value) {
  const CommitTs before{ts.value - 1};
  claims_.push_back({before, before,
                     absl::StrCat("the commit ", ts.value, " found ", Shown(value), " at ", key),
                     [key, value = std::move(value)](const Oracle& oracle, CommitTs at) {
                       return oracle.Get(key, at) == value;
                     }});
}

bool Witness::CompareAndSwap(const std::string& key, const std::optional<std::string>& expected,
                             const std::string& value) {
  Claim* claim;
  const std::optional<CommitTs> ts = During(
      absl::StrCat(key, " is not ", Shown(expected)),
      [&] { return ValueOf(db_->CompareAndSwap(key, expected, value)); }, &claim);
  if (ts) {
    CommittedDuring(*claim, *ts, PutOf(key, value));
    ClaimJustBefore(*ts, key, expected);
    return true;
  }
  claim->holds = [=](const Oracle& oracle, CommitTs at) { return oracle.Get(key, at) != expected; };
  return false;
}

void Witness::Swap(const std::string& key, const std::string& value) {
  ExchangeResult result = ValueOf(db_->Swap(key, value));
  CommittedPut(result.commit_ts, key, value);
  ClaimJustBefore(result.commit_ts, key, std::move(result.old));
}

LoadOrStoreResult Witness::LoadOrStore(const std::string& key,
                                       absl::FunctionRef<absl::StatusOr<std::string>()> factory) {
  Claim* claim;
  LoadOrStoreResult result = During(
      absl::StrCat(key, " was loaded"), [&] { return ValueOf(db_->LoadOrStore(key, factory)); },
      &claim);
  if (result.loaded) {
    claim->holds = [=](const Oracle& oracle, CommitTs at) {
      return oracle.Find(key, at) == Entry{key, result.value, result.commit_ts};
    };
    return result;
  }
  CommittedDuring(*claim, result.commit_ts, PutOf(key, result.value));
  ClaimJustBefore(result.commit_ts, key, std::nullopt);
  return result;
}

std::optional<std::string> Witness::Get(const std::string& key) {
  Claim* claim;
  std::optional<std::string> value = During(
      absl::StrCat("Get ", key), [&] { return ValueOf(db_->Get(key)); }, &claim);
  absl::StrAppend(&claim->says, " found ", Shown(value));
  claim->holds = [key, value](const Oracle& oracle, CommitTs at) {
    return oracle.Get(key, at) == value;
  };
  return value;
}

void Witness::MultiGet(const std::vector<std::string>& keys) {
  Claim* claim;
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const auto values = During(
      "MultiGet", [&] { return ValueOf(db_->MultiGet(views)); }, &claim);
  for (size_t i = 0; i < keys.size(); ++i) {
    absl::StrAppend(&claim->says, " ", keys[i], "=", Shown(values[i]));
  }
  claim->holds = [keys, values](const Oracle& oracle, CommitTs at) {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (oracle.Get(keys[i], at) != values[i]) return false;
    }
    return true;
  };
}

Snapshot Witness::TakeSnapshot() {
  Snapshot snapshot = db_->GetSnapshot();
  EXPECT_TRUE(IsOk(snapshot.status()));
  TimeIs(snapshot.ts());
  return snapshot;
}

void Witness::ScanSnapshot() { Scan(TakeSnapshot()); }

void Witness::Scan(const Snapshot& snapshot) {
  Saw(snapshot.ts(), ReadForward(snapshot));
  Saw(snapshot.ts(), ReadBackward(snapshot));
}

void Witness::ScanForward() { Walk(/*forward=*/true); }

void Witness::ScanBackward() { Walk(/*forward=*/false); }

void Witness::Walk(bool forward) {
  Iterator iterator = db_->NewIterator();
  std::vector<Entry> entries;
  forward ? iterator.SeekToFirst() : iterator.SeekToLast();
  while (iterator.Valid()) {
    entries.push_back(
        {std::string(iterator.key()), std::string(iterator.value()), iterator.commit_ts()});
    forward ? iterator.Next() : iterator.Prev();
  }
  EXPECT_TRUE(IsOk(iterator.status()));
  if (!forward) std::reverse(entries.begin(), entries.end());
  TimeIs(*iterator.read_ts());
  Saw(*iterator.read_ts(), std::move(entries));
}

void Witness::Saw(CommitTs ts, std::vector<Entry> entries, Bounds bounds) {
  views_.push_back({ts, std::move(bounds), std::move(entries)});
}

// --- Witness: the judgement ------------------------------------------------------------------

void Witness::Judge(const std::deque<Witness>& witnesses) {
  std::vector<const Commit*> commits;
  for (const Witness& witness : witnesses) {
    for (const Commit& commit : witness.commits_) commits.push_back(&commit);
  }
  std::sort(commits.begin(), commits.end(),
            [](const Commit* a, const Commit* b) { return a->ts < b->ts; });
  Oracle oracle;
  for (size_t i = 0; i < commits.size(); ++i) {
    EXPECT_TRUE(i == 0 || commits[i - 1]->ts < commits[i]->ts) << "two commits have one timestamp";
    oracle.Write(commits[i]->ts, commits[i]->batch);
  }
  for (const Witness& witness : witnesses) {
    for (const View& view : witness.views_) {
      EXPECT_EQ(view.entries, oracle.View(view.ts, view.bounds)) << "read at " << view.ts;
    }
    for (const Claim& claim : witness.claims_) {
      bool held = claim.holds(oracle, claim.from);
      for (const Commit* commit : commits) {
        if (held) break;
        held = commit->ts > claim.from && commit->ts <= claim.to && claim.holds(oracle, commit->ts);
      }
      EXPECT_TRUE(held) << claim.says << ", which was so at no moment from " << claim.from << " to "
                        << claim.to;
    }
  }
}

// --- Trial -------------------------------------------------------------------------------------

Trial::Trial(const Options& options, std::string path) {
  Options with_clock = options;
  with_clock.clock = &clock_;
  with_clock.load_threads = 1;
  db_ = options.store_opener == nullptr ? OpenTestDb(with_clock)
                                        : ValueOf(Db::Open(with_clock, path));
}

void Trial::JudgeAll() {
  Judge();
  EXPECT_EQ(ExpectNothingStays(*db_).retired_bytes, 0u);
}

}  // namespace firn::test
