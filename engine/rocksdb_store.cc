#include "engine/rocksdb_store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "engine/acked_file.h"
#include "engine/key_line.h"
#include "engine/rocksdb_env.h"
#include "engine/rocksdb_instance.h"
#include "engine/rocksdb_log.h"
#include "engine/rocksdb_mapped_log.h"
#include "engine/rocksdb_recovery.h"
#include "engine/rocksdb_rows.h"
#include "engine/rocksdb_status.h"
#include "engine/store_directory.h"
#include "engine/unshared_status.h"
#include "mvcc/catch_out_of_memory.h"
#include "mvcc/check.h"
#include "mvcc/mutex.h"
#include "mvcc/status.h"
#include "rocksdb/convenience.h"
#include "rocksdb/file_system.h"
#include "rocksdb/listener.h"

namespace firn::internal {
namespace {

constexpr char kProbeName[] = "FIRN_PROBE";
constexpr size_t kProbeChunkBytes = size_t{256} << 10;
constexpr size_t kMostKeptBatchBytes = size_t{1} << 20;
// A memtable with this much is written to files. RocksDB's own limit, which must not come first,
// is several times that (see RocksdbInstance).
constexpr uint64_t kGenerationBytes = uint64_t{64} << 20;
// What RocksDB keeps in memory for an operation, beside what stands in its batch.
constexpr uint64_t kMemtableEntryBytes = 32;

// Above every key that a user can have.
const std::string& AboveEveryKey() {
  static const auto* const key = new std::string(kMaxKeyBytes + 1, '\xff');
  return *key;
}

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// A batch grows in memory only.
void CheckGrown(const rocksdb::Status& status) {
  if (!status.ok()) throw std::bad_alloc();
}

uint64_t MemtableBytes(const rocksdb::WriteBatch& batch) {
  return batch.GetDataSize() + batch.Count() * kMemtableEntryBytes;
}

class RocksdbStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options,
                                                     const RocksdbSeams& seams);

  ~RocksdbStore() override { LetGo(); }

  absl::Status Write(absl::Span<const StoreCommit> group, Durability durability) override;
  absl::StatusOr<CommitTs> Sync() override;
  absl::Status Flush() override;
  absl::Status Load(const KeyRange& range,
                    absl::FunctionRef<absl::Status(const StoreEntry&)> visit) const override;
  absl::Status OnLoaded() override;
  absl::StatusOr<std::vector<std::string>> SplitKeys(size_t parts) const override;
  CommitTs last_commit_ts() const override {
    return {last_commit_ts_.load(std::memory_order_acquire)};
  }
  CommitTs synced_ts() const override { return {synced_ts_.load(std::memory_order_acquire)}; }
  absl::Status status() const override;
  absl::Status Resume() override;
  uint64_t disk_bytes() const override;
  absl::Status Compact(const KeyRange& range) override;
  absl::Status VerifyFiles() const override;
  absl::Status Close() override;

