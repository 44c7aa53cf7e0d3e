// Start here. A Db is an ordered map from byte strings to byte strings that keeps
// frozen snapshots readable while it changes.
//
//   absl::StatusOr<std::unique_ptr<firn::Db>> opened = firn::Db::Open({}, "data");
//   if (!opened.ok()) return Fail(opened.status());
//   firn::Db& db = **opened;
//   absl::StatusOr<firn::CommitTs> committed = db.Put("foo", "1");
//   firn::Snapshot snap = db.GetSnapshot({.label = "report"});
//   for (auto [key, value] : snap.Range("a", "z")) Use(key, value);
#ifndef FIRN_DB_H_
#define FIRN_DB_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "firn/export.h"
#include "firn/iterator.h"
#include "firn/options.h"
#include "firn/snapshot.h"
#include "firn/stats.h"
#include "firn/types.h"
#include "firn/write_batch.h"

namespace firn {

// A Db is an ordered, versioned key-value map.
//
// Every write is a commit with a unique commit timestamp; it is visible to everybody
// when its call returns. Reads wait for no lock and for nobody.
//
// Thread-safety: all methods from any number of threads at once, except the destructor.
// Lifetime: ~Db closes. Snapshots, iterators and pinned values may outlive it. After fork()
//     the child can do nothing with it but destroy it.
// Errors: typed absl::Status, see status.h. A failed write changed nothing, unless its
//     message says that the outcome is unknown: then the disk failed, and whether the commit
//     is there is known after Resume() or the next Open(). After Close() every call answers
//     kFailedPrecondition.
class FIRN_EXPORT Db {
 public:
  // The Db in directory `path`, made if need be (its parent must exist; mode 0700). All of
  // it is read into memory. What it then shows is the state at one commit: at least the last
  // that was acknowledged at the durability it was asked for.
  // kDataLoss: that is not possible; nothing was changed. kLocked: another process, named in
  // the message, has it open. kNotFound, kAlreadyExists: see Options. kNewerFormat: a newer
  // release wrote it. kInvalidArgument: Durability::kMemory, or an option out of range.
  static absl::StatusOr<std::unique_ptr<Db>> Open(const Options& options, std::string_view path);
  // A Db that lives in memory only: Durability::kMemory, whatever the options say.
  static absl::StatusOr<std::unique_ptr<Db>> OpenInMemory(const Options& options = {});

  // Deletes the Db in directory `path`, and the directory if nothing else is in it.
  // kNotFound: there is no Db. kLocked: somebody has it open.
  static absl::Status Destroy(std::string_view path);

  ~Db();
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  // --- Reads of the newest state -------------------------------------------------
  // A missing key is std::nullopt.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const;
  // Copies the value into `*value` and returns true, or returns false and leaves it.
  absl::StatusOr<bool> Get(std::string_view key, std::string* value) const;
  absl::StatusOr<std::optional<PinnedValue>> GetPinned(std::string_view key) const;
  // All keys at one moment; answers stand in the order of `keys`.
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const std::string_view> keys) const;
  // The same into `*values`, whose strings are written over; see Snapshot::MultiGet().
  absl::Status MultiGet(absl::Span<const std::string_view> keys,
                        std::vector<std::optional<std::string>>* values) const;
  absl::StatusOr<bool> Contains(std::string_view key) const;
  // Estimates from the map's structure; cost grows with the number of inner nodes.
  absl::StatusOr<uint64_t> ApproximateCount(const KeyRange& range) const;
  absl::StatusOr<uint64_t> ApproximateBytes(const KeyRange& range) const;

  // --- Writes: each returns its commit timestamp -----------------------------------
  absl::StatusOr<CommitTs> Put(std::string_view key, std::string_view value,
                               const WriteOptions& options = {});
  // Deleting a key that is not there is a commit too.
  absl::StatusOr<CommitTs> Delete(std::string_view key, const WriteOptions& options = {});
  absl::StatusOr<CommitTs> DeleteRange(const KeyRange& range, const WriteOptions& options = {});
  // Deletes every key.
  absl::StatusOr<CommitTs> Clear(const WriteOptions& options = {});
  // An empty batch returns LatestCommitTs().
  absl::StatusOr<CommitTs> Write(const WriteBatch& batch, const WriteOptions& options = {});

