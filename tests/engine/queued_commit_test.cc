#include "engine/queued_commit.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

class QueuedCommitTest : public ::testing::Test {
 protected:
  QueuedCommit* Create(QueuedCommit::Points points, QueuedCommit::Ranges ranges) {
    return QueuedCommit::Create(arena_.Take(QueuedCommit::BytesOf(points, ranges)), points, ranges);
  }

  CommitArena arena_;
};

TEST_F(QueuedCommitTest, OwnsItsBytes) {
  std::string key = "key", value = "value", deleted = "deleted", lower = "from", upper = "to";
  const std::vector<NormalizedBatch::PointOp> points = {{key, value}, {deleted, std::nullopt}};
  const std::vector<NormalizedBatch::RangeDeleteSpan> ranges = {{lower, upper},
                                                                {upper, std::nullopt}};
  QueuedCommit* const commit = Create(points, ranges);
  commit->ts = {7};
  for (std::string* each : {&key, &value, &deleted, &lower, &upper}) {
    each->assign(each->size(), '!');
  }
  const StoreCommit view = commit->view();
  EXPECT_EQ(view.commit_ts, CommitTs{7});
  ASSERT_EQ(view.points.size(), 2u);
  EXPECT_EQ(view.points[0].key, "key");
  EXPECT_EQ(view.points[0].value, "value");
  EXPECT_EQ(view.points[1].key, "deleted");
  EXPECT_FALSE(view.points[1].value.has_value());
  ASSERT_EQ(view.ranges.size(), 2u);
  EXPECT_EQ(view.ranges[0].lower, "from");
  EXPECT_EQ(view.ranges[0].upper, "to");
  EXPECT_EQ(view.ranges[1].lower, "to");
  EXPECT_FALSE(view.ranges[1].upper.has_value());
  arena_.Return(commit->chunk(), 1);
}

TEST_F(QueuedCommitTest, HoldsEmptyValues) {
  const NormalizedBatch::PointOp point{"key", ""};
  QueuedCommit* const commit = Create({&point, 1}, {});
  ASSERT_TRUE(commit->view().points[0].value.has_value());
  EXPECT_EQ(*commit->view().points[0].value, "");
  EXPECT_TRUE(commit->view().ranges.empty());
  arena_.Return(commit->chunk(), 1);
}

TEST_F(QueuedCommitTest, TakesAsManyBytesAsItSays) {
  const std::string value(1000, 'v');
  const NormalizedBatch::PointOp point{"key", value};
  QueuedCommit* const commit = Create({&point, 1}, {});
  EXPECT_EQ(commit->bytes(), QueuedCommit::BytesOf({&point, 1}, {}));
  const char* const begin = reinterpret_cast<const char*>(commit);
  const std::string_view copy = *commit->view().points[0].value;
  EXPECT_EQ(copy.data() + copy.size(), begin + commit->bytes());
  arena_.Return(commit->chunk(), 1);
}

}  // namespace
}  // namespace firn::internal
