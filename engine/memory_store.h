// A store without a disk, for tests: it keeps the contract of store.h and can be told to
// break in every way that the contract allows.
#ifndef FIRN_ENGINE_MEMORY_STORE_H_
#define FIRN_ENGINE_MEMORY_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/store.h"
#include "mvcc/mutex.h"

namespace firn::internal {

// A MemoryDisk is what outlives a MemoryStore: it is opened, killed, cut off and opened
// again. It keeps every group ever written.
//
//   log_:   | synced groups | buffered groups |  and perhaps one stray_
//                           ^ synced_count_       (a failed write that landed all the same)
//
// Whatever a real store would do to the disk counts as an operation: to open it, to write a
// group, to sync (so a Write at kSync is two). A fault makes the n-th from now fail.
//
// Thread-safety: any thread.
// Lifetime: shared by the test and the stores on it.
class MemoryDisk : public std::enable_shared_from_this<MemoryDisk> {
 public:
  struct Fault {
    // kUnavailable: an I/O error. kResourceExhausted: the disk is full.
    absl::StatusCode code = absl::StatusCode::kUnavailable;
    // Whether what the failing operation was to bring to the disk is there all the same.
    bool lands = false;
    // Whether later operations fail too, until Heal().
    bool persists = false;
  };

  static std::shared_ptr<MemoryDisk> Create();

  // The store on this disk. kUnavailable while another one is open on it.
  absl::StatusOr<std::unique_ptr<Store>> Open() ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes the n-th operation from now fail; 1 is the next.
  void FailOperation(uint64_t nth, Fault fault) ABSL_LOCKS_EXCLUDED(mutex_);
  // Forgets faults that have not struck yet, or that persist.
  void Heal() ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t operation_count() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The process dies: buffered groups stay. The open store fails from here on.
  void KillProcess() ABSL_LOCKS_EXCLUDED(mutex_);
  // The machine loses power: of the groups not synced, only the first `kept` stay.
  void CutPower(size_t kept = 0) ABSL_LOCKS_EXCLUDED(mutex_);
  // Buffered groups that a power cut could take.
  size_t unsynced_group_count() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class MemoryStore;

  // Owned copies of what StoreCommit and StoreEntry show.
  struct PointOp {
    std::string key;
    std::optional<std::string> value;
  };
  struct RangeDelete {
    std::optional<std::string> lower;
    std::optional<std::string> upper;
  };
  struct Commit {
    CommitTs commit_ts;
    std::vector<PointOp> points;
    std::vector<RangeDelete> ranges;
  };
  using Group = std::vector<Commit>;

  MemoryDisk() = default;

  // Counts an operation and says how it ends.
  absl::Status Operate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeStrayIn() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::vector<Group> log_ ABSL_GUARDED_BY(mutex_);
  size_t synced_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Group> stray_ ABSL_GUARDED_BY(mutex_);

  uint64_t operation_count_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t fault_at_ ABSL_GUARDED_BY(mutex_) = 0;  // An operation's number; 0: no fault.
  Fault fault_ ABSL_GUARDED_BY(mutex_);

  bool held_ ABSL_GUARDED_BY(mutex_) = false;         // By an open store.
  uint64_t incarnation_ ABSL_GUARDED_BY(mutex_) = 0;  // Raised by every crash.
};

// The store on a MemoryDisk. See store.h for the contract.
class MemoryStore final : public Store {
 public:
  ~MemoryStore() override;

  absl::Status Write(absl::Span<const StoreCommit> group, Durability durability) override;
  absl::StatusOr<CommitTs> Sync() override;
  absl::Status Flush() override;
  absl::Status Load(const KeyRange& range,
                    absl::FunctionRef<absl::Status(const StoreEntry&)> visit) const override;
  absl::Status OnLoaded() override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> SplitKeys(size_t parts) const override;
  CommitTs last_commit_ts() const override;
  CommitTs synced_ts() const override;
  absl::Status status() const override;
  absl::Status Resume() override;
  uint64_t disk_bytes() const override { return 0; }
  absl::Status Compact(const KeyRange&) override { return status(); }
  absl::Status VerifyFiles() const override { return absl::OkStatus(); }
  absl::Status Close() override;

 private:
  friend class MemoryDisk;

  struct Value {
    std::string bytes;
    CommitTs commit_ts;
  };
  using Entries = std::map<std::string, Value, std::less<>>;

  // Reads the log, as a store does when it opens. Requires: the disk's mutex.
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk);

  static MemoryDisk::Group Copied(absl::Span<const StoreCommit> group);
  // For each commit the entries that it puts, ready to be moved in.
  static std::vector<Entries> Staged(const MemoryDisk::Group& group);
  void Apply(const MemoryDisk::Group& group, std::vector<Entries> staged) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);

  absl::Status WriteLocked(absl::Span<const StoreCommit> group, Durability durability)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);
  absl::Status SyncLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);
  void MarkSynced() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);
  absl::Status Fail(std::string_view doing, absl::Status cause) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);
  // OK if the store may write.
  absl::Status CheckSound() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);
  bool WasKilled() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);
  void LetGo() ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_->mutex_);

  // Immutable after construction.
  const std::shared_ptr<MemoryDisk> disk_;
  const uint64_t incarnation_;  // The disk's, when this store was opened.

  Entries entries_ ABSL_GUARDED_BY(disk_->mutex_);
  CommitTs last_commit_ts_ ABSL_GUARDED_BY(disk_->mutex_);
  CommitTs synced_ts_ ABSL_GUARDED_BY(disk_->mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(disk_->mutex_);                // Its cause.
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(disk_->mutex_);  // Close()'s answer.
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_MEMORY_STORE_H_
