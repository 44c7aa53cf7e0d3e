#include "engine/rocksdb_recovery.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/acked_file.h"
#include "engine/rocksdb_log.h"
#include "engine/rocksdb_status.h"
#include "engine/table_frame.h"
#include "mvcc/status.h"
#include "rocksdb/table_properties.h"

namespace firn::internal {
namespace {

// Whether what was recovered covers what callers were told.
absl::Status CheckPromise(const std::string& path, const AckedFile::Promise& promise,
                          std::string_view boot_id, CommitTs recovered) {
  CommitTs promised = promise.synced;
  if (promise.boot_id == boot_id) promised = std::max(promised, promise.buffered);
  if (recovered >= promised) return absl::OkStatus();
  return MakeError(ErrorKind::kDataLoss,
                   absl::StrCat(path, ": commits up to ", promised.value,
                                " were acknowledged, but only those up to ", recovered.value,
                                " are there; a log or a table file is missing or cut short"));
}

rocksdb::Status FindRangeDeletes(RocksdbInstance& instance, bool* found) {
  rocksdb::TablePropertiesCollection tables;
  const rocksdb::Status status = instance.db().GetPropertiesOfAllTables(instance.values(), &tables);
  *found = std::any_of(tables.begin(), tables.end(),
                       [](const auto& table) { return table.second->num_range_deletions > 0; });
  return status;
}

// RocksDB's iterator forgets a damaged block where it leaps over a deleted range (7.8.3), and the
// rest of that table would be missing from what is loaded, in silence. So where ranges are
// deleted, in the log or in tables, all blocks are read once before.
absl::Status CheckBlocksAroundRanges(const std::string& path, bool log_deletes_range,
                                     RocksdbInstance& instance) {
  bool tables_delete_range = false;
  rocksdb::Status status = FindRangeDeletes(instance, &tables_delete_range);
  if (status.ok() && (log_deletes_range || tables_delete_range)) {
    status = instance.db().VerifyChecksum();
  }
  return FromRocksdb(status, path);
}

// What a kill left of files that were to be renamed. RocksDB keeps those of its options for ever.
void DeleteUnfinishedFiles(const std::string& path, rocksdb::Env& env) {
  std::vector<std::string> names;
  env.GetChildren(path, &names).PermitUncheckedError();
  for (const std::string& name : names) {
    if (name.ends_with(".dbtmp")) env.DeleteFile(path + "/" + name).PermitUncheckedError();
  }
}

}  // namespace

std::string AckedPath(const std::string& path) { return absl::StrCat(path, "/FIRN_ACKED"); }

absl::StatusOr<RocksdbRecovery::Recovered> RocksdbRecovery::Open(const StoreOptions& options,
                                                                 std::string_view boot_id) const {
  const absl::StatusOr<AckedFile::Promise> promise = AckedFile::Read(AckedPath(path_));
  if (!promise.ok() && !absl::IsNotFound(promise.status())) return promise.status();

  const bool exists = env_->FileExists(path_ + "/CURRENT").ok();
  if (exists && options.error_if_exists) {
    return MakeError(ErrorKind::kAlreadyExists,
                     absl::StrCat(path_, " holds a Db already: choose another directory"));
  }
  if (!exists && promise.ok() && promise->buffered > kBeforeEverything) {
    return MakeError(ErrorKind::kDataLoss,
                     absl::StrCat(path_, " held a Db, but its file CURRENT is gone: restore it"));
  }
  if (!exists && (!options.create_if_missing || options.read_only)) {
    return absl::NotFoundError(
        absl::StrCat(path_, " holds no Db: check the path, or have one made (create_if_missing)"));
  }
  ChainEnd anchor;
  if (exists) {
    if (absl::Status status = CheckTableFrames(path_); !status.ok()) return status;
    const absl::StatusOr<ChainEnd> found = RocksdbInstance::ReadAnchor(env_, path_);
    if (!found.ok()) return found.status();
    anchor = *found;
  }

  if (!options.read_only) DeleteUnfinishedFiles(path_, *env_);
  const Access access = options.read_only ? Access::kReadOnly
                        : exists          ? Access::kWrite
                                          : Access::kCreate;
  absl::StatusOr<Replayed> replayed = Replay({.anchor = anchor}, access);
  if (!replayed.ok()) return replayed.status();
  const ChainEnd end = replayed->log.end();
  if (promise.ok()) {
    absl::Status status = CheckPromise(path_, *promise, boot_id, end.commit_ts);
    if (!status.ok()) return status;
  }
  absl::Status sound =
      CheckBlocksAroundRanges(path_, replayed->log_deletes_range, *replayed->instance);
  if (!sound.ok()) return sound;
  const bool needs_flush = end.group != anchor.group || replayed->log.broken() || end.group == 0;
  return Recovered{std::move(replayed->instance), end, needs_flush};
}

absl::StatusOr<std::unique_ptr<RocksdbInstance>> RocksdbRecovery::OpenAgain(
    uint64_t last_group) const {
  const absl::StatusOr<ChainEnd> anchor = RocksdbInstance::ReadAnchor(env_, path_);
  if (!anchor.ok()) return anchor.status();
  absl::StatusOr<Replayed> replayed =
      Replay({.anchor = *anchor, .last_group = last_group}, Access::kWrite);
  if (!replayed.ok()) return replayed.status();
  const ChainEnd end = replayed->log.end();
  if (end.group != last_group) {
    return absl::UnavailableError(absl::StrCat(path_, " holds the groups up to ", end.group,
                                               ", not those up to ", last_group,
                                               ": open the Db again"));
  }
  return std::move(replayed->instance);
}

absl::StatusOr<RocksdbRecovery::Replayed> RocksdbRecovery::Replay(ChainReader::Limits limits,
                                                                  Access access) const {
  const auto filter = std::make_shared<ChainFilter>(limits);
  std::unique_ptr<RocksdbInstance> instance;
  const rocksdb::Status opened = RocksdbInstance::Open({.path = path_,
                                                        .env = env_,
                                                        .filter = filter,
                                                        .listener = listener_,
                                                        .create = access == Access::kCreate,
                                                        .read_only = access == Access::kReadOnly},
                                                       &instance);
  const ChainReader& log = filter->reader();
  if (log.lost()) {
    return MakeError(ErrorKind::kDataLoss,
                     absl::StrCat(path_, ": commits after ", log.end().commit_ts.value,
                                  " were on disk and are gone from the log"));
  }
  if (!opened.ok()) return FromRocksdb(opened, path_);
  return Replayed{std::move(instance), log, filter->deletes_range()};
}

}  // namespace firn::internal
