#include "mvcc/point_read.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/leaf_builder.h"

namespace firn::internal {
namespace {

using test::LeafBuilder;
using test::ToString;

constexpr uint64_t kNewest = (uint64_t{1} << 63) - 1;

class PointReadTest : public testing::Test {
 protected:
  ~PointReadTest() override {
    if (state_ != nullptr) builder_.Destroy(state_);
  }
  void Build() { state_ = builder_.Build(); }
  std::string Find(std::string_view key, uint64_t read_ts) {
    return ToString(FindVersion(*state_, key, SnapshotView(read_ts)));
  }

  SpanAllocator allocator_;
  LargeValueHeap heap_;
  LeafBuilder builder_{allocator_, heap_, 10};
  LeafState* state_ = nullptr;
};

TEST_F(PointReadTest, AnEmptyLeafHasNothing) {
  Build();
  EXPECT_EQ(Find("", 9), "0:-");
  EXPECT_EQ(Find("key", 9), "0:-");
}

TEST_F(PointReadTest, ReadsAKeyWhereverItIs) {
  builder_.Frozen("", "5:empty").Frozen("b", "5:frozen").Frozen("c", "3:old");
  builder_.Fresh("d", "7:fresh").Fresh("c", "7:new").Fresh(std::string(65'535, 'k'), "7:huge");
  Build();
  EXPECT_EQ(Find("", 9), "5:empty");
  EXPECT_EQ(Find("b", 9), "5:frozen");
  EXPECT_EQ(Find("c", 9), "7:new");
  EXPECT_EQ(Find("c", 6), "3:old");
  EXPECT_EQ(Find("d", 9), "7:fresh");
  EXPECT_EQ(Find("d", 6), "0:-");
  EXPECT_EQ(Find(std::string(65'535, 'k'), 9), "7:huge");
  for (const char* absent : {"a", "bb", "e", "cc"}) EXPECT_EQ(Find(absent, 9), "0:-") << absent;
}

TEST_F(PointReadTest, AKeyIsSeenThoughItsNeighbourIsTooNew) {
  builder_.Frozen("a", "9:a9").Frozen("b", "5:b5");
  Build();
  EXPECT_EQ(Find("a", 8), "0:-");
  EXPECT_EQ(Find("b", 8), "5:b5");
  EXPECT_EQ(Find("b", 4), "0:-");
}

TEST_F(PointReadTest, OlderVersionsAreThoseOfTheKeyAlone) {
  builder_.Frozen("a", "9:a9 3:a3").Frozen("b", "9:b9").Frozen("c", "9:c9 5:c5 2:c2");
  Build();
  EXPECT_EQ(Find("a", 8), "3:a3");
  EXPECT_EQ(Find("a", 9), "9:a9");
  EXPECT_EQ(Find("b", 8), "0:-");
  EXPECT_EQ(Find("c", 8), "5:c5");
  EXPECT_EQ(Find("c", 4), "2:c2");
  EXPECT_EQ(Find("c", 1), "0:-");
}

TEST_F(PointReadTest, TombstonesAreFoundAsSuch) {
  builder_.Frozen("a", "9:- 3:a3").Fresh("b", "9:-");
  Build();
  EXPECT_EQ(Find("a", 9), "9:-");
  EXPECT_EQ(Find("a", 8), "3:a3");
  EXPECT_EQ(Find("b", 9), "9:-");
}

TEST_F(PointReadTest, LargeValuesComeByTheirPointer) {
  builder_.Frozen("a", {{9, "a large one"}, {3, "a large older one"}});
  builder_.Fresh("c", {{9, "a large fresh one"}});
  Build();
  EXPECT_EQ(Find("a", 9), "9:a large one");
  EXPECT_EQ(Find("a", 5), "3:a large older one");
  EXPECT_EQ(Find("c", 9), "9:a large fresh one");
  EXPECT_EQ(FindVersion(*state_, "c", SnapshotView(9)).kind, ValueKind::kLarge);
}

TEST_F(PointReadTest, TheNewestStampedCountsVisibleOrNot) {
  builder_.Frozen("a", "3:a").Fresh("a", {{kNewest, "b"}});
  Build();
  EXPECT_EQ(ToString(NewestStamped(*state_, "a")), std::to_string(kNewest) + ":b");
}

// A view that answers as it was told to, and keeps what it was asked.
class ScriptedView {
 public:
  ScriptedView(std::vector<bool> answers, std::vector<uint64_t>* asked)
      : answers_(std::move(answers)), asked_(asked) {}
  bool Sees(uint64_t commit_ts) {
    asked_->push_back(commit_ts);
    return answers_.at(asked_->size() - 1);
  }

 private:
  std::vector<bool> answers_;
  std::vector<uint64_t>* asked_;
};

// Between the first look and the second the version was published; what is older may be pruned.
TEST_F(PointReadTest, AVersionPublishedWhileBeingSteppedOverIsTheAnswer) {
  builder_.Fresh("a", "9:c 7:b 4:a");
  Build();
  std::vector<uint64_t> asked;
  EXPECT_EQ(ToString(FindVersion(*state_, "a", ScriptedView({false, true}, &asked))), "9:c");
  EXPECT_EQ(asked, (std::vector<uint64_t>{9, 9}));
  asked.clear();
  EXPECT_EQ(ToString(FindVersion(*state_, "a", ScriptedView({false, false, false, true}, &asked))),
            "7:b");
  EXPECT_EQ(asked, (std::vector<uint64_t>{9, 9, 7, 7}));
}

TEST_F(PointReadTest, TheLastFreshVersionIsLookedAtTwiceBeforeTheBlockCounts) {
  builder_.Frozen("a", "4:a").Fresh("a", "9:c");
  Build();
  std::vector<uint64_t> asked;
  EXPECT_EQ(ToString(FindVersion(*state_, "a", ScriptedView({false, true}, &asked))), "9:c");
  asked.clear();
  EXPECT_EQ(ToString(FindVersion(*state_, "a", ScriptedView({false, false, true}, &asked))), "4:a");
}

TEST_F(PointReadTest, AReaderOfTheLatestLooksAnewBeforeItSaysNo) {
  TimestampOracle oracle;
  oracle.Reset(5);
  LatestView view(oracle);
  EXPECT_TRUE(view.Sees(5));
  EXPECT_FALSE(view.Sees(7));
  Stamp stamp;
  ASSERT_EQ(oracle.At(7, 7, &stamp), GivenTs::kOk);
  EXPECT_FALSE(view.Sees(7)) << "stamped is not published";
  oracle.Publish(stamp);
  EXPECT_TRUE(view.Sees(7));
  EXPECT_FALSE(view.Sees(8));
}

}  // namespace
}  // namespace firn::internal
