// The environment that RocksDB runs in.
#ifndef FIRN_ENGINE_ROCKSDB_ENV_H_
#define FIRN_ENGINE_ROCKSDB_ENV_H_

#include <memory>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace firn::internal {

// `files`, but for what RocksDB leaves to its surroundings: every file is for its owner alone,
// whatever the umask, and no thread sleeps for a second after a failure, which a Close() would
// wait for.
std::unique_ptr<rocksdb::Env> MakeStoreEnv(const std::shared_ptr<rocksdb::FileSystem>& files);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_ENV_H_
