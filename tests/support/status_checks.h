// Says in one word why a call should fail.
#ifndef FIRN_TESTS_SUPPORT_STATUS_CHECKS_H_
#define FIRN_TESTS_SUPPORT_STATUS_CHECKS_H_

#include <stdexcept>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "firn/status.h"
#include "gtest/gtest.h"

namespace firn::test {

// The code that status.h documents for `kind`, restated.
absl::StatusCode DocumentedCode(ErrorKind kind);

// True if `status` has `kind`, the code that belongs to it, and a message.
::testing::AssertionResult FailsWith(const absl::Status& status, ErrorKind kind);

template <class T>
::testing::AssertionResult FailsWith(const absl::StatusOr<T>& result, ErrorKind kind) {
  return FailsWith(result.status(), kind);
}

inline ::testing::AssertionResult IsOk(const absl::Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status.ToString();
}

template <class T>
::testing::AssertionResult IsOk(const absl::StatusOr<T>& result) {
  return IsOk(result.status());
}

// The value of a call that must succeed; GoogleTest reports the exception otherwise.
template <class T>
T ValueOf(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return *std::move(result);
}

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_STATUS_CHECKS_H_
