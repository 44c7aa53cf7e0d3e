#include "engine/durable_first.h"

#include <new>
#include <utility>

#include "absl/container/btree_map.h"
#include "engine/latched_batch.h"
#include "engine/pending_value.h"
#include "engine/unshared_status.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/schedule_point.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

// What one write to the store takes: beyond it, waiting for the group costs more than it saves.
constexpr size_t kGroupRequests = 256;
constexpr size_t kGroupPoints = 4096;

}  // namespace

absl::StatusOr<CommitTs> DurableFirst::Write(std::string_view key,
                                             std::optional<std::string_view> value,
                                             const WriteOptions& options) {
  const NormalizedBatch::PointOp point{key, value};
  Request request{.points = {&point, 1}, .given_ts = options.commit_ts};
  Run(request);
  if (!request.status.ok()) return std::move(request.status);
  if (absl::Status status = Raise(*request.commit_ts, options); !status.ok()) return status;
  return *request.commit_ts;
}

absl::StatusOr<CommitTs> DurableFirst::Write(const NormalizedBatch& batch,
                                             const WriteOptions& options) {
  Request request{.points = batch.points, .ranges = batch.ranges, .given_ts = options.commit_ts};
  Run(request);
  if (!request.status.ok()) return std::move(request.status);
  if (absl::Status status = Raise(*request.commit_ts, options); !status.ok()) return status;
  return *request.commit_ts;
}

absl::StatusOr<std::optional<CommitTs>> DurableFirst::WriteIf(std::string_view key, Judge judge,
                                                              std::optional<std::string_view> value,
                                                              const WriteOptions& options) {
  const NormalizedBatch::PointOp point{key, value};
  Request request{.points = {&point, 1}, .judge = judge, .given_ts = options.commit_ts};
  Run(request);
  if (!request.status.ok()) return std::move(request.status);
  if (request.commit_ts) {
    if (absl::Status status = Raise(*request.commit_ts, options); !status.ok()) return status;
  }
  return request.commit_ts;
}

absl::Status DurableFirst::Raise(CommitTs ts, const WriteOptions& options) {
  if (options.durability != Durability::kSync || level_ == Durability::kSync) {
    return absl::OkStatus();
  }
  absl::Status status = gate_.WaitSynced(ts);
  if (status.ok() || IsOutcomeUnknown(status)) return status;
  return OutcomeUnknownError("syncing a commit", status);
}

absl::Status DurableFirst::RunExclusive(absl::FunctionRef<absl::Status()> work) {
  Request request{.work = work};
  Run(request);
  return std::move(request.status);
}

absl::Status DurableFirst::Resume() {
  return RunExclusive([this] { return store_.Resume(); });
}

absl::Status DurableFirst::Close() {
  const auto nothing = [] { return absl::OkStatus(); };
  RunExclusive(nothing).IgnoreError();  // Everybody in line is done, one way or the other.
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  // Those who came in between.
  Request last{.work = nothing};
  Run(last);
  return store_.status();
}

// --- The line -----------------------------------------------------------------------------

void DurableFirst::Run(Request& request) {
  absl::InlinedVector<Request*, 8> group;
  {
    const MutexLock lock(mutex_);
    if (closed_ && (!request.work || first_ == nullptr)) {
      request.status = ClosedError();
      return;
    }
    if (first_ == nullptr) {
      first_ = last_ = &request;
      request.state = Request::State::kLeads;
    } else {
      last_->next = &request;
      last_ = &request;
      while (request.state == Request::State::kWaiting) request.turn.Wait(mutex_);
      if (request.state == Request::State::kDone) return;
    }
    TakeGroup(request, &group);
  }
  Commit(group);

  const MutexLock lock(mutex_);
  first_ = group.back()->next;
  // Whoever is told goes on, with the request on its stack, once the mutex is free.
  for (Request* each : group) {
    each->state = Request::State::kDone;
    if (each != &request) each->turn.NotifyAll();
  }
  if (first_ == nullptr) {
    last_ = nullptr;
    return;
  }
  first_->state = Request::State::kLeads;
  first_->turn.NotifyAll();
}

void DurableFirst::TakeGroup(Request& leader, absl::InlinedVector<Request*, 8>* group) {
  const auto goes_alone = [](const Request& request) {
    return request.work.has_value() || !request.ranges.empty();
  };
  group->push_back(&leader);  // Inline: cannot fail.
  if (goes_alone(leader)) return;
  size_t points = leader.points.size();
  try {
    for (Request* next = leader.next; next != nullptr && !goes_alone(*next); next = next->next) {
      points += next->points.size();
      if (points > kGroupPoints || group->size() >= kGroupRequests) return;
      group->push_back(next);
    }
  } catch (const std::bad_alloc&) {
    // The group is as large as it got.
  }
}

// --- Committing: by the leader alone ---------------------------------------------------------

void DurableFirst::Commit(std::span<Request* const> group) {
  if (group.size() > 1 && CommitTogether(group)) return;
  for (Request* request : group) CommitAlone(*request);
}

void DurableFirst::CommitAlone(Request& request) {
  request.commit_ts.reset();
  request.status =
      CatchOutOfMemory("writing to the Db", [&] { return CommitAloneOrThrow(request); });
}

