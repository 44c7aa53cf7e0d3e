// The file that remembers what callers were told.
#ifndef FIRN_ENGINE_ACKED_FILE_H_
#define FIRN_ENGINE_ACKED_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "firn/types.h"

namespace firn::internal {

// An AckedFile is one mapped page beside the store that says which commits were acknowledged.
// It survives the death of the process at the cost of a memory store; after a power cut it may
// be older than the truth, never newer.
//
//   0 magic "FIRNACKD" | 8 version u64 | 16 buffered u64 | 24 synced u64 | 32 boot id, 40 bytes
//
// The file is written in full when it is made: a page that is mapped but not allocated raises
// SIGBUS when the disk is full.
//
// Thread-safety: Raise*() from any thread; the rest from one.
class AckedFile {
 public:
  // What a file said when it was opened.
  struct Promise {
    CommitTs buffered;  // Survive the death of the process: binding within one boot.
    CommitTs synced;    // Survive a power cut.
    std::string boot_id;
  };

  // What stands in the file at `path`; kNotFound if there is none, kDataLoss if it is damaged.
  static absl::StatusOr<Promise> Read(const std::string& path);
  // Makes the file, or takes the one that is there, and promises `ts` at both levels.
  static absl::StatusOr<AckedFile> Open(const std::string& path, CommitTs ts,
                                        std::string_view boot_id);

  AckedFile(AckedFile&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  AckedFile& operator=(AckedFile&&) = delete;
  ~AckedFile();

  void RaiseBuffered(CommitTs ts) noexcept;
  void RaiseSynced(CommitTs ts) noexcept;

 private:
  explicit AckedFile(char* page) : page_(page) {}

  char* page_;
};

// Changes with every start of the machine.
std::string SystemBootId();

}  // namespace firn::internal

#endif  // FIRN_ENGINE_ACKED_FILE_H_