 private:
  // Tells the store of what happens behind its back.
  class Watcher final : public rocksdb::EventListener {
   public:
    explicit Watcher(RocksdbStore* store) : store_(store) {}
    void OnMemTableSealed(const rocksdb::MemTableInfo&) override {
      FIRN_INVARIANT(store_->may_end_.load(std::memory_order_relaxed) > 0);
    }
    void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
      store_->SetFailure(store_->Translated(*error));
    }
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                              bool* auto_recovery) override {
      *auto_recovery = false;
    }

   private:
    RocksdbStore* const store_;
  };

  // Keeps the instance from being closed by Resume().
  class Lease {
   public:
    Lease(const RocksdbStore* store, RocksdbInstance* instance)
        : store_(store), instance_(instance) {}
    Lease(Lease&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)), instance_(other.instance_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (store_ != nullptr) store_->GiveBack();
    }
    RocksdbInstance* operator->() const { return instance_; }
    RocksdbInstance& operator*() const { return *instance_; }

   private:
    const RocksdbStore* store_;
    RocksdbInstance* instance_;
  };

  RocksdbStore(StoreDirectory directory, std::unique_ptr<rocksdb::Env> env, std::string boot_id,
               std::function<void(const absl::Status&)> on_failure)
      : directory_(std::move(directory)),
        env_(std::move(env)),
        boot_id_(std::move(boot_id)),
        on_failure_(std::move(on_failure)) {}

  absl::Status Translated(const rocksdb::Status& status) const {
    return FromRocksdb(status, directory_.path());
  }
  absl::Status Recover(const StoreOptions& options);
  RocksdbRecovery Recovery() {
    return {directory_.path(), env_.get(), std::make_shared<Watcher>(this)};
  }

  // --- Generations ---
  //
  // A generation is what one memtable of RocksDB takes up before it is written to table files,
  // and its log is deleted. Its last group carries the chain_end row: so the files say, at the
  // next open, with which group the log must go on, and no other group pays for the row.
  //
  // Hence RocksDB is never to begin a new memtable by itself. Its limits lie out of reach, and the
  // store ends a generation: when it is full, right after the group that filled it; and in a
  // Flush(), with a group that has no commits. While a compaction runs, which may flush, every
  // group carries the row.

  // Keeps RocksDB's beginning a new memtable from being a surprise.
  class MayEnd {
   public:
    explicit MayEnd(RocksdbStore* store) : store_(store) {
      store_->may_end_.fetch_add(1, std::memory_order_relaxed);
    }
    ~MayEnd() { store_->may_end_.fetch_sub(1, std::memory_order_relaxed); }
    MayEnd(const MayEnd&) = delete;
    MayEnd& operator=(const MayEnd&) = delete;

   private:
    RocksdbStore* const store_;
  };

  // Has every group be one that may be its generation's last.
  class Compacting {
   public:
    explicit Compacting(RocksdbStore* store) : store_(store), may_end_(store) { Count(1); }
    ~Compacting() { Count(-1); }
    Compacting(const Compacting&) = delete;
    Compacting& operator=(const Compacting&) = delete;

   private:
    void Count(int change) {
      const MutexLock writing(store_->write_mutex_);
      store_->compactions_ += change;
    }

    RocksdbStore* const store_;
    const MayEnd may_end_;
  };

  // Appends to batch_ what a group comes to. Throws std::bad_alloc.
  void AppendCommits(RocksdbInstance& instance, absl::Span<const StoreCommit> group)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Ends batch_ as the next group, up to commit `last`, and writes it.
  absl::Status WriteGroup(RocksdbInstance& instance, CommitTs last, bool ends_generation, bool sync)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Has the full generation written to files in the background. Its last group must be written.
  void StartFlush(RocksdbInstance& instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Writes everything to files, and a last group without commits that stands in no log: nobody
  // meets the rest of a broken log again.
  absl::Status FlushWithMarker(RocksdbInstance& instance) ABSL_LOCKS_EXCLUDED(write_mutex_);

  uint64_t LastGroup() ABSL_LOCKS_EXCLUDED(write_mutex_);

  // Whether the disk takes what a flush would write: a failed resume costs the instance.
  rocksdb::Status ProbeSpace();
  absl::Status Reopen();
  void LetGo();

  // The instance, if it may write (`sound`), or read.
  absl::StatusOr<Lease> Borrow(bool sound) const ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveBack() const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckSoundLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the instance from everybody. Null if there is none.
  std::unique_ptr<RocksdbInstance> TakeInstance() ABSL_LOCKS_EXCLUDED(mutex_);
  void SetInstance(std::unique_ptr<RocksdbInstance> instance) ABSL_LOCKS_EXCLUDED(mutex_);
  // Keeps the first failure. Returns what the call returns that made the store fail.
  absl::Status Fail(std::string_view doing, const absl::Status& cause) noexcept
      ABSL_LOCKS_EXCLUDED(mutex_);
  void SetFailure(absl::Status cause) noexcept ABSL_LOCKS_EXCLUDED(mutex_);
  void RaiseSynced(CommitTs ts) noexcept;

  // Immutable after construction.
  StoreDirectory directory_;
  const std::unique_ptr<rocksdb::Env> env_;
  const std::string boot_id_;
  const std::function<void(const absl::Status&)> on_failure_;
  std::optional<AckedFile> acked_;  // Absent while opening, and when read-only.

  // Held from a group's number to the end of its write. Order: before mutex_.
  Mutex write_mutex_;
  uint64_t last_group_ ABSL_GUARDED_BY(write_mutex_) = 0;  // In the store.
  // Never one that may stand in the log already.
  uint64_t next_group_ ABSL_GUARDED_BY(write_mutex_) = 1;
  uint64_t generation_bytes_ ABSL_GUARDED_BY(write_mutex_) = 0;
  int compactions_ ABSL_GUARDED_BY(write_mutex_) = 0;  // Under way.
  rocksdb::WriteBatch batch_ ABSL_GUARDED_BY(write_mutex_);
  // Whose calls into RocksDB may begin a new memtable; only looked at to find a bug.
  std::atomic<int> may_end_{0};
  // Writer: under write_mutex_. Reader: any thread. Order: release after the write it tells of,
  // acquire.
  std::atomic<uint64_t> last_commit_ts_{0};
  // Only ever raised, by whoever synced. Order: as above.
  std::atomic<uint64_t> synced_ts_{0};

  mutable Mutex mutex_;
  mutable CondVar given_back_;
  // Null once closed, or where a resume has lost it. Replaced only while nobody borrows it.
  std::unique_ptr<RocksdbInstance> instance_ ABSL_GUARDED_BY(mutex_);
  mutable int borrowers_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);                // Its cause.
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(mutex_);  // Close()'s answer.
};

