// What each call of Db does when all goes well, in the order of db.h.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/oracle.h"
#include "tests/support/random.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Contents;
using test::IsOk;
using test::OpenTestDb;
using test::ValueOf;

TEST(ApiTest, ZeroConfigurationWorks) {
  const auto db = ValueOf(Db::OpenInMemory());
  ValueOf(db->Put("foo", "1"));
  EXPECT_EQ(ValueOf(db->Get("foo")), "1");
}

TEST(ApiTest, OpenInMemoryIsInMemoryWhateverTheOptionsSay) {
  for (const Durability durability :
       {Durability::kMemory, Durability::kAsync, Durability::kBuffered, Durability::kSync}) {
    Options options;
    options.durability = durability;
    const auto db = ValueOf(Db::OpenInMemory(options));
    EXPECT_TRUE(IsOk(db->Put("a", "1")));
  }
}

TEST(ApiTest, AFreshDbIsEmpty) {
  const auto db = OpenTestDb();
  EXPECT_EQ(ValueOf(db->Get("a")), std::nullopt);
  EXPECT_EQ(db->LatestCommitTs(), kBeforeEverything);
  EXPECT_EQ(Contents(*db), "");
  EXPECT_EQ(ValueOf(db->Stats()).key_count, 0u);
  EXPECT_TRUE(IsOk(db->VerifyInvariants()));
}

TEST(ApiTest, GetCopiesTheNewestValue) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  ValueOf(db->Put("a", "2"));
  EXPECT_EQ(ValueOf(db->Get("a")), "2");
  EXPECT_EQ(ValueOf(db->Get("b")), std::nullopt);
  EXPECT_TRUE(ValueOf(db->Contains("a")));
  EXPECT_FALSE(ValueOf(db->Contains("b")));
}

TEST(ApiTest, GetIntoAStringLeavesItAloneForAMissingKey) {
  const auto db = OpenTestDb();
  const Snapshot before = db->GetSnapshot();
  ValueOf(db->Put("a", "1"));
  std::string value = "untouched";
  EXPECT_FALSE(ValueOf(db->Get("b", &value)));
  EXPECT_FALSE(ValueOf(before.Get("a", &value)));
  EXPECT_EQ(value, "untouched");
  EXPECT_TRUE(ValueOf(db->Get("a", &value)));
  EXPECT_EQ(value, "1");
}

TEST(ApiTest, AnEmptyValueIsNotAbsence) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", ""));
  EXPECT_EQ(ValueOf(db->Get("a")), "");
  EXPECT_TRUE(ValueOf(db->Contains("a")));
  EXPECT_EQ(ValueOf(db->GetPinned("a"))->view(), "");
  EXPECT_EQ(ValueOf(db->Stats()).key_count, 1u);
}

TEST(ApiTest, GetPinnedShowsTheValueInPlace) {
  const auto db = OpenTestDb();
  const std::string large(1000, 'x');
  const CommitTs small_ts = ValueOf(db->Put("a", "small"));
  const CommitTs large_ts = ValueOf(db->Put("b", large));
  const Snapshot snapshot = db->GetSnapshot();
  const auto small_value = ValueOf(db->GetPinned("a"));
  const auto large_value = ValueOf(snapshot.GetPinned("b"));
  ValueOf(db->Put("a", "other"));
  ValueOf(db->Clear());
  EXPECT_TRUE(IsOk(db->Settle()));
  EXPECT_EQ(small_value->view(), "small");
  EXPECT_EQ(small_value->commit_ts(), small_ts);
  EXPECT_EQ(large_value->view(), large);
  EXPECT_EQ(large_value->commit_ts(), large_ts);
  EXPECT_FALSE(ValueOf(db->GetPinned("a")).has_value());
}

