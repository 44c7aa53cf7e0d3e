// Chain shape x read timestamp x direction x where the versions live, through iterators. Point
// reads run the same table in tests/mvcc/visibility_matrix_test.cc.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/iterator.h"
#include "gtest/gtest.h"
#include "iterator/snapshot_iterator.h"
#include "tests/support/leaf_builder.h"
#include "tests/support/test_map.h"
#include "tests/support/visibility_cases.h"

namespace firn::internal {
namespace {

using test::ChainVersion;
using test::TestMap;
using test::VisibilityCase;

class IteratorVisibilityMatrixTest : public testing::TestWithParam<VisibilityCase> {
 protected:
  // Calls check(iterator) with an iterator at the case's read timestamp over a map whose one leaf
  // holds the chain in its delta, in its block, and cut in two at every place. The neighbours
  // "kex" and "kez" are always there.
  template <class Check>
  void ForEveryHome(const Check& check) {
    const std::vector<ChainVersion> chain = test::ParseChain(GetParam().chain);
    const auto length = static_cast<std::ptrdiff_t>(chain.size());
    for (const size_t large_bytes : {SIZE_MAX, size_t{0}}) {
      for (std::ptrdiff_t fresh = 0; fresh <= length; ++fresh) {
        for (const bool fresh_neighbours : {false, true}) {
          SCOPED_TRACE(testing::Message()
                       << fresh << " of " << length << " fresh, large values from " << large_bytes
                       << " bytes, neighbours " << (fresh_neighbours ? "fresh" : "frozen"));
          TestMap map;
          map.versioned().oracle().Reset(GetParam().read_ts);
          {
            test::LeafBuilder builder(map.map().allocator(), map.map().large_values(), large_bytes);
            builder.Frozen("key", std::vector(chain.begin() + fresh, chain.end()));
            builder.Fresh("key", std::vector(chain.begin(), chain.begin() + fresh));
            for (const char* neighbour : {"kex", "kez"}) {
              fresh_neighbours ? builder.Fresh(neighbour, "0:beside")
                               : builder.Frozen(neighbour, "0:beside");
            }
            Install(map, builder.Build());
          }
          SnapshotSlot* snapshot = map.Pin();
          ASSERT_EQ(snapshot->ts, GetParam().read_ts);
          Iterator iterator = SnapshotIterator::Open(&map.versioned(), snapshot, {});
          map.Drop(snapshot);
          check(iterator);
          EXPECT_TRUE(iterator.status().ok());
        }
      }
    }
  }

  static void Install(TestMap& map, LeafState* state) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EpochGuard guard;
    Leaf* leaf = map.map().LatchLeaf("");
    map.map().SwapState(leaf, state);
    leaf->latch.Unlock();
  }

  // Where the iterator stands.
  static std::string Here(const Iterator& iterator) {
    if (!iterator.Valid()) return "nowhere";
    return std::string(iterator.key()) + "=" + std::string(iterator.value());
  }
  static std::string Key() {
    return "key=" + std::string(GetParam().expected.value_or("never looked at"));
  }
  static bool visible() { return GetParam().expected.has_value(); }
};

TEST_P(IteratorVisibilityMatrixTest, Forward) {
  ForEveryHome([](Iterator& iterator) {
    iterator.SeekToFirst();
    EXPECT_EQ(Here(iterator), "kex=beside");
    iterator.Next();
    if (visible()) {
      EXPECT_EQ(Here(iterator), Key());
      iterator.Next();
    }
    EXPECT_EQ(Here(iterator), "kez=beside");
    iterator.Next();
    EXPECT_EQ(Here(iterator), "nowhere");
  });
}

TEST_P(IteratorVisibilityMatrixTest, Backward) {
  ForEveryHome([](Iterator& iterator) {
    iterator.SeekToLast();
    EXPECT_EQ(Here(iterator), "kez=beside");
    iterator.Prev();
    if (visible()) {
      EXPECT_EQ(Here(iterator), Key());
      iterator.Prev();
    }
    EXPECT_EQ(Here(iterator), "kex=beside");
    iterator.Prev();
    EXPECT_EQ(Here(iterator), "nowhere");
  });
}

TEST_P(IteratorVisibilityMatrixTest, TurningAround) {
  ForEveryHome([](Iterator& iterator) {
    for (int round = 0; round < 2; ++round) {
      iterator.Seek("kex");
      iterator.Next();
      iterator.Prev();
      EXPECT_EQ(Here(iterator), "kex=beside");
      iterator.SeekForPrev("kez");
      iterator.Prev();
      iterator.Next();
      EXPECT_EQ(Here(iterator), "kez=beside");
      iterator.Next();
      iterator.Prev();
      EXPECT_EQ(Here(iterator), "kez=beside");
    }
  });
}

TEST_P(IteratorVisibilityMatrixTest, SeekingIt) {
  ForEveryHome([](Iterator& iterator) {
    iterator.Seek("key");
    EXPECT_EQ(Here(iterator), visible() ? Key() : "kez=beside");
    iterator.SeekForPrev("key");
    EXPECT_EQ(Here(iterator), visible() ? Key() : "kex=beside");
    iterator.Seek("kexx");
    EXPECT_EQ(Here(iterator), visible() ? Key() : "kez=beside");
    iterator.SeekForPrev("keyy");
    EXPECT_EQ(Here(iterator), visible() ? Key() : "kex=beside");
  });
}

TEST_P(IteratorVisibilityMatrixTest, ItsCommitTs) {
  if (!visible()) return;
  uint64_t expected = 0;
  for (const ChainVersion& version : test::ParseChain(GetParam().chain)) {
    if (version.commit_ts <= GetParam().read_ts) expected = std::max(expected, version.commit_ts);
  }
  ForEveryHome([expected](Iterator& iterator) {
    iterator.Seek("key");
    ASSERT_TRUE(iterator.Valid());
    EXPECT_EQ(iterator.commit_ts(), CommitTs{expected});
    iterator.SeekToFirst();
    iterator.Next();
    EXPECT_EQ(iterator.commit_ts(), CommitTs{expected});
  });
}

INSTANTIATE_TEST_SUITE_P(, IteratorVisibilityMatrixTest, testing::ValuesIn(test::kVisibilityCases),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace firn::internal
