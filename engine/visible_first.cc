#include "engine/visible_first.h"

#include <span>
#include <utility>

#include "engine/latched_batch.h"
#include "engine/pending_value.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/status.h"

namespace firn::internal {

// Taken before the commit latches anything; given back if it comes to nothing.
class VisibleFirst::Place {
 public:
  explicit Place(Persistence* persistence) : persistence_(persistence) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (commit_ != nullptr) persistence_->queue.Unreserve(commit_);
  }

  // May wait. Throws std::bad_alloc.
  absl::Status Take(std::span<const NormalizedBatch::PointOp> points,
                    std::span<const NormalizedBatch::RangeDeleteSpan> ranges = {}) {
    if (persistence_ == nullptr) return absl::OkStatus();
    absl::StatusOr<QueuedCommit*> commit = persistence_->queue.Reserve(points, ranges);
    if (commit.ok()) commit_ = *commit;
    return commit.status();
  }
  void Push(uint64_t ts) noexcept {
    if (commit_ != nullptr) persistence_->queue.Push(std::exchange(commit_, nullptr), CommitTs{ts});
  }

 private:
  Persistence* const persistence_;
  QueuedCommit* commit_ = nullptr;
};

VisibleFirst::VisibleFirst(VersionedMap& versioned, Clock& clock, Store& store,
                           AsyncQueue::Limits limits)
    : versioned_(versioned),
      clock_(clock),
      persistence_(std::make_unique<Persistence>(store, limits)) {}

absl::StatusOr<Stamp> VisibleFirst::DrawStamp(const WriteOptions& options) {
  const uint64_t now = clock_.NowNanos();
  if (!options.commit_ts) return versioned_.oracle().Next(now);
  Stamp stamp;
  const GivenTs judged = versioned_.oracle().At(options.commit_ts->value, now, &stamp);
  if (judged != GivenTs::kOk) return GivenTsError(judged);
  return stamp;
}

absl::StatusOr<CommitTs> VisibleFirst::Finish(Stamp stamp, bool froze, Place& place,
                                              const WriteOptions& options) {
  versioned_.oracle().Publish(stamp, [&] { place.Push(stamp.ts); });
  if (froze) versioned_.TidyAfterFreeze();
  const CommitTs ts{stamp.ts};
  if (persistence_ != nullptr && options.durability > Durability::kAsync) {
    if (absl::Status status = Raise(ts, *options.durability); !status.ok()) return status;
  }
  return ts;
}

absl::Status VisibleFirst::Raise(CommitTs ts, Durability durability) {
  absl::Status status = persistence_->queue.WaitPersisted(ts);
  if (status.ok() && durability == Durability::kSync) status = persistence_->gate.WaitSynced(ts);
  if (status.ok() || IsOutcomeUnknown(status)) return status;
  return OutcomeUnknownError("persisting a commit", status);
}

absl::Status VisibleFirst::WaitDurable(CommitTs ts) {
  if (absl::Status status = persistence_->queue.WaitPersisted(ts); !status.ok()) return status;
  return persistence_->gate.WaitSynced(ts);
}

absl::Status VisibleFirst::RunExclusive(absl::FunctionRef<absl::Status()> work) {
  const CommitTs visible{versioned_.oracle().visible()};
  if (absl::Status status = persistence_->queue.WaitPersisted(visible); !status.ok()) return status;
  return persistence_->queue.RunExclusive(work);
}

absl::Status VisibleFirst::Resume() {
  return persistence_->queue.RunExclusive([this] { return persistence_->store.Resume(); });
}

size_t VisibleFirst::unpersisted_count() const {
  return persistence_ == nullptr ? 0 : persistence_->queue.unpersisted_count();
}

absl::Status VisibleFirst::Close() {
  return persistence_ == nullptr ? absl::OkStatus() : persistence_->queue.Close();
}

absl::StatusOr<CommitTs> VisibleFirst::Write(std::string_view key,
                                             std::optional<std::string_view> value,
                                             const WriteOptions& options) {
  return CatchOutOfMemory("writing a key", [&]() -> absl::StatusOr<CommitTs> {
    const NormalizedBatch::PointOp point{key, value};
    Place place(persistence_.get());
    if (absl::Status status = place.Take({&point, 1}); !status.ok()) return status;
    absl::StatusOr<Stamp> stamp;
    bool froze = false;
    {
      const PendingValue pending(versioned_.map(), value);
      CommitWriter writer(versioned_.map(), versioned_.settler());
      writer.LatchKey(key);
      const MapWrite write{key, pending.view()};
      // Deleting nothing takes a timestamp but leaves no tombstone.
      if (value || IsValue(writer.Newest(key))) writer.Prepare({&write, 1});
      stamp = DrawStamp(options);
      if (!stamp.ok()) return stamp.status();
      writer.Apply(stamp->ts);
      froze = writer.froze();
    }
    return Finish(*stamp, froze, place, options);
  });
}

absl::StatusOr<CommitTs> VisibleFirst::Write(const NormalizedBatch& batch,
                                             const WriteOptions& options) {
  return CatchOutOfMemory("writing a batch", [&]() -> absl::StatusOr<CommitTs> {
    Place place(persistence_.get());
    absl::Status status = place.Take(batch.points, batch.ranges);
    if (!status.ok()) return status;
    absl::StatusOr<Stamp> stamp;
    bool froze = false;
    {
      LatchedBatch latched(versioned_.map(), batch.points, batch.ranges);
      CommitWriter writer(versioned_.map(), versioned_.settler());
      writer.Prepare(latched.Latch(writer));
      stamp = DrawStamp(options);
      if (!stamp.ok()) return stamp.status();
      writer.Apply(stamp->ts);
      froze = writer.froze();
    }
    return Finish(*stamp, froze, place, options);
  });
}

absl::StatusOr<std::optional<CommitTs>> VisibleFirst::WriteIf(std::string_view key, Judge judge,
                                                              std::optional<std::string_view> value,
                                                              const WriteOptions& options) {
  using Answer = std::optional<CommitTs>;
  return CatchOutOfMemory("writing a key on a condition", [&]() -> absl::StatusOr<Answer> {
    const NormalizedBatch::PointOp point{key, value};
    Place place(persistence_.get());
    if (absl::Status status = place.Take({&point, 1}); !status.ok()) return status;
    absl::StatusOr<Stamp> stamp;
    bool froze = false;
    uint64_t judged_ts = 0;
    bool commit;
    {
      const PendingValue pending(versioned_.map(), value);
      CommitWriter writer(versioned_.map(), versioned_.settler());
      writer.LatchKey(key);
      const VersionView newest = writer.Newest(key);
      judged_ts = newest.commit_ts;
      commit = judge(newest);
      if (commit) {
        const MapWrite write{key, pending.view()};
        if (value || IsValue(newest)) writer.Prepare({&write, 1});
        stamp = DrawStamp(options);
        if (!stamp.ok()) return stamp.status();
        writer.Apply(stamp->ts);
        froze = writer.froze();
      }
    }
    if (commit) {
      const absl::StatusOr<CommitTs> ts = Finish(*stamp, froze, place, options);
      if (!ts.ok()) return ts.status();
      return Answer(*ts);
    }
    versioned_.oracle().WaitVisible(judged_ts);
    return Answer();
  });
}

}  // namespace firn::internal
