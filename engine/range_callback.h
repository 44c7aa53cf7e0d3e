// A walk that calls the user for each entry.
#ifndef FIRN_ENGINE_RANGE_CALLBACK_H_
#define FIRN_ENGINE_RANGE_CALLBACK_H_

#include <exception>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "firn/iterator.h"
#include "mvcc/status.h"

namespace firn::internal {

// Calls `visit` for each entry of `iterator` until it returns false. What it throws ends the
// walk as kCallbackThrew.
inline absl::Status VisitRange(Iterator iterator,
                               absl::FunctionRef<bool(std::string_view, std::string_view)> visit) {
  try {
    for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next()) {
      if (!visit(iterator.key(), iterator.value())) return absl::OkStatus();
    }
  } catch (const std::exception& thrown) {
    return MakeError(ErrorKind::kCallbackThrew,
                     std::string("the callback of Range() threw: ") + thrown.what());
  } catch (...) {
    return MakeError(ErrorKind::kCallbackThrew, "the callback of Range() threw");
  }
  return iterator.status();
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_RANGE_CALLBACK_H_
