// Chain shape x read timestamp x where the versions live, through point reads. Iterators run the
// same table, both ways, in tests/iterator/visibility_matrix_test.cc.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/point_read.h"
#include "tests/support/leaf_builder.h"
#include "tests/support/visibility_cases.h"

namespace firn::internal {
namespace {

using test::ChainVersion;
using test::LeafBuilder;
using test::VisibilityCase;

std::optional<std::string> ValueOf(const VersionView& version) {
  if (version.kind == ValueKind::kTombstone) return std::nullopt;
  return std::string(version.bytes());
}

class VisibilityMatrixTest : public testing::TestWithParam<VisibilityCase> {
 protected:
  // Calls check(state) with the chain living in the delta, in the block, and cut in two at every
  // place; plain neighbours stand on both sides.
  template <class Check>
  void ForEveryHome(const Check& check) {
    const std::vector<ChainVersion> chain = test::ParseChain(GetParam().chain);
    const auto length = static_cast<std::ptrdiff_t>(chain.size());
    for (const size_t large_bytes : {SIZE_MAX, size_t{0}}) {
      for (std::ptrdiff_t fresh = 0; fresh <= length; ++fresh) {
        SCOPED_TRACE(testing::Message() << fresh << " of " << length << " fresh, large values from "
                                        << large_bytes << " bytes");
        LeafBuilder builder(allocator_, large_values_, large_bytes);
        builder.Frozen("key", std::vector(chain.begin() + fresh, chain.end()));
        builder.Fresh("key", std::vector(chain.begin(), chain.begin() + fresh));
        builder.Frozen("kex", "1:before").Fresh("kez", "1:behind");
        LeafState* state = builder.Build();
        check(*state);
        builder.Destroy(state);
      }
    }
    EXPECT_EQ(large_values_.value_count(), 0u);
  }

  SpanAllocator allocator_;
  LargeValueHeap large_values_;
};

TEST_P(VisibilityMatrixTest, ASnapshotSees) {
  ForEveryHome([](const LeafState& state) {
    const VersionView found = FindVersion(state, "key", SnapshotView(GetParam().read_ts));
    EXPECT_EQ(ValueOf(found), GetParam().expected);
  });
}

TEST_P(VisibilityMatrixTest, AReaderOfTheLatestSees) {
  TimestampOracle oracle;
  oracle.Reset(GetParam().read_ts);
  ForEveryHome([&oracle](const LeafState& state) {
    const VersionView found = FindVersion(state, "key", LatestView(oracle));
    EXPECT_EQ(ValueOf(found), GetParam().expected);
  });
}

TEST_P(VisibilityMatrixTest, AWriterSeesTheNewestStamped) {
  const std::vector<ChainVersion> chain = test::ParseChain(GetParam().chain);
  ForEveryHome([&chain](const LeafState& state) {
    const VersionView found = NewestStamped(state, "key");
    EXPECT_EQ(found.commit_ts, chain.empty() ? 0 : chain.front().commit_ts);
    EXPECT_EQ(ValueOf(found), chain.empty() ? std::nullopt : chain.front().value);
  });
}

INSTANTIATE_TEST_SUITE_P(, VisibilityMatrixTest, testing::ValuesIn(test::kVisibilityCases),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace firn::internal