absl::Status DurableFirst::CommitAloneOrThrow(Request& request) {
  if (request.work) return (*request.work)();
  if (absl::Status status = store_.status(); !status.ok()) return status;
  OrderedMap& map = versioned_.map();
  absl::StatusOr<uint64_t> ts;
  bool froze = false;
  {
    LatchedBatch batch(map, request.points, request.ranges);
    CommitWriter writer(map, versioned_.settler());
    const std::span<const MapWrite> writes = batch.Latch(writer);
    if (request.judge && !(*request.judge)(writer.Newest(request.points.front().key))) {
      return absl::OkStatus();
    }
    if (!writes.empty()) writer.Prepare(writes);
    ts = ChooseTs(request.given_ts, versioned_.oracle().last_stamped());
    if (!ts.ok()) return ts.status();
    const StoreCommit commit{{*ts}, request.points, request.ranges};
    AtSchedulePoint("durable:before_store");
    if (absl::Status status = store_.Write({&commit, 1}, level_); !status.ok()) return status;
    AtSchedulePoint("durable:after_store");
    writer.Apply(*ts);
    froze = writer.froze();
  }
  versioned_.oracle().PublishGroup(*ts, 1);
  request.commit_ts = CommitTs{*ts};
  if (froze) versioned_.TidyAfterFreeze();
  return absl::OkStatus();
}

// What a group of commits comes to before it is written.
class DurableFirst::Group {
 public:
  Group(OrderedMap& map, std::span<Request* const> requests) : map_(map) {
    size_t points = 0;
    for (const Request* request : requests) points += request->points.size();
    values_.reserve(points);
    commits_.reserve(requests.size());
  }

  // Shows the newest stamped version of `key` to `judge`, published or not. `*pending`: not.
  bool Ask(Judge judge, std::string_view key, bool* pending) const {
    const auto found = newest_.find(key);
    *pending = found != newest_.end();
    if (*pending) return judge(found->second);
    const EpochGuard guard;
    return judge(NewestStamped(*map_.FindState(key), key));
  }

  void Add(const Request& request, uint64_t ts) {
    for (const NormalizedBatch::PointOp& point : request.points) {
      values_.emplace_back(map_, point.value);
      VersionView& newest = newest_[point.key];
      newest = values_.back().view();
      newest.commit_ts = ts;
    }
    commits_.push_back({{ts}, request.points, {}});
  }

  std::span<const MapWrite> Latch(CommitWriter& writer) {
    writes_.reserve(newest_.size());
    for (const auto& [key, newest] : newest_) {
      writer.LatchKey(key);
      if (IsValue(newest) || IsValue(writer.Newest(key))) writes_.push_back({key, newest});
    }
    return writes_;
  }

  const std::vector<StoreCommit>& commits() const { return commits_; }

 private:
  OrderedMap& map_;
  std::vector<PendingValue> values_;
  std::vector<StoreCommit> commits_;
  absl::btree_map<std::string_view, VersionView> newest_;
  std::vector<MapWrite> writes_;
};

bool DurableFirst::CommitTogether(std::span<Request* const> requests) {
  bool froze = false;
  uint64_t last = versioned_.oracle().last_stamped();
  size_t count = 0;
  try {
    Group group(versioned_.map(), requests);
    CommitWriter writer(versioned_.map(), versioned_.settler());
    // Who fails if the group's write does.
    absl::InlinedVector<Request*, 32> depending;
    depending.reserve(requests.size());
    for (Request* request : requests) {
      request->commit_ts.reset();
      request->status = store_.status();
      if (!request->status.ok()) continue;
      bool pending = false;
      const bool refused =
          request->judge && !group.Ask(*request->judge, request->points.front().key, &pending);
      if (pending || !refused) depending.push_back(request);
      if (refused) continue;
      const absl::StatusOr<uint64_t> ts = ChooseTs(request->given_ts, last);
      request->status = ts.status();
      if (!ts.ok()) continue;
      group.Add(*request, *ts);
      last = *ts;
      request->commit_ts = CommitTs{last};
    }
    count = group.commits().size();
    if (count == 0) return true;
    const std::span<const MapWrite> writes = group.Latch(writer);
    if (!writes.empty()) writer.Prepare(writes);
    AtSchedulePoint("durable:before_store");
    if (const absl::Status status = store_.Write(group.commits(), level_); !status.ok()) {
      for (Request* request : depending) {
        request->commit_ts.reset();
        if (request->status.ok()) request->status = UnsharedStatus(status);
      }
      return true;
    }
    AtSchedulePoint("durable:after_store");
    writer.ApplyStamped();
    froze = writer.froze();
  } catch (const std::bad_alloc&) {
    return false;
  }
  versioned_.oracle().PublishGroup(last, count);
  if (froze) versioned_.TidyAfterFreeze();
  return true;
}

absl::StatusOr<uint64_t> DurableFirst::ChooseTs(std::optional<CommitTs> given, uint64_t last) {
  const uint64_t now = clock_.NowNanos();
  if (!given) return TimestampOracle::After(last, now);
  const GivenTs judged = TimestampOracle::Judge(given->value, last, now);
  if (judged != GivenTs::kOk) return GivenTsError(judged);
  return given->value;
}

}  // namespace firn::internal
