// The store on disk, in RocksDB. docs/format.md gives every byte.
#ifndef FIRN_ENGINE_ROCKSDB_STORE_H_
#define FIRN_ENGINE_ROCKSDB_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/store.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace firn::internal {

// Seams for tests.
struct RocksdbSeams {
  std::shared_ptr<rocksdb::FileSystem> file_system = nullptr;  // nullptr: the system's.
  std::string boot_id = {};                                    // Empty: the system's.
};

// Opens the store in the directory `options.path`, and recovers: what it then holds is every
// group up to some point, each of them whole, and nothing that was acknowledged is missing.
//
// kDataLoss: something that was acknowledged is gone, or a file is damaged; nothing was
// changed. kLocked, kNotFound, kAlreadyExists, kNewerFormat: as their names say.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksdbStore(const StoreOptions& options,
                                                        const RocksdbSeams& seams = {});

// Deletes the store in directory `path`, and the directory if nothing else is in it.
absl::Status DestroyRocksdbStore(const std::string& path);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_STORE_H_
