// A Listener hears of what a Db does on its own.
#ifndef FIRN_LISTENER_H_
#define FIRN_LISTENER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "firn/export.h"

namespace firn {

// One pass of background work.
struct SettleInfo {
  size_t leaves_frozen = 0;
  size_t leaves_merged = 0;
  size_t versions_pruned = 0;
};

// How far Db::Open() is with reading the directory in.
struct LoadProgress {
  uint64_t entries = 0;         // So far.
  uint64_t bytes = 0;           // Of their keys and values.
  uint64_t expected_bytes = 0;  // In all, about; 0 if unknown.
};

// Thread-safety: called on whichever thread does the work, with no lock held;
//     calls may overlap. Must not throw and must not block for long.
class FIRN_EXPORT Listener {
 public:
  virtual ~Listener() = default;
  // A background pass has changed something.
  virtual void OnSettled(const SettleInfo& info) { (void)info; }
  // Db::Open() is loading; some ten times a second, and once at the end.
  virtual void OnLoadProgress(const LoadProgress& progress) { (void)progress; }
  // The store has failed on its own or in a call: from now on writes are refused. `status`
  // is what they are refused with.
  virtual void OnStoreFailed(const absl::Status& status) { (void)status; }
};

}  // namespace firn

#endif  // FIRN_LISTENER_H_
