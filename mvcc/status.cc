#include "mvcc/status.h"

#include <charconv>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "mvcc/check.h"

namespace firn {
namespace {

// The payload holds the kind's number in decimal: numbers are stable, names may improve.
constexpr char kPayloadUrl[] = "firn.dev/kind";

struct KindInfo {
  std::string_view name;  // Empty: no kind of this release.
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string_view general_text;
};

// No default: the compiler names a kind that is missing here.
constexpr KindInfo InfoOf(ErrorKind kind) {
  using Code = absl::StatusCode;
  switch (kind) {
    case ErrorKind::kNone:
      return {"None", Code::kOk, ""};
    case ErrorKind::kOther:
      return {"Other", Code::kUnknown, "an error without a finer name"};
    case ErrorKind::kKeyTooLarge:
      return {"KeyTooLarge", Code::kInvalidArgument, "a key is too large: use a shorter one"};
    case ErrorKind::kValueTooLarge:
      return {"ValueTooLarge", Code::kInvalidArgument, "a value is too large: store it in parts"};
    case ErrorKind::kBatchTooLarge:
      return {"BatchTooLarge", Code::kInvalidArgument, "a batch is too large: write it in parts"};
    case ErrorKind::kCrossedBounds:
      return {"CrossedBounds", Code::kInvalidArgument,
              "the lower bound is above the upper bound: swap them"};
    case ErrorKind::kBadOption:
      return {"BadOption", Code::kInvalidArgument,
              "an option is outside its range: see firn/options.h"};
    case ErrorKind::kNoStore:
      return {"NoStore", Code::kInvalidArgument,
              "this Db has no store: ask for no durability, or open it on a directory"};
    case ErrorKind::kTimestampInPast:
      return {"TimestampInPast", Code::kInvalidArgument,
              "the commit timestamp is not above the last one: choose a later one"};
    case ErrorKind::kTimestampInFuture:
      return {"TimestampInFuture", Code::kInvalidArgument,
              "the commit timestamp is too far ahead: choose an earlier one"};
    case ErrorKind::kClosed:
      return {"Closed", Code::kFailedPrecondition, "the Db is closed: open it again"};
    case ErrorKind::kMovedFrom:
      return {"MovedFrom", Code::kFailedPrecondition,
              "this handle was moved from: use the one it was moved to"};
    case ErrorKind::kFrozenIterator:
      return {"FrozenIterator", Code::kFailedPrecondition,
              "a snapshot's iterator cannot be refreshed: make one from the Db or a new snapshot"};
    case ErrorKind::kFactoryCycle:
      return {"FactoryCycle", Code::kFailedPrecondition,
              "a factory would wait for itself: load what it needs before the call"};
    case ErrorKind::kFactoryThrew:
      return {"FactoryThrew", Code::kAborted, "a factory threw: nothing was stored"};
    case ErrorKind::kCallbackThrew:
      return {"CallbackThrew", Code::kAborted, "a callback threw: the walk ended there"};
    case ErrorKind::kOutOfMemory:
      return {"OutOfMemory", Code::kResourceExhausted,
              "out of memory; nothing was changed: free some and try again"};
    case ErrorKind::kDataLoss:
      return {"DataLoss", Code::kDataLoss, "data is lost or damaged: restore a backup"};
    case ErrorKind::kLocked:
      return {"Locked", Code::kUnavailable, "the directory is in use: close the other Db first"};
    case ErrorKind::kAlreadyExists:
      return {"AlreadyExists", Code::kAlreadyExists,
              "the directory holds a Db already: choose another one"};
    case ErrorKind::kNewerFormat:
      return {"NewerFormat", Code::kUnimplemented,
              "the files were written by a newer release: use that one"};
    case ErrorKind::kReadOnly:
      return {"ReadOnly", Code::kFailedPrecondition,
              "the Db was opened read-only: open it without Options::read_only to write"};
    case ErrorKind::kForked:
      return {"Forked", Code::kFailedPrecondition,
              "the Db belongs to the process that opened it, not to its child: open another one"};
    case ErrorKind::kNotOnDisk:
      return {"NotOnDisk", Code::kFailedPrecondition,
              "the Db lives in memory: open one on disk with Db::Open()"};
  }
  return {};
}

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Build(ErrorKind kind, std::string_view what) {
  absl::Status status(InfoOf(kind).code, ToAbsl(what));
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int>(kind))));
  return status;
}

// One status of each kind with its general text, by number. Copying one allocates nothing,
// so that the kind survives even when there is no memory to say more.
const std::vector<absl::Status>* BuildSpares() noexcept {
  try {
    auto spares = std::make_unique<std::vector<absl::Status>>();
    for (int number = 0;; ++number) {
      const KindInfo info = InfoOf(static_cast<ErrorKind>(number));
      if (info.name.empty()) return spares.release();
      spares->push_back(Build(static_cast<ErrorKind>(number), info.general_text));
    }
  } catch (const std::exception&) {
    return nullptr;
  }
}

// Built when the library is loaded, because later there may be no memory; never destroyed,
// because errors are made until the very end of the process. Null before static
// initialisation has reached this file.
const std::vector<absl::Status>* const spares = BuildSpares();

absl::Status SpareError(ErrorKind kind) noexcept {
  if (spares == nullptr) return absl::Status(InfoOf(kind).code, absl::string_view());
  return (*spares)[static_cast<size_t>(kind)];
}

}  // namespace

ErrorKind KindOf(const absl::Status& status) {
  if (status.ok()) return ErrorKind::kNone;
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return ErrorKind::kOther;
  const auto text = payload->TryFlat();
  if (!text.has_value()) return ErrorKind::kOther;
  int number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return ErrorKind::kOther;
  const auto kind = static_cast<ErrorKind>(number);
  const bool known = !InfoOf(kind).name.empty() && kind != ErrorKind::kNone;
  return known ? kind : ErrorKind::kOther;
}

std::string_view ErrorKindName(ErrorKind kind) {
  const std::string_view name = InfoOf(kind).name;
  return name.empty() ? "Other" : name;
}

namespace internal {

absl::Status MakeError(ErrorKind kind, std::string_view what) noexcept {
  FIRN_CHECK(kind != ErrorKind::kNone && !InfoOf(kind).name.empty());
  try {
    return Build(kind, what);
  } catch (const std::exception&) {
    return SpareError(kind);
  }
}

absl::Status ClosedError() noexcept { return SpareError(ErrorKind::kClosed); }

absl::Status MovedFromError(std::string_view handle) noexcept {
  try {
    return Build(ErrorKind::kMovedFrom, absl::StrCat("this ", ToAbsl(handle),
                                                     " was moved from: use the one it was "
                                                     "moved to, or assign a new one to it"));
  } catch (const std::exception&) {
    return SpareError(ErrorKind::kMovedFrom);
  }
}

absl::Status OutOfMemoryError(std::string_view doing) noexcept {
  try {
    return Build(ErrorKind::kOutOfMemory,
                 absl::StrCat("out of memory while ", ToAbsl(doing),
                              "; nothing was changed: free some and try again"));
  } catch (const std::exception&) {
    return SpareError(ErrorKind::kOutOfMemory);
  }
}

}  // namespace internal
}  // namespace firn
