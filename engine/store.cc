#include "engine/store.h"

#include <exception>
#include <memory>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace firn::internal {
namespace {

constexpr char kOutcomeUrl[] = "firn.dev/outcome";
constexpr char kUnknown[] = "unknown";

absl::Status BuildOutcomeUnknown(absl::StatusCode code, absl::string_view doing,
                                 absl::string_view cause) {
  absl::Status status(code, absl::StrCat("failed while ", doing, ": ", cause,
                                         "; whether it is on disk is unknown until the Db is "
                                         "opened again"));
  status.SetPayload(kOutcomeUrl, absl::Cord(kUnknown));
  return status;
}

// Whoever must be told "unknown" is told so even without memory: built when the library is
// loaded, never destroyed.
struct Spares {
  absl::Status io = BuildOutcomeUnknown(absl::StatusCode::kUnavailable, "writing", "an I/O error");
  absl::Status disk_full =
      BuildOutcomeUnknown(absl::StatusCode::kResourceExhausted, "writing", "the disk is full");
};

const Spares* BuildSpares() noexcept {
  try {
    return new Spares;
  } catch (const std::exception&) {
    return nullptr;
  }
}

const Spares* const spares = BuildSpares();

}  // namespace

bool IsOutcomeUnknown(const absl::Status& status) {
  return status.GetPayload(kOutcomeUrl).has_value();
}

absl::Status OutcomeUnknownError(std::string_view doing, const absl::Status& cause) noexcept {
  try {
    return BuildOutcomeUnknown(cause.code(), absl::string_view(doing.data(), doing.size()),
                               cause.message());
  } catch (const std::exception&) {
    if (spares == nullptr) return absl::Status(cause.code(), absl::string_view());
    return cause.code() == absl::StatusCode::kResourceExhausted ? spares->disk_full : spares->io;
  }
}

absl::Status StoreFailedError(const absl::Status& failure) noexcept {
  const bool may_resume = failure.code() == absl::StatusCode::kResourceExhausted;
  try {
    return absl::Status(
        failure.code(),
        absl::StrCat(
            "the store has failed (", failure.message(), ") and writes nothing more: ",
            may_resume ? "free disk space and resume, or open the Db again" : "open the Db again"));
  } catch (const std::exception&) {
    return absl::Status(failure.code(), absl::string_view());
  }
}

bool Ascends(absl::Span<const StoreCommit> group, CommitTs last) {
  for (const StoreCommit& commit : group) {
    if (commit.commit_ts <= last) return false;
    last = commit.commit_ts;
  }
  return true;
}

}  // namespace firn::internal
