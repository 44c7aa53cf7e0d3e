#include "engine/rocksdb_instance.h"

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/big_endian.h"
#include "engine/rocksdb_log.h"
#include "engine/rocksdb_memtable.h"
#include "engine/rocksdb_rows.h"
#include "engine/rocksdb_status.h"
#include "mvcc/status.h"
#include "rocksdb/table.h"

namespace firn::internal {
namespace {

// RocksDB's own log aborted the process when the disk was full. What matters comes as a status.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// The store says when a memtable is full (see RocksdbStore); RocksDB must not find so before, not
// even one that counts a few bytes more for each entry.
constexpr uint64_t kMemtableLimitBytes = uint64_t{256} << 20;
constexpr uint64_t kNever = uint64_t{1} << 60;

rocksdb::ColumnFamilyOptions FamilyOptions() {
  rocksdb::ColumnFamilyOptions options;
  options.memtable_factory = MakeStagingMemtables();
  options.write_buffer_size = kMemtableLimitBytes;
  options.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;  // Both are checked by CheckTableFrames().
  table.checksum = rocksdb::kXXH3;
  table.no_block_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Without compactions of the values until StartCompactions().
std::vector<rocksdb::ColumnFamilyDescriptor> Families() {
  rocksdb::ColumnFamilyOptions values = FamilyOptions();
  values.disable_auto_compactions = true;
  return {{rocksdb::kDefaultColumnFamilyName, values}, {kMetaFamily, FamilyOptions()}};
}

rocksdb::DBOptions DbOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.info_log = std::make_shared<SilentLogger>();
  options.atomic_flush = true;
  options.max_total_wal_size = kNever;
  // A replay that ends at the first damage: after a power cut the log's tail is a mixture of what
  // was written and what was not, and the commits before it are to be had. Whether too much is
  // gone is decided by the chain of groups and the ACKED file. (kTolerateCorruptedTailRecords
  // refuses such a tail; kSkipAnyCorruptedRecords never ends on a wrong record length in 7.8.3.)
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // What is found wrong after the replay must leave the log as it was.
  options.avoid_flush_during_recovery = true;
  options.avoid_flush_during_shutdown = true;
  options.allow_concurrent_memtable_write = false;  // Our memtable cannot.
  options.max_bgerror_resume_count = 0;             // Resuming is our decision.
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

absl::StatusOr<ChainEnd> DecodeAnchor(const std::string& path, const std::string& format,
                                      const std::string& end) {
  if (format.size() != sizeof(uint64_t)) {
    return MakeError(ErrorKind::kDataLoss, absl::StrCat(path, ": the format row is damaged"));
  }
  if (const auto version = LoadBigEndian<uint64_t>(format.data()); version > kFormatVersion) {
    return MakeError(ErrorKind::kNewerFormat,
                     absl::StrCat(path, " has format ", version, ", this release reads up to ",
                                  kFormatVersion, ": open it with a newer release"));
  }
  const std::optional<ChainEnd> anchor = DecodeChainEnd(end);
  if (!anchor) {
    return MakeError(ErrorKind::kDataLoss, absl::StrCat(path, ": the last group is damaged"));
  }
  return *anchor;
}

}  // namespace

rocksdb::Status RocksdbInstance::Open(const OpenOptions& options,
                                      std::unique_ptr<RocksdbInstance>* instance) {
  rocksdb::DBOptions db_options = DbOptions(options.env);
  db_options.wal_filter = options.filter.get();
  db_options.create_if_missing = options.create;
  db_options.create_missing_column_families = !options.read_only;
  if (options.listener != nullptr) db_options.listeners.push_back(options.listener);
  std::unique_ptr<RocksdbInstance> opened(new RocksdbInstance);
  opened->filter_ = options.filter;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      options.read_only
          ? rocksdb::DB::OpenForReadOnly(db_options, options.path, Families(), &opened->handles_,
                                         &db)
          : rocksdb::DB::Open(db_options, options.path, Families(), &opened->handles_, &db);
  opened->db_.reset(db);
  if (status.ok()) *instance = std::move(opened);
  return status;
}

RocksdbInstance::~RocksdbInstance() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
}

absl::StatusOr<ChainEnd> RocksdbInstance::ReadAnchor(rocksdb::Env* env, const std::string& path) {
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(DbOptions(env), path, &names);
  if (!status.ok()) return FromRocksdb(status, path);
  if (std::find(names.begin(), names.end(), kMetaFamily) == names.end()) return ChainEnd{};

  std::unique_ptr<RocksdbInstance> files;
  status =
      Open({.path = path, .env = env, .filter = std::make_shared<NoLogFilter>(), .read_only = true},
           &files);
  if (!status.ok()) return FromRocksdb(status, path);
  std::string format, end;
  const rocksdb::Status format_status = files->db().Get({}, files->meta(), kFormatKey, &format);
  const rocksdb::Status end_status = files->db().Get({}, files->meta(), kChainEndKey, &end);
  if (end_status.IsNotFound()) return ChainEnd{};
  for (const rocksdb::Status& each : {format_status, end_status}) {
    if (!each.ok()) return FromRocksdb(each, path);
  }
  return DecodeAnchor(path, format, end);
}

rocksdb::Status RocksdbInstance::StartCompactions() {
  return db_->EnableAutoCompaction({values()});
}

rocksdb::Status RocksdbInstance::Flush() {
  return db_->Flush(rocksdb::FlushOptions(), {values(), meta()});
}

rocksdb::Status RocksdbInstance::StartFlush() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;  // The next write waits if flushes are behind.
  return db_->Flush(options, {values(), meta()});
}

bool RocksdbInstance::AllIsInFiles() {
  for (rocksdb::ColumnFamilyHandle* family : handles_) {
    for (const std::string& property : {rocksdb::DB::Properties::kNumEntriesActiveMemTable,
                                        rocksdb::DB::Properties::kNumImmutableMemTable}) {
      uint64_t count = 0;
      if (!db_->GetIntProperty(family, property, &count) || count != 0) return false;
    }
  }
  return true;
}

}  // namespace firn::internal
