#include "mvcc/version_chain.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/pinned_set.h"
#include "mvcc/version.h"
#include "tests/support/delay_injector.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

using TestVersion = BasicVersion<StdAtomics>;
using TestChain = BasicVersionChain<StdAtomics>;

// A chain with versions of these timestamps, given oldest first.
class Chain {
 public:
  explicit Chain(const std::vector<uint64_t>& timestamps) {
    for (uint64_t ts : timestamps) Push(ts);
  }
  void Push(uint64_t ts) {
    TestVersion& version = versions_.emplace_back();
    version.commit_ts = ts;
    chain_.Push(&version);
  }
  std::vector<uint64_t> Timestamps() const {
    std::vector<uint64_t> found;
    for (const TestVersion* version = chain_.Head(); version != nullptr;
         version = TestChain::Older(version)) {
      found.push_back(version->commit_ts);
    }
    return found;
  }
  uint64_t At(uint64_t read_ts) const { return TsOf(chain_.NewestAt(read_ts)); }
  uint64_t Newest(uint64_t visible) const {
    return TsOf(chain_.Newest([visible] { return visible; }));
  }
  // What was dropped, in order.
  std::vector<uint64_t> Prune(const PinnedSet& pinned) {
    std::vector<uint64_t> dropped;
    left = chain_.Prune(pinned, [&](TestVersion* v) { dropped.push_back(v->commit_ts); });
    EXPECT_EQ(left, Timestamps().size());
    return dropped;
  }
  TestChain& chain() { return chain_; }

  size_t left = 0;

 private:
  static uint64_t TsOf(const TestVersion* version) { return version ? version->commit_ts : 0; }

  std::deque<TestVersion> versions_;  // The arena: keeps what was unlinked.
  TestChain chain_;
};

using List = std::vector<uint64_t>;

TEST(VersionChain, NewestStandsFirst) {
  EXPECT_EQ(Chain({}).Timestamps(), List{});
  EXPECT_EQ(Chain({4, 7, 9}).Timestamps(), (List{9, 7, 4}));
}

TEST(VersionChain, SnapshotReadsTheNewestOfItsTime) {
  const Chain chain({4, 7, 9});
  EXPECT_EQ(chain.At(3), 0u);
  EXPECT_EQ(chain.At(4), 4u);
  EXPECT_EQ(chain.At(6), 4u);
  EXPECT_EQ(chain.At(7), 7u);
  EXPECT_EQ(chain.At(8), 7u);
  EXPECT_EQ(chain.At(100), 9u);
}

TEST(VersionChain, LatestReadStepsOverWhatIsNotVisibleYet) {
  const Chain chain({4, 7, 9});
  EXPECT_EQ(chain.Newest(9), 9u);
  EXPECT_EQ(chain.Newest(8), 7u);
  EXPECT_EQ(chain.Newest(3), 0u);
  EXPECT_EQ(Chain({}).Newest(9), 0u);
}

TEST(VersionChain, SteppedOverVersionThatBecameVisibleIsTheAnswer) {
  Chain chain({4, 9});
  // The commit of 9 is published, and 4 pruned, between the first look and the second.
  int looks = 0;
  const TestVersion* found = chain.chain().Newest([&]() -> uint64_t {
    if (++looks == 1) return 4;
    chain.Prune(PinnedSet{9, {}});
    return 9;
  });
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->commit_ts, 9u);
}

TEST(VersionChain, PruneKeepsTheNewestAndWhatSnapshotsSee) {
  Chain chain({2, 4, 6, 8});
  EXPECT_EQ(chain.Prune(PinnedSet{8, {5}}), (List{6, 2}));
  EXPECT_EQ(chain.Timestamps(), (List{8, 4}));
  EXPECT_EQ(chain.At(5), 4u);
  EXPECT_EQ(chain.Prune(PinnedSet{8, {}}), List{4});
  EXPECT_EQ(chain.Timestamps(), List{8});
  EXPECT_EQ(chain.left, 1u);
}

