// How a directory becomes a store again: what may be served, and what must have been there.
#ifndef FIRN_ENGINE_ROCKSDB_RECOVERY_H_
#define FIRN_ENGINE_ROCKSDB_RECOVERY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/group_link.h"
#include "engine/rocksdb_instance.h"
#include "engine/store.h"
#include "firn/types.h"
#include "rocksdb/env.h"
#include "rocksdb/listener.h"

namespace firn::internal {

// A RocksdbRecovery opens one store directory, whose lock its caller holds. It changes nothing
// that a refusal would have to take back.
//
// Thread-safety: one thread. Lifetime: all that it is given outlives it and the instances.
class RocksdbRecovery {
 public:
  RocksdbRecovery(const std::string& path, rocksdb::Env* env,
                  std::shared_ptr<rocksdb::EventListener> listener)
      : path_(path), env_(env), listener_(std::move(listener)) {}

  struct Recovered {
    std::unique_ptr<RocksdbInstance> instance;
    ChainEnd end;
    // The files alone do not say so yet: before anything is written, a flush must.
    bool needs_flush = false;
  };
  // Opens what is there, or a new store if `options` let it.
  // kDataLoss: what was acknowledged, as far as `boot_id` makes it binding, is not all there, or
  // a file is damaged. kNotFound, kAlreadyExists, kNewerFormat: as their names say.
  absl::StatusOr<Recovered> Open(const StoreOptions& options, std::string_view boot_id) const;
  // Opens again a store that served up to `last_group`, without what a later, failed write left
  // in the log. kUnavailable: `last_group` itself is not there.
  absl::StatusOr<std::unique_ptr<RocksdbInstance>> OpenAgain(uint64_t last_group) const;

 private:
  struct Replayed {
    std::unique_ptr<RocksdbInstance> instance;
    ChainReader log;
    bool log_deletes_range;
  };
  enum class Access { kReadOnly, kWrite, kCreate };

  // Opens RocksDB with what the log holds within `limits`, and judges the log.
  absl::StatusOr<Replayed> Replay(ChainReader::Limits limits, Access access) const;

  const std::string& path_;
  rocksdb::Env* const env_;
  const std::shared_ptr<rocksdb::EventListener> listener_;
};

// The file in the store directory `path` that remembers what callers were told.
std::string AckedPath(const std::string& path);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_RECOVERY_H_