absl::StatusOr<std::unique_ptr<Store>> RocksdbStore::Open(const StoreOptions& options,
                                                          const RocksdbSeams& seams) {
  const bool read_only = options.read_only;
  absl::StatusOr<StoreDirectory> directory = StoreDirectory::Take(
      options.path, read_only ? DirectoryAccess::kShared : DirectoryAccess::kExclusive,
      options.create_if_missing && !read_only);
  if (!directory.ok()) return directory.status();
  std::unique_ptr<RocksdbStore> store(new RocksdbStore(
      *std::move(directory),
      MakeStoreEnv(seams.file_system != nullptr ? seams.file_system : FilesWithMappedLogs()),
      seams.boot_id.empty() ? SystemBootId() : seams.boot_id, options.on_failure));
  if (absl::Status status = store->Recover(options); !status.ok()) return status;
  return store;
}

absl::Status RocksdbStore::Recover(const StoreOptions& options) {
  absl::StatusOr<RocksdbRecovery::Recovered> recovered = Recovery().Open(options, boot_id_);
  if (!recovered.ok()) return recovered.status();
  const ChainEnd end = recovered->end;
  {
    const MutexLock writing(write_mutex_);
    last_group_ = end.group;
    next_group_ = end.group + 1;
  }
  last_commit_ts_.store(end.commit_ts.value, std::memory_order_release);

  if (!options.read_only) {
    if (recovered->needs_flush) {
      if (absl::Status status = FlushWithMarker(*recovered->instance); !status.ok()) return status;
    }
    RaiseSynced(end.commit_ts);
    absl::StatusOr<AckedFile> acked =
        AckedFile::Open(AckedPath(directory_.path()), end.commit_ts, boot_id_);
    if (!acked.ok()) return acked.status();
    acked_.emplace(*std::move(acked));
  }
  SetInstance(std::move(recovered->instance));
  return absl::OkStatus();
}

absl::Status RocksdbStore::Write(absl::Span<const StoreCommit> group, Durability durability) {
  FIRN_CHECK(durability == Durability::kBuffered || durability == Durability::kSync);
  return CatchOutOfMemory("writing to the store", [&]() -> absl::Status {
    const absl::StatusOr<Lease> instance = Borrow(true);
    if (!instance.ok()) return instance.status();
    FIRN_CHECK(Ascends(group, last_commit_ts()));
    const bool sync = durability == Durability::kSync;
    if (group.empty()) return sync ? Sync().status() : absl::OkStatus();
    const CommitTs last = group.back().commit_ts;
    const MutexLock writing(write_mutex_);
    AppendCommits(**instance, group);
    const bool full = generation_bytes_ + MemtableBytes(batch_) >= kGenerationBytes;
    if (absl::Status status = WriteGroup(**instance, last, full, sync); !status.ok()) {
      return status;
    }
    last_commit_ts_.store(last.value, std::memory_order_release);
    acked_->RaiseBuffered(last);
    if (sync) RaiseSynced(last);
    if (full) StartFlush(**instance);
    return absl::OkStatus();
  });
}

