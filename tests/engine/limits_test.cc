#include "engine/limits.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/support/status_checks.h"

namespace firn::internal {
namespace {

using ::firn::test::FailsWith;
using ::firn::test::IsOk;

// A view of `size` bytes that nobody reads: sizes alone are checked.
std::string_view ViewOfSize(size_t size) {
  static const char* const start = "prefix that an error may show............";
  return {start, size};
}

TEST(LimitsTest, LargestKeyIsLegalAndOneByteMoreIsNot) {
  EXPECT_TRUE(IsOk(CheckKey("")));
  EXPECT_TRUE(IsOk(CheckKey(std::string(kMaxKeyBytes, 'k'))));
  const absl::Status status = CheckKey(std::string(kMaxKeyBytes + 1, 'k'));
  EXPECT_TRUE(FailsWith(status, ErrorKind::kKeyTooLarge));
  EXPECT_EQ(status.message(),
            "the key that begins with \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"... has 65536 bytes: "
            "use one of at most 65535");
}

TEST(LimitsTest, LargestValueIsLegalAndOneByteMoreIsNot) {
  EXPECT_TRUE(IsOk(CheckValue("")));
  EXPECT_TRUE(IsOk(CheckValue(ViewOfSize(kMaxValueBytes))));
  EXPECT_TRUE(FailsWith(CheckValue(ViewOfSize(kMaxValueBytes + 1)), ErrorKind::kValueTooLarge));
}

TEST(LimitsTest, OnlyCrossedBoundsAreRefused) {
  EXPECT_TRUE(IsOk(CheckRange({})));
  EXPECT_TRUE(IsOk(CheckRange({.lower = "b", .upper = std::nullopt})));
  EXPECT_TRUE(IsOk(CheckRange({.lower = std::nullopt, .upper = ""})));
  EXPECT_TRUE(IsOk(CheckRange({.lower = "a", .upper = "b"})));
  EXPECT_TRUE(IsOk(CheckRange({.lower = "a", .upper = "a"})));
  EXPECT_TRUE(IsOk(CheckRange({.lower = "\x7f", .upper = "\x80"})));
  EXPECT_TRUE(FailsWith(CheckRange({.lower = "\x80", .upper = "\x7f"}), ErrorKind::kCrossedBounds));
  const absl::Status status = CheckRange({.lower = "b\n", .upper = "a"});
  EXPECT_TRUE(FailsWith(status, ErrorKind::kCrossedBounds));
  EXPECT_EQ(status.message(),
            "the lower bound \"b\\n\" is above the upper bound \"a\": swap them, or leave out the "
            "one that was not meant");
}

TEST(LimitsTest, BatchIsRefusedForItsFirstBadOperation) {
  WriteBatch batch;
  EXPECT_TRUE(IsOk(CheckBatch(batch)));
  batch.Put("a", "1");
  batch.Delete("b");
  batch.DeleteRange({.lower = "a", .upper = "a"});
  EXPECT_TRUE(IsOk(CheckBatch(batch)));

  WriteBatch crossed = batch;
  crossed.DeleteRange({.lower = "b", .upper = "a"});
  crossed.Put(std::string(kMaxKeyBytes + 1, 'k'), "");
  EXPECT_TRUE(FailsWith(CheckBatch(crossed), ErrorKind::kCrossedBounds));
  EXPECT_TRUE(CheckBatch(crossed).message().find("operation 3 of the batch: ") == 0);

  WriteBatch long_key = batch;
  long_key.Put(std::string(kMaxKeyBytes + 1, 'k'), "");
  EXPECT_TRUE(FailsWith(CheckBatch(long_key), ErrorKind::kKeyTooLarge));

  WriteBatch long_deleted_key = batch;
  long_deleted_key.Delete(std::string(kMaxKeyBytes + 1, 'k'));
  EXPECT_TRUE(FailsWith(CheckBatch(long_deleted_key), ErrorKind::kKeyTooLarge));
}

TEST(LimitsTest, LargestBatchIsLegalAndOneByteMoreIsNot) {
  EXPECT_TRUE(IsOk(CheckBatchBytes(kMaxBatchBytes)));
  EXPECT_TRUE(FailsWith(CheckBatchBytes(kMaxBatchBytes + 1), ErrorKind::kBatchTooLarge));
}

TEST(LimitsTest, BoundMayBeLongerThanAnyKey) {
  WriteBatch batch;
  batch.DeleteRange({.lower = "a", .upper = std::string(2 * kMaxKeyBytes, 'k')});
  EXPECT_TRUE(IsOk(CheckBatch(batch)));
}

TEST(LimitsTest, DefaultTuningIsLegal) { EXPECT_TRUE(IsOk(CheckTuning({}))); }

struct TuningCase {
  std::string_view name;
  size_t TuningOptions::*option;
  size_t low;
  size_t high;
};

constexpr TuningCase kTuningCases[] = {
    {"block_bytes", &TuningOptions::block_bytes, 64, 1 << 20},
    {"block_entries", &TuningOptions::block_entries, 2, 65'536},
    {"delta_slots", &TuningOptions::delta_slots, 2, 256},
    {"inner_fanout", &TuningOptions::inner_fanout, 4, 1'024},
    {"large_value_bytes", &TuningOptions::large_value_bytes, 16, 64 << 10},
};

TEST(LimitsTest, EveryTuningOptionIsLegalExactlyInItsRange) {
  for (const TuningCase& test_case : kTuningCases) {
    const auto check = [&](size_t value) {
      TuningOptions tuning;
      tuning.*test_case.option = value;
      return CheckTuning(tuning);
    };
    EXPECT_TRUE(IsOk(check(test_case.low))) << test_case.name;
    EXPECT_TRUE(IsOk(check(test_case.high))) << test_case.name;
    EXPECT_TRUE(FailsWith(check(test_case.low - 1), ErrorKind::kBadOption)) << test_case.name;
    EXPECT_TRUE(FailsWith(check(test_case.high + 1), ErrorKind::kBadOption)) << test_case.name;
    const std::string text(check(0).message());
    EXPECT_NE(text.find(test_case.name), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace firn::internal