TEST(ApiTest, MultiGetAnswersInTheOrderOfItsKeys) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", "1"));
  ValueOf(db->Put("b", "2"));
  const Snapshot snapshot = db->GetSnapshot();
  ValueOf(db->Put("c", "3"));
  const std::vector<std::string_view> keys = {"c", "a", "nothing", "b", "a", ""};
  using Values = std::vector<std::optional<std::string>>;
  EXPECT_EQ(ValueOf(db->MultiGet(keys)), (Values{"3", "1", std::nullopt, "2", "1", std::nullopt}));
  EXPECT_EQ(ValueOf(snapshot.MultiGet(keys)),
            (Values{std::nullopt, "1", std::nullopt, "2", "1", std::nullopt}));
  EXPECT_EQ(ValueOf(db->MultiGet({})), Values{});
}

TEST(ApiTest, MultiGetIntoAVectorWritesOverWhatIsThere) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("a", std::string(100, 'a')));
  ValueOf(db->Put("b", "2"));
  const Snapshot snapshot = db->GetSnapshot();
  ValueOf(db->Put("b", "3"));
  using Values = std::vector<std::optional<std::string>>;
  // Longer and shorter strings, none, and more of them than keys.
  Values values = {std::string(200, 'x'), "y", std::nullopt, "w", "v"};
  const char* const memory = values[0]->data();
  const std::vector<std::string_view> keys = {"a", "nothing", "b", "b"};
  ASSERT_TRUE(IsOk(snapshot.MultiGet(keys, &values)));
  EXPECT_EQ(values, (Values{std::string(100, 'a'), std::nullopt, "2", "2"}));
  EXPECT_EQ(values[0]->data(), memory) << "allocated anew";
  ASSERT_TRUE(IsOk(db->MultiGet(keys, &values)));
  EXPECT_EQ(values, (Values{std::string(100, 'a'), std::nullopt, "3", "3"}));
  ASSERT_TRUE(IsOk(db->MultiGet({}, &values)));
  EXPECT_TRUE(values.empty());
}

TEST(ApiTest, MultiGetOfManyKeysCrossesLeaves) {
  const auto db = OpenTestDb();
  std::vector<std::string> names;
  for (size_t i = 0; i < 300; ++i) names.push_back(test::NumberedKey(i * 7 % 300));
  WriteBatch batch;
  for (size_t i = 0; i < names.size(); i += 2) batch.Put(names[i], "of " + names[i]);
  ValueOf(db->Write(batch));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const auto values = ValueOf(db->MultiGet(keys));
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(values[i], i % 2 == 0 ? std::optional("of " + names[i]) : std::nullopt);
  }
}

TEST(ApiTest, EstimatesAreOfTheRightSize) {
  Options options;
  options.background = BackgroundMode::kManual;
  const auto db = OpenTestDb(options);
  constexpr uint64_t kKeys = 20'000;
  for (uint64_t i = 0; i < kKeys; ++i) {
    ValueOf(db->Put(test::NumberedKey(i), std::string(100, 'v')));
  }
  EXPECT_TRUE(IsOk(db->Settle()));
  const std::string middle = test::NumberedKey(kKeys / 2);
  const uint64_t all = ValueOf(db->ApproximateCount({}));
  const uint64_t half = ValueOf(db->ApproximateCount({{}, middle}));
  EXPECT_GT(all, kKeys / 2);
  EXPECT_LT(all, kKeys * 2);
  EXPECT_GT(half, kKeys / 4);
  EXPECT_LT(half, kKeys);
  const uint64_t bytes = ValueOf(db->Stats()).logical_bytes;
  const uint64_t all_bytes = ValueOf(db->ApproximateBytes({}));
  const uint64_t half_bytes = ValueOf(db->ApproximateBytes({middle, {}}));
  EXPECT_GT(all_bytes, bytes / 2);
  EXPECT_LT(all_bytes, bytes * 2);
  EXPECT_GT(half_bytes, bytes / 4);
  EXPECT_LT(half_bytes, bytes);
  EXPECT_LT(ValueOf(db->ApproximateCount({middle, middle})), kKeys / 50);
  EXPECT_LT(ValueOf(db->ApproximateCount({"z", {}})), kKeys / 50);
}

