// RocksDB's log, written through memory.
#ifndef FIRN_ENGINE_ROCKSDB_MAPPED_LOG_H_
#define FIRN_ENGINE_ROCKSDB_MAPPED_LOG_H_

#include <memory>

#include "rocksdb/file_system.h"

namespace firn::internal {

// The machine's files, with logs that are written through a shared mapping: what was copied there
// survives the death of the process as what write() took does, and the system call, which is a
// third of a small commit, is saved. The file is made longer a piece at a time, its blocks
// allocated, before anything is copied; so a full disk is an error and not a signal. Closing cuts
// it to its content; after a kill zeros follow that, which RocksDB's log reader passes over.
//
// Only where allocated blocks are sure to take what is written (ext4, xfs, tmpfs); elsewhere logs
// are ordinary files.
std::shared_ptr<rocksdb::FileSystem> FilesWithMappedLogs();

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ROCKSDB_MAPPED_LOG_H_