void RocksdbStore::AppendCommits(RocksdbInstance& instance, absl::Span<const StoreCommit> group) {
  if (batch_.GetDataSize() > kMostKeptBatchBytes) batch_ = rocksdb::WriteBatch();
  batch_.Clear();
  rocksdb::ColumnFamilyHandle* const values = instance.values();
  for (const StoreCommit& commit : group) {
    for (const NormalizedBatch::RangeDeleteSpan& range : commit.ranges) {
      CheckGrown(batch_.DeleteRange(values, SliceOf(range.lower.value_or("")),
                                    SliceOf(range.upper.value_or(AboveEveryKey()))));
    }
    const auto header = EncodeRowHeader(commit.commit_ts);
    for (const NormalizedBatch::PointOp& point : commit.points) {
      const rocksdb::Slice key = SliceOf(point.key);
      if (!point.value) {
        CheckGrown(batch_.Delete(values, key));
        continue;
      }
      const rocksdb::Slice value[] = {{header.data(), header.size()}, SliceOf(*point.value)};
      CheckGrown(batch_.Put(values, rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2)));
    }
  }
}

absl::Status RocksdbStore::WriteGroup(RocksdbInstance& instance, CommitTs last,
                                      bool ends_generation, bool sync) {
  if (ends_generation || compactions_ > 0) {
    const auto end = EncodeChainEnd({next_group_, last});
    CheckGrown(batch_.Put(instance.meta(), kChainEndKey, rocksdb::Slice(end.data(), end.size())));
  }
  CheckGrown(AppendLink({next_group_, last_group_, last, synced_ts(), 0}, &batch_));
  rocksdb::WriteOptions options;
  options.sync = sync;
  const uint64_t number = next_group_++;
  absl::Status written;
  try {
    written = Translated(instance.db().Write(options, &batch_));
  } catch (const std::bad_alloc&) {
    written = absl::UnavailableError("out of memory within RocksDB");
  }
  if (!written.ok()) return Fail("writing commits", written);
  last_group_ = number;
  generation_bytes_ += MemtableBytes(batch_);
  return absl::OkStatus();
}

void RocksdbStore::StartFlush(RocksdbInstance& instance) {
  const MayEnd may_end(this);
  const rocksdb::Status started = instance.StartFlush();
  if (started.ok()) {
    generation_bytes_ = 0;
  } else if (!started.IsTryAgain()) {  // After the next group, if earlier flushes still run.
    SetFailure(Translated(started));
  }
}