TEST(VersionChain, PruneKeepsWhatEndsAboveTheHorizon) {
  Chain chain({2, 4, 6, 8});
  EXPECT_EQ(chain.Prune(PinnedSet{5, {}}), List{2});
  EXPECT_EQ(chain.Timestamps(), (List{8, 6, 4}));
  EXPECT_EQ(chain.Prune(PinnedSet{0, {}}), List{});
}

TEST(VersionChain, PruneOfAnEmptyChainLeavesNothing) {
  Chain chain({});
  EXPECT_EQ(chain.Prune(PinnedSet{5, {}}), List{});
  EXPECT_EQ(chain.left, 0u);
}

TEST(VersionChain, VersionBetweenTwoSnapshotsGoes) {
  Chain chain({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(chain.Prune(PinnedSet{6, {2, 5}}), (List{4, 3, 1}));
  EXPECT_EQ(chain.Timestamps(), (List{6, 5, 2}));
}

TEST(VersionChain, PrunedInStepsLeavesTheSameAsAtOnce) {
  for (uint64_t pin = 0; pin <= 6; ++pin) {
    Chain at_once({1, 2, 3, 4, 5, 6});
    at_once.Prune(PinnedSet{6, {pin}});
    Chain in_steps({1, 2, 3, 4, 5, 6});
    for (uint64_t horizon = 0; horizon <= 6; ++horizon) {
      in_steps.Prune(PinnedSet{horizon, {pin}});
    }
    EXPECT_EQ(in_steps.Timestamps(), at_once.Timestamps()) << "pinned at " << pin;
  }
}

TEST(VersionChain, ReaderOnAnUnlinkedVersionGoesOn) {
  Chain chain({2, 4, 8});
  const TestVersion* standing = chain.chain().NewestAt(4);
  chain.Prune(PinnedSet{8, {2}});
  EXPECT_EQ(chain.Timestamps(), (List{8, 2}));
  EXPECT_EQ(standing->commit_ts, 4u);
  ASSERT_NE(TestChain::Older(standing), nullptr);
  EXPECT_EQ(TestChain::Older(standing)->commit_ts, 2u);
}

TEST(Version, BytesFollowTheHeader) {
  alignas(Version) char memory[sizeof(Version) + 5];
  auto* version = new (memory) Version(ValueKind::kValue, 5);
  std::memcpy(version->mutable_data(), "hello", 5);
  EXPECT_EQ(version->data(), memory + 24);
  EXPECT_EQ(std::string_view(version->data(), version->value_size), "hello");
  EXPECT_EQ(version->kind, ValueKind::kValue);
}

TEST(VersionChain, ReadersBesideAWriterSeeWholeChains) {
  const test::DelayInjector delays(test::PrintedSeed());
  constexpr uint64_t kCommits = 3000;
  std::deque<TestVersion> arena(kCommits + 1);
  TestChain chain;
  std::atomic<uint64_t> visible{1};
  arena[1].commit_ts = 1;
  chain.Push(&arena[1]);
  std::thread writer([&] {
    for (uint64_t ts = 2; ts <= kCommits; ++ts) {
      arena[ts].commit_ts = ts;
      chain.Push(&arena[ts]);
      if (ts % 3 == 0) std::this_thread::yield();
      visible.store(ts, std::memory_order_release);
      chain.Prune(PinnedSet{ts, {1}}, [](TestVersion*) {});
    }
  });
  while (visible.load(std::memory_order_acquire) < kCommits) {
    const uint64_t before = visible.load(std::memory_order_acquire);
    const TestVersion* newest =
        chain.Newest([&] { return visible.load(std::memory_order_acquire); });
    ASSERT_NE(newest, nullptr);
    ASSERT_GE(newest->commit_ts, before);
    const TestVersion* pinned = chain.NewestAt(1);
    ASSERT_NE(pinned, nullptr);
    ASSERT_EQ(pinned->commit_ts, 1u);
  }
  writer.join();
}

}  // namespace
}  // namespace firn::internal