TEST(ApiTest, EachWriteReturnsItsOwnVisibleTimestamp) {
  const auto db = OpenTestDb();
  CommitTs last = db->LatestCommitTs();
  const auto is_next = [&](CommitTs ts) {
    EXPECT_GT(ts, last);
    EXPECT_EQ(db->LatestCommitTs(), ts);
    last = ts;
  };
  is_next(ValueOf(db->Put("a", "1")));
  is_next(ValueOf(db->Delete("a")));
  is_next(ValueOf(db->DeleteRange({"a", "b"})));
  is_next(ValueOf(db->Clear()));
  WriteBatch batch;
  batch.Put("b", "1");
  is_next(ValueOf(db->Write(batch)));
  is_next(ValueOf(db->LoadOrStore("c", "1")).commit_ts);
  is_next(ValueOf(db->Swap("c", "2")).commit_ts);
  is_next(ValueOf(db->LoadAndDelete("c")).commit_ts);
  is_next(*ValueOf(db->CompareAndSwap("c", std::nullopt, "3")));
  is_next(*ValueOf(db->CompareAndDelete("c", "3")));
}

TEST(ApiTest, ABatchIsOneCommit) {
  const auto db = OpenTestDb();
  ValueOf(db->Put("gone", "1"));
  WriteBatch batch;
  for (size_t i = 0; i < 100; ++i) batch.Put(test::NumberedKey(i), "v");
  batch.Delete("gone");
  const CommitTs ts = ValueOf(db->Write(batch));
  const std::vector<test::Entry> entries = test::ReadForward(*db);
  EXPECT_EQ(entries.size(), 100u);
  for (const test::Entry& entry : entries) EXPECT_EQ(entry.commit_ts, ts);
}

TEST(ApiTest, ABatchCanBeWrittenAgain) {
  const auto db = OpenTestDb();
  WriteBatch batch;
  batch.Put("a", "1");
  const CommitTs first = ValueOf(db->Write(batch));
  ValueOf(db->Delete("a"));
  EXPECT_GT(ValueOf(db->Write(batch)), first);
  EXPECT_EQ(Contents(*db), "a=1");
}

TEST(ApiTest, AnEmptyBatchReturnsTheLatestTimestamp) {
  const auto db = OpenTestDb();
  EXPECT_EQ(ValueOf(db->Write(WriteBatch())), kBeforeEverything);
  const CommitTs ts = ValueOf(db->Put("a", "1"));
  EXPECT_EQ(ValueOf(db->Write(WriteBatch())), ts);
  EXPECT_EQ(db->LatestCommitTs(), ts);
}

TEST(ApiTest, DeletingNothingTakesATimestampAndLeavesNoTombstone) {
  const auto db = OpenTestDb();
  const Snapshot before = db->GetSnapshot();
  const CommitTs deleted = ValueOf(db->Delete("a"));
  EXPECT_GT(deleted, before.ts());
  EXPECT_GT(ValueOf(db->DeleteRange({"b", "c"})), deleted);
  EXPECT_EQ(ValueOf(db->Stats()).version_count, 0u);
}

TEST(ApiTest, RangeVisitsOneMomentInOrder) {
  const auto db = OpenTestDb();
  for (const char* key : {"c", "a", "b"}) ValueOf(db->Put(key, "old"));
  std::string visited;
  // What the callback itself commits belongs to a later moment.
  const absl::Status status = db->Range({}, [&](std::string_view key, std::string_view value) {
    visited += test::ToString(key, value) + " ";
    EXPECT_TRUE(IsOk(db->Put("b", "new")));
    EXPECT_TRUE(IsOk(db->Put("z", "new")));
    EXPECT_TRUE(IsOk(db->Delete("c")));
    EXPECT_TRUE(IsOk(db->Settle()));
    return true;
  });
  EXPECT_TRUE(IsOk(status));
  EXPECT_EQ(visited, "a=old b=old c=old ");
  EXPECT_EQ(Contents(*db), "a=old b=new z=new");
}

