#include "engine/normalized_batch.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

using namespace std::string_literals;
using ::firn::test::PrintedSeed;
using ::firn::test::Random;

std::string Shown(const std::optional<std::string_view>& bound) {
  return bound.has_value() ? std::string(*bound) : "";
}

// "[a,c) [x,) a=1 b:-": the ranges, then the points.
std::string Shown(const NormalizedBatch& normalized) {
  std::string shown;
  for (const NormalizedBatch::RangeDeleteSpan& range : normalized.ranges) {
    if (!shown.empty()) shown += " ";
    shown += "[" + Shown(range.lower) + "," + Shown(range.upper) + ")";
  }
  for (const NormalizedBatch::PointOp& point : normalized.points) {
    if (!shown.empty()) shown += " ";
    shown += std::string(point.key) + (point.value ? "=" + std::string(*point.value) : ":-");
  }
  return shown;
}

TEST(NormalizedBatchTest, EmptyBatchIsEmpty) { EXPECT_EQ(Shown(Normalize(WriteBatch())), ""); }

TEST(NormalizedBatchTest, PointsComeOutInUnsignedBytewiseOrder) {
  WriteBatch batch;
  for (std::string_view key : {"b", "\x80", "", "ab", "a", "B", "\x7f"}) batch.Put(key, "v");
  batch.Put(std::string_view("a\0", 2), "v");
  EXPECT_EQ(Shown(Normalize(batch)), "=v B=v a=v a\0=v ab=v b=v \x7f=v \x80=v"s);
}

TEST(NormalizedBatchTest, LastOperationOnAKeyWins) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Delete("b");
  batch.Put("a", "2");
  batch.Put("b", "3");
  batch.Put("c", "4");
  batch.Delete("c");
  EXPECT_EQ(Shown(Normalize(batch)), "a=2 b=3 c:-");
}

TEST(NormalizedBatchTest, KeysThatDifferLateOrOnlyInLengthStayApart) {
  WriteBatch batch;
  batch.Put("a long common prefix, then eight bytes: 12345678y", "1");
  batch.Put("a long common prefix, then eight bytes: 12345678x", "2");
  batch.Put("a long common prefix, then eight bytes: 12345678", "3");
  batch.Put(std::string_view("a long common prefix, then eight bytes: 12345678\0", 49), "4");
  batch.Put("a long common prefix, then eight bytes: 1", "5");
  const NormalizedBatch normalized = Normalize(batch);
  std::string values;
  for (const NormalizedBatch::PointOp& point : normalized.points) values += *point.value;
  EXPECT_EQ(values, "53421");
}

TEST(NormalizedBatchTest, RangeCoversEarlierOperationsAndNotLaterOnes) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Put("b", "2");
  batch.Delete("bb");
  batch.Put("c", "3");
  batch.DeleteRange({.lower = "b", .upper = "c"});
  batch.Put("bc", "4");
  batch.Delete("bd");
  EXPECT_EQ(Shown(Normalize(batch)), "[b,c) a=1 bc=4 bd:- c=3");
}

TEST(NormalizedBatchTest, KeyPutAgainAfterARangeSurvivesIt) {
  WriteBatch batch;
  batch.Put("b", "1");
  batch.DeleteRange({});
  batch.Put("b", "2");
  EXPECT_EQ(Shown(Normalize(batch)), "[,) b=2");
}

TEST(NormalizedBatchTest, LatestOfNestedRangesDecides) {
  WriteBatch batch;
  batch.Put("m1", "before both");
  batch.DeleteRange({.lower = "a", .upper = "z"});
  batch.Put("m2", "between");
  batch.Put("q", "between, outside the later");
  batch.DeleteRange({.lower = "m", .upper = "n"});
  batch.Put("m3", "after both");
  EXPECT_EQ(Shown(Normalize(batch)), "[a,z) m3=after both q=between, outside the later");
}

TEST(NormalizedBatchTest, RangesThatOverlapOrTouchAreMerged) {
  WriteBatch batch;
  batch.DeleteRange({.lower = "x", .upper = std::nullopt});
  batch.DeleteRange({.lower = "c", .upper = "e"});
  batch.DeleteRange({.lower = "a", .upper = "b"});
  batch.DeleteRange({.lower = "b", .upper = "bb"});
  batch.DeleteRange({.lower = "d", .upper = "dd"});
  batch.DeleteRange({.lower = "y", .upper = "z"});
  EXPECT_EQ(Shown(Normalize(batch)), "[a,bb) [c,e) [x,)");
}

TEST(NormalizedBatchTest, EmptyRangesVanish) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.DeleteRange({.lower = "a", .upper = "a"});
  batch.DeleteRange({.lower = std::nullopt, .upper = ""});
  batch.DeleteRange({.lower = "", .upper = ""});
  EXPECT_EQ(Shown(Normalize(batch)), "a=1");
}

TEST(NormalizedBatchTest, AnAbsentLowerBoundAndAnEmptyOneMergeAlike) {
  WriteBatch batch;
  batch.DeleteRange({.lower = "", .upper = "b"});
  batch.DeleteRange({.lower = std::nullopt, .upper = "a"});
  const NormalizedBatch normalized = Normalize(batch);
  ASSERT_EQ(normalized.ranges.size(), 1u);
  EXPECT_EQ(normalized.ranges[0].upper, "b");
}

