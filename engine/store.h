// What the commit pipeline needs of a durable store. engine/rocksdb_store.* gives it on
// disk, engine/memory_store.* in memory for tests; tests/engine/store_contract_test.cc
// holds both to every sentence here.
#ifndef FIRN_ENGINE_STORE_H_
#define FIRN_ENGINE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/normalized_batch.h"
#include "firn/options.h"
#include "firn/types.h"

namespace firn::internal {

// One commit as it is stored: delete every key in `ranges`, then apply `points`.
// The views need to live as long as the call that they are handed to.
struct StoreCommit {
  CommitTs commit_ts;
  absl::Span<const NormalizedBatch::PointOp> points;
  absl::Span<const NormalizedBatch::RangeDeleteSpan> ranges;
};

// A key's newest value, and the commit that wrote it.
struct StoreEntry {
  std::string_view key;
  std::string_view value;
  CommitTs commit_ts;
};

// A Store keeps the newest value of every key on disk, as of its last commit.
//
// Order. Groups of commits are written one after the other, and commit timestamps ascend
//     within a group and from each group to the next. Whatever happens, the store when next
//     opened holds the groups up to some point in that order, each of them whole.
//
// Durability. A group whose Write() returned OK is *buffered*: it survives the death of the
//     process. It is *synced*, and survives a power cut, once a Write() at kSync, a Sync(),
//     a Flush(), a Resume() or a Close() that began after it was written returned OK. A
//     group whose Write() has not returned, or failed, may survive or not, but never in part.
//
// State. A store is open, failed or closed:
//
//       state    Write Sync Flush    Load SplitKeys    Resume              Close
//       open     work                work              OK, as Flush        syncs; then closed
//       failed   refused             work              may open it again   its failure, at once
//       closed   kClosed             kClosed           kClosed             its first answer
//
//     It fails when Write, Sync, Flush or Resume could not finish what they had begun on
//     disk, or on its own when work behind them could not; status() then says why. Such a
//     failure is sticky, and while it lasts nothing is written. A Resume that fails may leave
//     a store that cannot be read either: Load and SplitKeys then return its failure.
//
// Errors. status.h tells the kinds; here the code says what the trouble is: kUnavailable
//     for I/O, kResourceExhausted for a full disk. Of a call that failed:
//       - IsOutcomeUnknown(): this call made the store fail. What it was to write, or to
//         sync, may be on disk or not, until the store is opened again or resumed.
//       - any other error: nothing was written. If the store was open, it still is
//         (kOutOfMemory).
//     No call throws, and none aborts on what it finds on disk.
//
// Thread-safety: Write, Resume and Close are called by one thread at a time. The others may be
//     called by any thread at any time, also while Write or Close runs; Write does not wait for
//     a Sync under way.
// Lifetime: destroying an open store is as the death of the process: what was buffered is
//     there when it is next opened.
class Store {
 public:
  virtual ~Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Writes all commits of `group`, in order, as one: after a crash all are there or none.
  // An empty group writes nothing; at kSync it is a Sync.
  // Requires: timestamps ascend and are above last_commit_ts(); durability is kBuffered or
  // kSync.
  virtual absl::Status Write(absl::Span<const StoreCommit> group, Durability durability) = 0;

  // Makes every commit whose Write() returned OK before this call survive a power cut.
  // Returns the last commit of which that is now known: that one or a later one.
  virtual absl::StatusOr<CommitTs> Sync() = 0;

  // A Sync that also moves the log's content to where the next open need not replay it.
  virtual absl::Status Flush() = 0;

  // Calls `visit` for every entry in `range`, each key once, keys ascending: the state after
  // all groups whose Write() returned OK before this call, and possibly some later ones,
  // each whole. The views last as long as the call of `visit`. An error from `visit` ends
  // the walk and is returned as it is. `visit` does not call the store.
  // Loads of separate ranges may run at once; they show one state if no Write runs meanwhile.
  // Requires: the bounds are not crossed.
  virtual absl::Status Load(const KeyRange& range,
                            absl::FunctionRef<absl::Status(const StoreEntry&)> visit) const = 0;

  // Tells a store that was opened to be loaded that this is done: what it does in the background by
  // itself, it may begin. Until then it leaves the machine to the loads.
  virtual absl::Status OnLoaded() = 0;

  // At most `parts` - 1 keys, ascending and unique, that cut the entries into ranges of about
  // equal size, so that several threads can load. Fewer where there is little to cut.
  virtual absl::StatusOr<std::vector<std::string>> SplitKeys(size_t parts) const = 0;

  // The last commit of a group whose Write() returned OK, or that was there when the store
  // was opened; kBeforeEverything if there is none.
  virtual CommitTs last_commit_ts() const = 0;

  // The last commit known to survive a power cut; at most last_commit_ts().
  virtual CommitTs synced_ts() const = 0;

  // OK while open; the failure while failed; kClosed after.
  virtual absl::Status status() const = 0;

  // Tries to make a store sound again that failed on a full disk. OK: it is open, it holds
  // exactly the groups whose Write() returned OK, and all of them are synced; the group whose
  // Write() failed is not among them and never will be. An error: it is failed as before.
  // A store that failed otherwise can only be opened again, and says so.
  virtual absl::Status Resume() = 0;

  // Bytes of the store's files; 0 if unknown.
  virtual uint64_t disk_bytes() const = 0;

  // Rewrites the files of `range` without what was overwritten or deleted.
  virtual absl::Status Compact(const KeyRange& range) = 0;

  // Reads every file to its end. kDataLoss names one that is damaged.
  virtual absl::Status VerifyFiles() const = 0;

  // Makes everything durable, flushes, and lets go of the disk. Idempotent. On a failed store
  // it returns the failure without waiting for the disk, and lets go all the same.
  virtual absl::Status Close() = 0;

 protected:
  Store() = default;
};

// How a Db comes by its store.
struct StoreOptions {
  std::string path;
  bool create_if_missing = true;
  bool error_if_exists = false;
  bool read_only = false;  // Nothing on disk is changed; writing is not asked for.
  // Called once for each failure, by whoever finds it, with what writes are refused with.
  // Must not call the store.
  std::function<void(const absl::Status&)> on_failure = {};
};

// The seam by which tests give a Db another store.
class StoreOpener {
 public:
  virtual ~StoreOpener() = default;
  virtual absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options) = 0;
};

// True if `status`, from a Store, left open whether its call did what it was to do.
bool IsOutcomeUnknown(const absl::Status& status);

// For implementations: what the call that made the store fail returns, after `cause`.
// `doing` completes "failed while ...". Never throws; keeps the code of `cause`.
absl::Status OutcomeUnknownError(std::string_view doing, const absl::Status& cause) noexcept;
// What every later call returns. Never throws; keeps the code of `failure`.
absl::Status StoreFailedError(const absl::Status& failure) noexcept;
// True if the timestamps of `group` ascend from above `last`.
bool Ascends(absl::Span<const StoreCommit> group, CommitTs last);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_STORE_H_
