// Errors: an absl::Status whose code says what class of trouble it is and whose
// kind, riding as a payload, says precisely which.
#ifndef FIRN_STATUS_H_
#define FIRN_STATUS_H_

#include <string_view>

#include "absl/status/status.h"
#include "firn/export.h"

namespace firn {

// The precise reason of a failure. Values are stable; new ones are appended.
enum class ErrorKind {
  kNone = 0,               // The status is OK.
  kOther = 1,              // Not an error of Firn's, or one without a finer name.
  kKeyTooLarge = 2,        // kInvalidArgument: over kMaxKeyBytes.
  kValueTooLarge = 3,      // kInvalidArgument: over kMaxValueBytes.
  kBatchTooLarge = 4,      // kInvalidArgument: over kMaxBatchBytes.
  kCrossedBounds = 5,      // kInvalidArgument: lower bound above upper bound.
  kBadOption = 6,          // kInvalidArgument: an option outside its documented range.
  kNoStore = 7,            // kInvalidArgument: durability asked of a Db without a store.
  kTimestampInPast = 8,    // kInvalidArgument: WriteOptions::commit_ts not above the last.
  kTimestampInFuture = 9,  // kInvalidArgument: WriteOptions::commit_ts too far ahead.
  kClosed = 10,            // kFailedPrecondition: the Db was closed.
  kMovedFrom = 11,         // kFailedPrecondition: the handle was moved from.
  kFrozenIterator = 12,    // kFailedPrecondition: Refresh() on a snapshot's iterator.
  kFactoryCycle = 13,      // kFailedPrecondition: a factory would wait for itself.
  kFactoryThrew = 14,      // kAborted: a LoadOrStore factory threw.
  kCallbackThrew = 15,     // kAborted: a Range callback threw.
  kOutOfMemory = 16,       // kResourceExhausted: an allocation failed; nothing changed.
  kDataLoss = 17,          // kDataLoss: something acknowledged is gone, or a file is damaged.
  kLocked = 18,            // kUnavailable: another Db has the directory open.
  kAlreadyExists = 19,     // kAlreadyExists: the directory holds a Db, and was not to.
  kNewerFormat = 20,       // kUnimplemented: written by a newer release.
  kReadOnly = 21,          // kFailedPrecondition: a write to a Db that was opened read-only.
  kForked = 22,            // kFailedPrecondition: the Db belongs to the parent process.
  kNotOnDisk = 23,         // kFailedPrecondition: a call for a Db on disk, on one in memory.
};

// The kind of `status`: kNone when OK, kOther when it carries no kind of ours.
FIRN_EXPORT ErrorKind KindOf(const absl::Status& status);

// The name of `kind`, without the leading "k": "KeyTooLarge".
FIRN_EXPORT std::string_view ErrorKindName(ErrorKind kind);

}  // namespace firn

#endif  // FIRN_STATUS_H_
