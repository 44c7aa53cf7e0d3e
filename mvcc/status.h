// Makers of Firn's errors. Every error that leaves the engine is made here, so that a
// kind has one code and one way to ride along.
#ifndef FIRN_MVCC_STATUS_H_
#define FIRN_MVCC_STATUS_H_

#include <string_view>

#include "absl/status/status.h"
#include "firn/status.h"

namespace firn::internal {

// An error of `kind`, under the code that status.h gives it, with `what` as its text.
// The text says what was wrong, where, and what to do about it.
// Never throws: when memory is short, the text is the kind's general one.
// Requires: kind is not kNone.
absl::Status MakeError(ErrorKind kind, std::string_view what) noexcept;

// The Db was closed.
absl::Status ClosedError() noexcept;
// `handle` names the class of what was moved from: "Iterator".
absl::Status MovedFromError(std::string_view handle) noexcept;
// An allocation failed; `doing` says what for: "writing a batch".
absl::Status OutOfMemoryError(std::string_view doing) noexcept;

}  // namespace firn::internal

#endif  // FIRN_MVCC_STATUS_H_
