// The one place where exceptions stop.
#ifndef FIRN_MVCC_CATCH_OUT_OF_MEMORY_H_
#define FIRN_MVCC_CATCH_OUT_OF_MEMORY_H_

#include <new>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "mvcc/status.h"

namespace firn::internal {

// Runs `body`, which returns absl::Status or absl::StatusOr<T>, and turns the exceptions of
// a failed allocation into kOutOfMemory. `doing` completes "out of memory while ...".
//
// The error says that nothing was changed, so `body` must give the strong guarantee.
// Other exceptions pass through: they are a bug, or the user's own and caught where the
// user's code is called.
template <class F>
auto CatchOutOfMemory(std::string_view doing, F&& body) -> decltype(body()) {
  static_assert(std::is_constructible_v<decltype(body()), absl::Status>,
                "body returns absl::Status or absl::StatusOr<T>");
  try {
    return std::forward<F>(body)();
  } catch (const std::bad_alloc&) {
    return OutOfMemoryError(doing);
  } catch (const std::length_error&) {  // A container asked for more than can exist.
    return OutOfMemoryError(doing);
  }
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_CATCH_OUT_OF_MEMORY_H_
