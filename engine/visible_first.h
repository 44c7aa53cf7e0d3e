// The visible-first commit protocol.
#ifndef FIRN_ENGINE_VISIBLE_FIRST_H_
#define FIRN_ENGINE_VISIBLE_FIRST_H_

#include <memory>
#include <optional>
#include <string_view>

#include "engine/async_queue.h"
#include "engine/commit_pipeline.h"
#include "engine/sync_gate.h"
#include "firn/types.h"
#include "mvcc/commit_writer.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// VisibleFirst commits to a Db whose writes are visible before they are durable, if ever.
//
//   0. with a store: take room in the queue of commits to be persisted, which may wait
//   1. latch the leaves involved, in key order
//   2. judge the condition and capture what is superseded: the newest stamped version counts,
//      visible or not
//   3. allocate everything, make room            (the last step that can fail)
//   4. stamp, under the latches: so stamps on one key grow in chain order
//   5. link the versions, unlatch                (CommitWriter::Apply)
//   6. publish in stamp order                    (TimestampOracle::Publish); whoever has the turn
//      puts its commit into the queue just before, so the store gets commits in stamp order
//
// Writers on different leaves meet only in steps 4 and 6, at one atomic each. A waiting
// publisher holds no latch. A condition that fails on an unpublished version returns only after
// that version is visible, or its caller could read an older state than the answer it has.
//
// A caller that asks for more than the Db's own durability returns later; its commit is visible
// as soon as any other.
//
// Thread-safety: any thread.
class VisibleFirst final : public CommitPipeline {
 public:
  // In memory only. All outlive it.
  VisibleFirst(VersionedMap& versioned, Clock& clock) : versioned_(versioned), clock_(clock) {}
  // Persists to `store`. Throws std::bad_alloc, std::system_error.
  VisibleFirst(VersionedMap& versioned, Clock& clock, Store& store, AsyncQueue::Limits limits);

  absl::StatusOr<CommitTs> Write(std::string_view key, std::optional<std::string_view> value,
                                 const WriteOptions& options) override;
  absl::StatusOr<CommitTs> Write(const NormalizedBatch& batch,
                                 const WriteOptions& options) override;
  // Runs `judge` under the key's latch.
  absl::StatusOr<std::optional<CommitTs>> WriteIf(std::string_view key, Judge judge,
                                                  std::optional<std::string_view> value,
                                                  const WriteOptions& options) override;
  absl::Status WaitDurable(CommitTs ts) override;
  absl::Status RunExclusive(absl::FunctionRef<absl::Status()> work) override;
  absl::Status Resume() override;
  size_t unpersisted_count() const override;
  absl::Status Close() override;

 private:
  // A commit's place in the queue; none in memory.
  class Place;
  // What a store is to be told of.
  struct Persistence {
    Persistence(Store& to, AsyncQueue::Limits limits) : store(to), gate(to), queue(to, limits) {}
    Store& store;
    SyncGate gate;
    AsyncQueue queue;
  };

  absl::StatusOr<Stamp> DrawStamp(const WriteOptions& options);
  // Makes a stamped commit visible, lends the background a hand, and waits for as much
  // durability as the caller asks for beyond the Db's own.
  absl::StatusOr<CommitTs> Finish(Stamp stamp, bool froze, Place& place,
                                  const WriteOptions& options);
  absl::Status Raise(CommitTs ts, Durability durability);

  VersionedMap& versioned_;
  Clock& clock_;
  const std::unique_ptr<Persistence> persistence_;  // Null in memory.
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_VISIBLE_FIRST_H_
