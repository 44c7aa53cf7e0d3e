#include "tests/support/status_checks.h"

#include <string>

namespace firn::test {

absl::StatusCode DocumentedCode(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNone:
      return absl::StatusCode::kOk;
    case ErrorKind::kKeyTooLarge:
    case ErrorKind::kValueTooLarge:
    case ErrorKind::kBatchTooLarge:
    case ErrorKind::kCrossedBounds:
    case ErrorKind::kBadOption:
    case ErrorKind::kNoStore:
    case ErrorKind::kTimestampInPast:
    case ErrorKind::kTimestampInFuture:
      return absl::StatusCode::kInvalidArgument;
    case ErrorKind::kClosed:
    case ErrorKind::kMovedFrom:
    case ErrorKind::kFrozenIterator:
    case ErrorKind::kFactoryCycle:
    case ErrorKind::kReadOnly:
    case ErrorKind::kForked:
    case ErrorKind::kNotOnDisk:
      return absl::StatusCode::kFailedPrecondition;
    case ErrorKind::kFactoryThrew:
    case ErrorKind::kCallbackThrew:
      return absl::StatusCode::kAborted;
    case ErrorKind::kOutOfMemory:
      return absl::StatusCode::kResourceExhausted;
    case ErrorKind::kNewerFormat:
      return absl::StatusCode::kUnimplemented;
    case ErrorKind::kDataLoss:
      return absl::StatusCode::kDataLoss;
    case ErrorKind::kLocked:
      return absl::StatusCode::kUnavailable;
    case ErrorKind::kAlreadyExists:
      return absl::StatusCode::kAlreadyExists;
    case ErrorKind::kOther:
      break;
  }
  return absl::StatusCode::kUnknown;
}

::testing::AssertionResult FailsWith(const absl::Status& status, ErrorKind kind) {
  if (KindOf(status) == kind && status.code() == DocumentedCode(kind) &&
      !status.message().empty()) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "expected " << ErrorKindName(kind) << ", got " << ErrorKindName(KindOf(status)) << ": "
         << status.ToString();
}

}  // namespace firn::test
