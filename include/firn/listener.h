// A Listener hears of what a Db does on its own.
#ifndef FIRN_LISTENER_H_
#define FIRN_LISTENER_H_

#include <cstddef>

#include "firn/export.h"

namespace firn {

// One pass of background work.
struct SettleInfo {
  size_t leaves_frozen = 0;
  size_t leaves_merged = 0;
  size_t versions_pruned = 0;
};

// Thread-safety: called on whichever thread does the work, with no lock held;
//     calls may overlap. Must not throw and must not block for long.
class FIRN_EXPORT Listener {
 public:
  virtual ~Listener() = default;
  // A background pass has changed something.
  virtual void OnSettled(const SettleInfo& info) { (void)info; }
};

}  // namespace firn

#endif  // FIRN_LISTENER_H_