// --- Against a model ------------------------------------------------------------------

using Model = std::map<std::string, std::string, std::less<>>;

bool Covers(const KeyRange& range, std::string_view key) {
  return (!range.lower || *range.lower <= key) && (!range.upper || key < *range.upper);
}

// The batch as its documentation reads: one operation after the other.
void ApplyInOrder(const WriteBatch& batch, Model& model) {
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const WriteBatch::Operation operation = batch.operation(i);
    switch (operation.type) {
      case WriteBatch::OperationType::kPut:
        model.insert_or_assign(std::string(operation.key), std::string(operation.value));
        break;
      case WriteBatch::OperationType::kDelete:
        model.erase(std::string(operation.key));
        break;
      case WriteBatch::OperationType::kDeleteRange:
        std::erase_if(model,
                      [&](const auto& entry) { return Covers(operation.range, entry.first); });
        break;
    }
  }
}

// The normal form as its documentation reads: ranges spare the keys that a point names.
void Apply(const NormalizedBatch& normalized, Model& model) {
  std::map<std::string_view, std::optional<std::string_view>> points;
  for (const NormalizedBatch::PointOp& point : normalized.points) points[point.key] = point.value;
  std::erase_if(model, [&](const auto& entry) {
    if (points.contains(entry.first)) return false;
    for (const KeyRange& range : normalized.ranges) {
      if (Covers(range, entry.first)) return true;
    }
    return false;
  });
  for (const auto& [key, value] : points) {
    if (value) {
      model.insert_or_assign(std::string(key), std::string(*value));
    } else {
      model.erase(std::string(key));
    }
  }
}

void ExpectNormalForm(const NormalizedBatch& normalized) {
  for (size_t i = 1; i < normalized.points.size(); ++i) {
    ASSERT_LT(normalized.points[i - 1].key, normalized.points[i].key);
  }
  for (size_t i = 0; i < normalized.ranges.size(); ++i) {
    const KeyRange& range = normalized.ranges[i];
    ASSERT_TRUE(!range.upper || range.lower.value_or("") < *range.upper);
    if (i == 0) continue;
    ASSERT_TRUE(range.lower.has_value());
    ASSERT_TRUE(normalized.ranges[i - 1].upper.has_value());
    ASSERT_LT(*normalized.ranges[i - 1].upper, *range.lower);
  }
}

// Short keys over few letters meet often; some share a prefix longer than a head.
std::string RandomKey(Random& random) {
  static constexpr char kLetters[] = {'\0', 'a', 'b', '\x7f', '\x80', '\xff'};
  std::string key = random.OneIn(4) ? "shared prefix" : "";
  const size_t size = random.Below(random.OneIn(3) ? 12 : 3);
  for (size_t i = 0; i < size; ++i) key += kLetters[random.Below(sizeof(kLetters))];
  return key;
}

KeyRange RandomRange(Random& random, std::string& lower, std::string& upper) {
  lower = RandomKey(random);
  upper = RandomKey(random);
  if (upper < lower) std::swap(lower, upper);
  KeyRange range;
  if (!random.OneIn(8)) range.lower = lower;
  if (!random.OneIn(8)) range.upper = upper;
  return range;
}

WriteBatch RandomBatch(Random& random) {
  WriteBatch batch;
  const uint64_t range_one_in = random.OneIn(3) ? 1'000'000 : random.Between(2, 20);
  const size_t count = random.Below(random.OneIn(10) ? 200 : 20);
  std::string lower, upper;
  for (size_t i = 0; i < count; ++i) {
    if (random.OneIn(range_one_in)) {
      batch.DeleteRange(RandomRange(random, lower, upper));
    } else if (random.OneIn(3)) {
      batch.Delete(RandomKey(random));
    } else {
      batch.Put(RandomKey(random), std::to_string(i));
    }
  }
  return batch;
}

TEST(NormalizedBatchTest, DoesTheSameAsTheOperationsOneAfterTheOther) {
  Random random(PrintedSeed());
  Model in_order;
  Model normal;
  for (int round = 0; round < 10'000; ++round) {
    const WriteBatch batch = RandomBatch(random);
    const NormalizedBatch normalized = Normalize(batch);
    ASSERT_NO_FATAL_FAILURE(ExpectNormalForm(normalized)) << "round " << round;
    ApplyInOrder(batch, in_order);
    Apply(normalized, normal);
    ASSERT_EQ(normal, in_order) << "round " << round;
    if (in_order.size() > 300) {
      in_order.clear();
      normal.clear();
    }
  }
}

// The same, but with points that a covering range must have removed: applying the ranges
// first and every point after must agree too, which fails if a covered put stays.
TEST(NormalizedBatchTest, CoveredPutsAreGone) {
  Random random(PrintedSeed());
  for (int round = 0; round < 2'000; ++round) {
    const WriteBatch batch = RandomBatch(random);
    Model in_order;
    ApplyInOrder(batch, in_order);
    size_t put_count = 0;
    for (const NormalizedBatch::PointOp& point : Normalize(batch).points) {
      put_count += point.value.has_value();
    }
    ASSERT_EQ(put_count, in_order.size()) << "round " << round;
  }
}

}  // namespace
}  // namespace firn::internal