absl::Status RocksdbStore::FlushWithMarker(RocksdbInstance& instance) {
  const MutexLock writing(write_mutex_);
  const MayEnd may_end(this);
  const uint64_t group = next_group_++;
  rocksdb::WriteBatch batch;
  const auto end = EncodeChainEnd({group, last_commit_ts()});
  char version[sizeof(uint64_t)];
  StoreBigEndian(kFormatVersion, version);
  rocksdb::Status status =
      batch.Put(instance.meta(), kFormatKey, rocksdb::Slice(version, sizeof(version)));
  if (status.ok()) {
    status = batch.Put(instance.meta(), kChainEndKey, rocksdb::Slice(end.data(), end.size()));
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  if (status.ok()) status = instance.db().Write(options, &batch);
  if (status.ok()) status = instance.Flush();
  if (!status.ok()) return Translated(status);
  if (!instance.AllIsInFiles()) return absl::UnavailableError("RocksDB does not flush");
  last_group_ = group;
  generation_bytes_ = 0;
  return absl::OkStatus();
}

rocksdb::Status RocksdbStore::ProbeSpace() {
  uint64_t memtable_bytes = 0;
  if (const absl::StatusOr<Lease> instance = Borrow(false); instance.ok()) {
    (*instance)->db().GetAggregatedIntProperty(rocksdb::DB::Properties::kSizeAllMemTables,
                                               &memtable_bytes);
  }
  const std::string path = absl::StrCat(directory_.path(), "/", kProbeName);
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env_->NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (!status.ok()) return status;
  const std::string zeros(kProbeChunkBytes, '\0');
  const uint64_t needed = memtable_bytes + kProbeChunkBytes;
  for (uint64_t done = 0; status.ok() && done < needed; done += zeros.size()) {
    status = file->Append(zeros);
  }
  if (status.ok()) status = file->Sync();
  file->Close().PermitUncheckedError();
  const rocksdb::Status deleted = env_->DeleteFile(path);
  return status.ok() ? deleted : status;
}

absl::StatusOr<CommitTs> RocksdbStore::Sync() {
  return CatchOutOfMemory("syncing the store", [&]() -> absl::StatusOr<CommitTs> {
    const absl::StatusOr<Lease> instance = Borrow(true);
    if (!instance.ok()) return instance.status();
    const CommitTs written = last_commit_ts();
    const absl::Status synced = Translated((*instance)->db().SyncWAL());
    if (!synced.ok()) return Fail("syncing", synced);
    RaiseSynced(written);
    return written;
  });
}

absl::Status RocksdbStore::Flush() {
  return CatchOutOfMemory("flushing the store", [&]() -> absl::Status {
    const absl::StatusOr<Lease> instance = Borrow(true);
    if (!instance.ok()) return instance.status();
    const MutexLock writing(write_mutex_);
    const CommitTs written = last_commit_ts();
    if (generation_bytes_ > 0) {
      batch_.Clear();
      absl::Status ended =
          WriteGroup(**instance, written, /*ends_generation=*/true, /*sync=*/false);
      if (!ended.ok()) return ended;
    }
    const MayEnd may_end(this);
    // The log first: a flush beside a failed one can return OK too early.
    absl::Status flushed = Translated((*instance)->db().SyncWAL());
    if (flushed.ok()) flushed = Translated((*instance)->Flush());
    if (!flushed.ok()) return Fail("flushing", flushed);
    generation_bytes_ = 0;
    RaiseSynced(written);
    return absl::OkStatus();
  });
}

absl::Status RocksdbStore::Load(const KeyRange& range,
                                absl::FunctionRef<absl::Status(const StoreEntry&)> visit) const {
  return CatchOutOfMemory("loading from the store", [&]() -> absl::Status {
    const absl::StatusOr<Lease> instance = Borrow(false);
    if (!instance.ok()) return instance.status();
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    options.readahead_size = size_t{2} << 20;
    rocksdb::Slice lower, upper;
    if (range.lower) options.iterate_lower_bound = &(lower = SliceOf(*range.lower));
    if (range.upper) options.iterate_upper_bound = &(upper = SliceOf(*range.upper));
    const std::unique_ptr<rocksdb::Iterator> it(
        (*instance)->db().NewIterator(options, (*instance)->values()));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const std::optional<Row> row = DecodeRow(ViewOf(it->value()));
      if (!row) {
        return MakeError(ErrorKind::kDataLoss,
                         absl::StrCat(directory_.path(), ": a row has no commit time"));
      }
      absl::Status status = visit({ViewOf(it->key()), row->value, row->commit_ts});
      if (!status.ok()) return status;
    }
    return Translated(it->status());
  });
}

absl::Status RocksdbStore::OnLoaded() {
  if (!acked_) return absl::OkStatus();  // Read-only.
  return CatchOutOfMemory("starting the store's background work", [&]() -> absl::Status {
    const absl::StatusOr<Lease> instance = Borrow(true);
    // One that has failed meanwhile can be read. Resume() starts them.
    if (!instance.ok()) return absl::OkStatus();
    return Translated((*instance)->StartCompactions());
  });
}

