// A file system for RocksDB that fails when told to, and knows what a power cut would take.
#ifndef FIRN_TESTS_SUPPORT_ROCKSDB_FAULTS_H_
#define FIRN_TESTS_SUPPORT_ROCKSDB_FAULTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "rocksdb/file_system.h"
#include "tests/support/random.h"

namespace firn::test {

// Thread-safety: any thread.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target)
      : FileSystemWrapper(target) {}
  const char* Name() const override { return "firn.FaultyFileSystem"; }

  // Makes the n-th operation that changes the disk fail, 1 being the next: to create, append to,
  // sync, rename or delete a file, or to sync a directory. A full disk stays full until Heal().
  void FailOperation(uint64_t nth, bool disk_full);
  void Heal();
  // Whether the operation came.
  bool FaultStruck();

  // Copies directory `from` to the new directory `to` as the death of the process would leave it.
  void CopyAsAfterKill(const std::string& from, const std::string& to);
  // The same as a power cut would leave it: of what was not synced, chance decides how much
  // stays; of logs also single pages behind ones that are lost.
  void CopyAsAfterPowerCut(const std::string& from, const std::string& to, Random& random);

  using FileSystemWrapper::NewDirectory;
  using FileSystemWrapper::NewWritableFile;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class WritableFile;
  class Directory;
  struct Unsynced {
    uint64_t synced_bytes = 0;
    bool entry_synced = false;  // Its directory was synced since it was made.
  };

  // Counts an operation and says how it ends.
  rocksdb::IOStatus Operate();
  void Synced(const std::string& path, uint64_t bytes);
  void DirectorySynced(const std::string& path);
  // Our own file is mapped: after a power cut it is as new as the kernel has written it, and
  // that may be long ago.
  void RememberAcked(const std::string& directory);

  // Shared by operations under way; exclusive for a copy, so that it is of one moment.
  std::shared_mutex frozen_;
  // Order: after frozen_.
  std::mutex mutex_;
  std::map<std::string, Unsynced> files_;     // Those made through this file system.
  std::map<std::string, std::string> acked_;  // What it held at some sync, by directory.
  uint64_t operation_count_ = 0;
  uint64_t fault_at_ = 0;  // An operation's number; 0: no fault.
  bool disk_full_ = false;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_ROCKSDB_FAULTS_H_
