#include "mvcc/status.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "gtest/gtest.h"
#include "mvcc/catch_out_of_memory.h"
#include "tests/support/failing_new.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using ::firn::test::DocumentedCode;
using ::firn::test::FailingAllocations;
using ::firn::test::FailsWith;

std::vector<ErrorKind> AllKinds() {
  std::vector<ErrorKind> kinds;
  for (int number = 1; number <= static_cast<int>(ErrorKind::kNotOnDisk); ++number) {
    kinds.push_back(static_cast<ErrorKind>(number));
  }
  return kinds;
}

TEST(StatusTest, EveryKindHasItsDocumentedCodeAndComesBackFromItsStatus) {
  for (const ErrorKind kind : AllKinds()) {
    const absl::Status status = MakeError(kind, "what happened");
    EXPECT_EQ(KindOf(status), kind);
    EXPECT_EQ(status.code(), DocumentedCode(kind)) << ErrorKindName(kind);
    EXPECT_EQ(status.message(), "what happened");
  }
}

TEST(StatusTest, KindSurvivesACopy) {
  const absl::Status status = MakeError(ErrorKind::kClosed, "closed");
  const absl::StatusOr<int> copy = status;
  EXPECT_EQ(KindOf(copy.status()), ErrorKind::kClosed);
}

TEST(StatusTest, EveryKindHasAName) {
  EXPECT_EQ(ErrorKindName(ErrorKind::kNone), "None");
  EXPECT_EQ(ErrorKindName(ErrorKind::kOther), "Other");
  EXPECT_EQ(ErrorKindName(ErrorKind::kKeyTooLarge), "KeyTooLarge");
  EXPECT_EQ(ErrorKindName(ErrorKind::kOutOfMemory), "OutOfMemory");
  EXPECT_EQ(ErrorKindName(static_cast<ErrorKind>(9999)), "Other");
}

TEST(StatusTest, OkHasNoKindAndAForeignErrorIsOther) {
  EXPECT_EQ(KindOf(absl::OkStatus()), ErrorKind::kNone);
  EXPECT_EQ(KindOf(absl::InternalError("somebody else's")), ErrorKind::kOther);
}

TEST(StatusTest, AnUnreadablePayloadIsOther) {
  for (const char* payload : {"", "x", "7x", "-1", "0", "9999", "99999999999999999999"}) {
    absl::Status status = absl::AbortedError("from elsewhere");
    status.SetPayload("firn.dev/kind", absl::Cord(payload));
    EXPECT_EQ(KindOf(status), ErrorKind::kOther) << payload;
  }
}

TEST(StatusTest, ReadyMadeErrorsSayWhatWhereAndWhatToDo) {
  EXPECT_TRUE(FailsWith(ClosedError(), ErrorKind::kClosed));
  EXPECT_EQ(ClosedError().message(), "the Db is closed: open it again");
  EXPECT_TRUE(FailsWith(MovedFromError("Snapshot"), ErrorKind::kMovedFrom));
  EXPECT_EQ(MovedFromError("Snapshot").message(),
            "this Snapshot was moved from: use the one it was moved to, or assign a new one to it");
  EXPECT_TRUE(FailsWith(OutOfMemoryError("writing a batch"), ErrorKind::kOutOfMemory));
  EXPECT_EQ(OutOfMemoryError("writing a batch").message(),
            "out of memory while writing a batch; nothing was changed: free some and try again");
}

TEST(StatusTest, ErrorsKeepTheirKindWhenNoAllocationSucceedsAnyMore) {
  const std::string long_text(500, 'x');
  for (int succeeding = 0; succeeding < 12; ++succeeding) {
    for (const ErrorKind kind : AllKinds()) {
      absl::Status made, closed, moved_from, out_of_memory;
      {
        const FailingAllocations failing(succeeding);
        made = MakeError(kind, long_text);
        closed = ClosedError();
        moved_from = MovedFromError(long_text);
        out_of_memory = OutOfMemoryError(long_text);
      }
      EXPECT_EQ(KindOf(made), kind);
      EXPECT_EQ(made.code(), DocumentedCode(kind));
      EXPECT_FALSE(made.message().empty());
      EXPECT_TRUE(FailsWith(closed, ErrorKind::kClosed));
      EXPECT_TRUE(FailsWith(moved_from, ErrorKind::kMovedFrom));
      EXPECT_TRUE(FailsWith(out_of_memory, ErrorKind::kOutOfMemory));
    }
  }
}

TEST(CatchOutOfMemoryTest, PassesResultsThrough) {
  EXPECT_TRUE(CatchOutOfMemory("testing", [] { return absl::OkStatus(); }).ok());
  const absl::StatusOr<int> number =
      CatchOutOfMemory("testing", []() -> absl::StatusOr<int> { return 7; });
  EXPECT_EQ(number.value(), 7);
  EXPECT_TRUE(
      FailsWith(CatchOutOfMemory("testing", [] { return ClosedError(); }), ErrorKind::kClosed));
}

TEST(CatchOutOfMemoryTest, CarriesMoveOnlyResults) {
  auto result = CatchOutOfMemory(
      "testing", []() -> absl::StatusOr<std::unique_ptr<int>> { return std::make_unique<int>(7); });
  EXPECT_EQ(*result.value(), 7);
}

TEST(CatchOutOfMemoryTest, FailedAllocationBecomesAStatus) {
  const absl::StatusOr<std::string> result =
      CatchOutOfMemory("filling a string", []() -> absl::StatusOr<std::string> {
        const FailingAllocations failing(0);
        return std::string(100, 'x');
      });
  EXPECT_TRUE(FailsWith(result, ErrorKind::kOutOfMemory));
  EXPECT_EQ(result.status().message(),
            "out of memory while filling a string; nothing was changed: free some and try again");
}

TEST(CatchOutOfMemoryTest, ContainerBeyondItsLimitBecomesAStatus) {
  const absl::Status status = CatchOutOfMemory("growing a string", [] {
    std::string text;
    text.reserve(text.max_size() + 1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(FailsWith(status, ErrorKind::kOutOfMemory));
}

TEST(CatchOutOfMemoryTest, LeavesOtherExceptionsAlone) {
  EXPECT_THROW((void)CatchOutOfMemory("testing",
                                      []() -> absl::Status { throw std::runtime_error("a bug"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace firn::internal