absl::StatusOr<std::vector<std::string>> RocksdbStore::SplitKeys(size_t parts) const {
  using Keys = std::vector<std::string>;
  return CatchOutOfMemory("splitting the store", [&]() -> absl::StatusOr<Keys> {
    const absl::StatusOr<Lease> instance = Borrow(false);
    if (!instance.ok()) return instance.status();
    std::vector<rocksdb::LiveFileMetaData> files;
    (*instance)->db().GetLiveFilesMetaData(&files);
    std::optional<std::string> first, last;
    for (const rocksdb::LiveFileMetaData& file : files) {
      if (file.column_family_name != rocksdb::kDefaultColumnFamilyName) continue;
      if (!first || file.smallestkey < *first) first = file.smallestkey;
      if (!last || file.largestkey > *last) last = file.largestkey;
    }
    Keys keys;
    if (!first || *first == *last) return keys;
    const KeyLine line(*first, *last);
    const auto bytes_below = [&](const std::string& key) {
      if (key <= *first) return uint64_t{0};
      const rocksdb::Range range(*first, key);
      uint64_t bytes = 0;
      (*instance)->db().GetApproximateSizes({}, (*instance)->values(), &range, 1, &bytes);
      return bytes;
    };
    const uint64_t total = bytes_below(*last);
    for (size_t part = 1; part < parts; ++part) {
      std::string key = line.FirstAtLeast(total / parts * part, bytes_below);
      if (key > (keys.empty() ? *first : keys.back()) && key <= *last) {
        keys.push_back(std::move(key));
      }
    }
    return keys;
  });
}

uint64_t RocksdbStore::disk_bytes() const {
  const absl::StatusOr<Lease> instance = Borrow(false);
  if (!instance.ok()) return 0;
  uint64_t bytes = 0;
  std::vector<std::string> names;
  if (!env_->GetChildren(directory_.path(), &names).ok()) return 0;
  for (const std::string& name : names) {
    uint64_t size = 0;
    if (env_->GetFileSize(absl::StrCat(directory_.path(), "/", name), &size).ok()) bytes += size;
  }
  return bytes;
}

absl::Status RocksdbStore::Compact(const KeyRange& range) {
  return CatchOutOfMemory("compacting the store", [&]() -> absl::Status {
    // From here on RocksDB may begin a new memtable at any time, at first in the flush.
    const Compacting compacting(this);
    if (absl::Status status = Flush(); !status.ok()) return status;
    const absl::StatusOr<Lease> instance = Borrow(true);
    if (!instance.ok()) return instance.status();
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    rocksdb::Slice lower, upper;
    if (range.lower) lower = SliceOf(*range.lower);
    if (range.upper) upper = SliceOf(*range.upper);
    const absl::Status compacted = Translated((*instance)->db().CompactRange(
        options, (*instance)->values(), range.lower ? &lower : nullptr,
        range.upper ? &upper : nullptr));
    return compacted.ok() ? compacted : Fail("compacting", compacted);
  });
}

uint64_t RocksdbStore::LastGroup() {
  const MutexLock writing(write_mutex_);
  return last_group_;
}

absl::Status RocksdbStore::VerifyFiles() const {
  return CatchOutOfMemory("verifying the store", [&]() -> absl::Status {
    const absl::StatusOr<Lease> instance = Borrow(false);
    if (!instance.ok()) return instance.status();
    return Translated((*instance)->db().VerifyChecksum());
  });
}

absl::Status RocksdbStore::status() const {
  const MutexLock lock(mutex_);
  return CheckSoundLocked();
}

absl::Status RocksdbStore::Resume() {
  return CatchOutOfMemory("resuming the store", [&]() -> absl::Status {
    absl::Status failure;
    {
      const MutexLock lock(mutex_);
      if (closed_) return ClosedError();
      failure = UnsharedStatus(failure_);
    }
    if (failure.ok()) return Flush();
    if (!absl::IsResourceExhausted(failure)) return StoreFailedError(failure);
    absl::Status status = Translated(ProbeSpace());
    if (status.ok()) status = Reopen();
    if (!status.ok()) return OutcomeUnknownError("resuming", status);
    RaiseSynced(last_commit_ts());
    return absl::OkStatus();
  });
}

