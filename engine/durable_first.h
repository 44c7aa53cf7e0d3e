// The durable-first commit protocol.
#ifndef FIRN_ENGINE_DURABLE_FIRST_H_
#define FIRN_ENGINE_DURABLE_FIRST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "engine/commit_pipeline.h"
#include "engine/store.h"
#include "engine/sync_gate.h"
#include "mvcc/mutex.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// DurableFirst commits to a Db whose writes are durable before anybody sees them.
//
// Committers line up. The first of the line leads: it takes those behind it as its group and
// commits all of them with one write to the store, while new ones line up:
//
//   1. judge each request in line order, against what the requests before it in the group are
//      about to write, else against the map
//   2. give each a timestamp
//   3. latch the leaves, allocate all that linking needs   (the last step that can fail cleanly)
//   4. write the group to the store
//   5. link the versions, unlatch, publish the group at its last timestamp, all at once
//   6. tell the group, and whoever is first in line now that it leads
//
// Nobody but the leader writes, so all that the map holds is published, and a group's writes
// that supersede each other need not be linked: nobody could see them. A request alone in line
// does everything on its own thread. One that deletes ranges is led alone, for which keys its
// ranges cover is known only once the leaves are latched.
//
// If step 4 fails, what the store holds is unknown: the map stays as it was, and every request
// of the group, also one that was refused because of what another was about to write, gets the
// store's error.
//
// A request may ask for more than the Db's own durability: it is written and published with its
// group, and its caller then waits for an fsync, alone.
//
// Thread-safety: any thread.
class DurableFirst final : public CommitPipeline {
 public:
  // `level`: kBuffered or kSync. All outlive it.
  DurableFirst(VersionedMap& versioned, Store& store, Clock& clock, Durability level)
      : versioned_(versioned), store_(store), clock_(clock), level_(level), gate_(store) {}

  absl::StatusOr<CommitTs> Write(std::string_view key, std::optional<std::string_view> value,
                                 const WriteOptions& options) override;
  absl::StatusOr<CommitTs> Write(const NormalizedBatch& batch,
                                 const WriteOptions& options) override;
  absl::StatusOr<std::optional<CommitTs>> WriteIf(std::string_view key, Judge judge,
                                                  std::optional<std::string_view> value,
                                                  const WriteOptions& options) override;
  absl::Status WaitDurable(CommitTs ts) override { return gate_.WaitSynced(ts); }
  absl::Status RunExclusive(absl::FunctionRef<absl::Status()> work) override;
  absl::Status Resume() override;
  size_t unpersisted_count() const override { return 0; }
  absl::Status Close() override;

 private:
  // A committer in line. Lives on its thread's stack.
  struct Request {
    std::span<const NormalizedBatch::PointOp> points = {};
    std::span<const NormalizedBatch::RangeDeleteSpan> ranges = {};
    std::optional<Judge> judge = {};  // Of the only point.
    std::optional<CommitTs> given_ts = {};
    // Instead of a commit; led alone.
    std::optional<absl::FunctionRef<absl::Status()>> work = {};

    // The answer.
    absl::Status status = {};
    std::optional<CommitTs> commit_ts = {};  // Absent: the judge was against it.

    // Under mutex_.
    enum class State { kWaiting, kLeads, kDone };
    State state = State::kWaiting;
    Request* next = nullptr;
    CondVar turn = {};
  };
  class Group;

  // Lines up, and returns when the request is done.
  void Run(Request& request) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeGroup(Request& leader, absl::InlinedVector<Request*, 8>* group)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Commit(std::span<Request* const> group);
  void CommitAlone(Request& request);
  absl::Status CommitAloneOrThrow(Request& request);
  // False: it came to nothing, and nothing was written.
  bool CommitTogether(std::span<Request* const> group);

  absl::StatusOr<uint64_t> ChooseTs(std::optional<CommitTs> given, uint64_t last);
  // Raises the commit to the level that its caller asks for.
  absl::Status Raise(CommitTs ts, const WriteOptions& options);

  VersionedMap& versioned_;
  Store& store_;
  Clock& clock_;
  const Durability level_;
  SyncGate gate_;

  Mutex mutex_;
  // The line: the leader and its group first.
  Request* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Request* last_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_DURABLE_FIRST_H_