TEST(ApiTest, RangeStopsWhenTheCallbackSaysSo) {
  const auto db = OpenTestDb();
  for (const char* key : {"a", "b", "c"}) ValueOf(db->Put(key, "1"));
  int visits = 0;
  const auto stop_at_second = [&](std::string_view, std::string_view) { return ++visits < 2; };
  EXPECT_TRUE(IsOk(db->Range({}, stop_at_second)));
  EXPECT_EQ(visits, 2);
  visits = 0;
  EXPECT_TRUE(IsOk(db->GetSnapshot().Range({}, stop_at_second)));
  EXPECT_EQ(visits, 2);
}

TEST(ApiTest, RangeKeepsToItsBounds) {
  const auto db = OpenTestDb();
  for (const char* key : {"a", "b", "c", "d"}) ValueOf(db->Put(key, "1"));
  const test::Bounds bounds{
      .lower = "a", .upper = "c", .lower_inclusive = false, .upper_inclusive = true};
  std::string visited;
  EXPECT_TRUE(IsOk(db->Range(bounds.options(), [&](std::string_view key, std::string_view) {
    visited += key;
    return true;
  })));
  EXPECT_EQ(visited, "bc");
}

TEST(ApiTest, RangeForWalksASnapshot) {
  const auto db = OpenTestDb();
  for (const char* key : {"a", "b", "c", "d"}) ValueOf(db->Put(key, "1"));
  const Snapshot snapshot = db->GetSnapshot();
  ValueOf(db->Clear());
  std::string all;
  for (auto [key, value] : snapshot.Range()) all += test::ToString(key, value) + " ";
  EXPECT_EQ(all, "a=1 b=1 c=1 d=1 ");
  std::string some;
  EntryRange range = snapshot.Range("b", "d");
  for (auto [key, value] : range) some += test::ToString(key, value) + " ";
  EXPECT_EQ(some, "b=1 c=1 ");
  EXPECT_TRUE(IsOk(range.status()));
}

TEST(ApiTest, StatsCountExactly) {
  const auto db = OpenTestDb();
  test::Random random(1);
  test::Oracle oracle;
  for (uint64_t i = 1; i <= 500; ++i) {
    const std::string key = test::NumberedKey(random.Below(60));
    if (random.OneIn(3)) {
      oracle.Delete(ValueOf(db->Delete(key)), key);
    } else {
      const std::string value(random.Below(40), 'v');
      oracle.Put(ValueOf(db->Put(key, value)), key, value);
    }
    const DbStats stats = ValueOf(db->Stats());
    uint64_t logical_bytes = 0;
    const std::vector<test::Entry> view = oracle.View(db->LatestCommitTs());
    for (const test::Entry& entry : view) logical_bytes += entry.key.size() + entry.value.size();
    ASSERT_EQ(stats.key_count, view.size());
    ASSERT_EQ(stats.logical_bytes, logical_bytes);
    ASSERT_EQ(stats.as_of, db->LatestCommitTs());
    ASSERT_EQ(stats.commit_count, i);
  }
  EXPECT_TRUE(IsOk(db->Settle()));
  const DbStats settled = ValueOf(db->Stats());
  EXPECT_EQ(settled.version_count, settled.key_count);
  EXPECT_EQ(settled.fresh_leaf_count, 0u);
  EXPECT_EQ(settled.owing_leaf_count, 0u);
  EXPECT_GT(settled.leaf_count, 1u);
  EXPECT_GT(settled.freeze_count, 0u);
  EXPECT_GT(settled.split_count, 0u);
  EXPECT_GT(settled.pruned_version_count, 0u);
  EXPECT_GT(settled.memory_bytes, settled.logical_bytes);
  EXPECT_GE(settled.reserved_bytes, settled.memory_bytes - settled.large_value_bytes);
  EXPECT_LE(settled.large_value_bytes, settled.memory_bytes);
}

}  // namespace
}  // namespace firn
