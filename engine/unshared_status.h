// A status that one thread hands to others.
#ifndef FIRN_ENGINE_UNSHARED_STATUS_H_
#define FIRN_ENGINE_UNSHARED_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace firn::internal {

// A copy of `status` that shares no memory with it.
//
// A plain copy shares its text by a count that the packaged Abseil keeps in code of its
// own, where ThreadSanitizer does not see it: two threads that drop their copies then look
// like a race. So what crosses threads is copied anew for each of them.
inline absl::Status UnsharedStatus(const absl::Status& status) {
  absl::Status copy(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    copy.SetPayload(type_url, absl::Cord(std::string(payload)));
  });
  return copy;
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_UNSHARED_STATUS_H_