// rocksdb::DB::Resume() waits for ever if the flush that it asks for fails in turn (7.8.3).
absl::Status RocksdbStore::Reopen() {
  TakeInstance().reset();
  absl::StatusOr<std::unique_ptr<RocksdbInstance>> instance = Recovery().OpenAgain(LastGroup());
  if (!instance.ok()) return instance.status();
  if (absl::Status status = FlushWithMarker(**instance); !status.ok()) return status;
  if (rocksdb::Status status = (*instance)->StartCompactions(); !status.ok()) {
    return Translated(status);
  }
  const MutexLock lock(mutex_);
  instance_ = *std::move(instance);
  failure_ = absl::OkStatus();
  return absl::OkStatus();
}

absl::Status RocksdbStore::Close() {
  absl::Status answer;
  {
    const MutexLock lock(mutex_);
    if (closed_) return *closed_;
    answer = CheckSoundLocked();
  }
  if (answer.ok()) answer = Flush();
  {
    const MutexLock lock(mutex_);
    closed_ = UnsharedStatus(answer);
  }
  LetGo();
  return answer;
}

void RocksdbStore::LetGo() {
  TakeInstance().reset();
  directory_.Release();
}

absl::StatusOr<RocksdbStore::Lease> RocksdbStore::Borrow(bool sound) const {
  const MutexLock lock(mutex_);
  if (sound || closed_ || instance_ == nullptr) {
    if (absl::Status status = CheckSoundLocked(); !status.ok()) return status;
  }
  ++borrowers_;
  return Lease(this, instance_.get());
}

void RocksdbStore::GiveBack() const {
  const MutexLock lock(mutex_);
  if (--borrowers_ == 0) given_back_.NotifyAll();
}

std::unique_ptr<RocksdbInstance> RocksdbStore::TakeInstance() {
  const MutexLock lock(mutex_);
  while (borrowers_ > 0) given_back_.Wait(mutex_);
  return std::move(instance_);
}

void RocksdbStore::SetInstance(std::unique_ptr<RocksdbInstance> instance) {
  const MutexLock lock(mutex_);
  instance_ = std::move(instance);
}

absl::Status RocksdbStore::CheckSoundLocked() const {
  if (closed_) return ClosedError();
  return failure_.ok() ? absl::OkStatus() : StoreFailedError(failure_);
}

absl::Status RocksdbStore::Fail(std::string_view doing, const absl::Status& cause) noexcept {
  SetFailure(cause);
  return OutcomeUnknownError(doing, cause);
}

void RocksdbStore::SetFailure(absl::Status cause) noexcept {
  absl::Status refusal;
  {
    const MutexLock lock(mutex_);
    if (!failure_.ok() || cause.ok()) return;
    failure_ = UnsharedStatus(cause);
    refusal = StoreFailedError(failure_);
  }
  if (on_failure_) on_failure_(refusal);
}

void RocksdbStore::RaiseSynced(CommitTs ts) noexcept {
  uint64_t known = synced_ts_.load(std::memory_order_relaxed);
  while (known < ts.value &&
         !synced_ts_.compare_exchange_weak(known, ts.value, std::memory_order_release,
                                           std::memory_order_relaxed)) {
  }
  if (acked_) acked_->RaiseSynced(ts);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksdbStore(const StoreOptions& options,
                                                        const RocksdbSeams& seams) {
  return CatchOutOfMemory("opening a store", [&] { return RocksdbStore::Open(options, seams); });
}

absl::Status DestroyRocksdbStore(const std::string& path) {
  return CatchOutOfMemory("deleting a store", [&]() -> absl::Status {
    absl::StatusOr<StoreDirectory> directory =
        StoreDirectory::Take(path, DirectoryAccess::kExclusive, /*create=*/false);
    if (!directory.ok()) return directory.status();
    const std::string acked = AckedPath(directory->path());
    const absl::StatusOr<AckedFile::Promise> ours = AckedFile::Read(acked);
    if (absl::IsNotFound(ours.status())) {
      return absl::NotFoundError(absl::StrCat(path, " holds no Db"));
    }
    const rocksdb::Status destroyed = rocksdb::DestroyDB(directory->path(), rocksdb::Options());
    if (!destroyed.ok()) return FromRocksdb(destroyed, directory->path());
    if (unlink(acked.c_str()) != 0) return SystemError("delete", acked, errno);
    return directory->Remove();
  });
}

}  // namespace firn::internal