  // --- Conditional writes: each is one atomic step, judged against the newest commit ---
  // The key's value if it has one, else stores `value`.
  absl::StatusOr<LoadOrStoreResult> LoadOrStore(std::string_view key, std::string_view value,
                                                const WriteOptions& options = {});
  // The same with a value made only if needed. `factory` runs on this thread, outside
  // all locks, one at a time per key: other callers on that key wait for it. If another
  // commit lands first, that value is returned and the factory's dropped. An error from
  // `factory` goes to everybody waiting; an exception is kAborted; a factory that
  // (directly or through others) waits for itself is kFailedPrecondition.
  absl::StatusOr<LoadOrStoreResult> LoadOrStore(
      std::string_view key, absl::FunctionRef<absl::StatusOr<std::string>()> factory,
      const WriteOptions& options = {});
  absl::StatusOr<ExchangeResult> LoadAndDelete(std::string_view key,
                                               const WriteOptions& options = {});
  absl::StatusOr<ExchangeResult> Swap(std::string_view key, std::string_view value,
                                      const WriteOptions& options = {});
  // Writes only if the key's value is `expected` (std::nullopt: if it is absent).
  // std::nullopt when it was something else.
  absl::StatusOr<std::optional<CommitTs>> CompareAndSwap(std::string_view key,
                                                         std::optional<std::string_view> expected,
                                                         std::string_view value,
                                                         const WriteOptions& options = {});
  absl::StatusOr<std::optional<CommitTs>> CompareAndDelete(std::string_view key,
                                                           std::optional<std::string_view> expected,
                                                           const WriteOptions& options = {});

  // --- Snapshots and iterators --------------------------------------------------------
  // A frozen view of now. Never waits; see Snapshot::status() for a refusal.
  Snapshot GetSnapshot(SnapshotOptions options = {}) const;
  // Anchors at its first Seek*(), not here.
  Iterator NewIterator(const IteratorOptions& options = {}) const;
  // Calls `visit` for each entry of one moment until it returns false.
  absl::Status Range(
      const IteratorOptions& options,
      absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) const;
  // Newest timestamp that a snapshot taken now would read at.
  CommitTs LatestCommitTs() const;

  // --- Disk ------------------------------------------------------------------------
  // All but Resume() answer kFailedPrecondition on a Db in memory.
  // Makes every commit whose call has returned survive a power cut, and moves the log's
  // content to where the next Open() need not replay it.
  absl::Status Flush();
  // Returns once every commit up to `ts` survives a power cut; `ts` is at most
  // LatestCommitTs().
  absl::Status WaitDurable(CommitTs ts);
  // Rewrites the files of `range` without what was overwritten or deleted.
  absl::Status Compact(const KeyRange& range = {});
  // After a write failed on a full disk: proves the store sound again, once there is space.
  // Until then every write is refused. OK: what this Db shows is exactly what is on disk, and
  // the commits whose outcome was unknown are not in it. (Under Durability::kAsync: those
  // still queued are persisted from here on.) A store that failed otherwise must be opened
  // again.
  absl::Status Resume();

  // --- Care ------------------------------------------------------------------------
  // Freezes every leaf with fresh writes, prunes what nobody sees, returns memory. Where much of a
  // Db of over 32 MiB lies scattered or out of order, as later writes leave it, all of it is copied.
  absl::Status Settle();
  // One step of background work under BackgroundMode::kManual; false: nothing to do.
  absl::StatusOr<bool> StepBackgroundWork();
  // Walks the whole map and checks its structure: kInternal names what is broken. On disk
  // also reads every file: kDataLoss names the damaged one.
  absl::Status VerifyInvariants() const;
  // Exact figures; walks the leaves (about 0.1 us each), readers and writers go on.
  absl::StatusOr<DbStats> Stats() const;
  // Who holds which snapshot since when, and what closing it would free. Oldest first.
  absl::StatusOr<std::vector<SnapshotInfo>> LiveSnapshots() const;
  // Refuses new calls, waits for those under way, persists what is queued and stops
  // background work. Idempotent. If the store has failed it returns why, at once, and how many
  // commits were not persisted.
  absl::Status Close();

 private:
  explicit Db(std::unique_ptr<internal::DbImpl> impl);

  std::unique_ptr<internal::DbImpl> impl_;  // Fixed at construction.
};

}  // namespace firn

#endif  // FIRN_DB_H_
