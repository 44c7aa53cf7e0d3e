#include "mvcc/timestamp_oracle.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/delay_injector.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(TimestampOracle, NothingIsVisibleAtFirst) {
  TimestampOracle oracle;
  EXPECT_EQ(oracle.visible(), 0u);
  EXPECT_EQ(oracle.last_stamped(), 0u);
}

TEST(TimestampOracle, StampIsTheClockUnlessThatFellBehind) {
  TimestampOracle oracle;
  const Stamp first = oracle.Next(1000);
  EXPECT_EQ(first.ts, 1000u);
  EXPECT_EQ(first.predecessor, 0u);
  const Stamp second = oracle.Next(1000);
  EXPECT_EQ(second.ts, 1001u);
  EXPECT_EQ(second.predecessor, 1000u);
  EXPECT_EQ(oracle.Next(5).ts, 1002u);
  EXPECT_EQ(oracle.Next(2000).ts, 2000u);
  EXPECT_EQ(oracle.last_stamped(), 2000u);
}

TEST(TimestampOracle, ClockFarOffLeavesTheTopBitAlone) {
  TimestampOracle oracle;
  const Stamp first = oracle.Next(UINT64_MAX);
  const Stamp second = oracle.Next(UINT64_MAX);
  EXPECT_LT(first.ts, second.ts);
  EXPECT_LT(second.ts, TimestampOracle::kMaxTs);
}

TEST(TimestampOracle, GivenTimestampMustBeAboveTheLastOne) {
  TimestampOracle oracle;
  oracle.Next(1000);
  Stamp stamp;
  EXPECT_EQ(oracle.At(999, 1000, &stamp), GivenTs::kInPast);
  EXPECT_EQ(oracle.At(1000, 1000, &stamp), GivenTs::kInPast);
  EXPECT_EQ(oracle.At(0, 1000, &stamp), GivenTs::kInPast);
  ASSERT_EQ(oracle.At(1001, 1000, &stamp), GivenTs::kOk);
  EXPECT_EQ(stamp.ts, 1001u);
  EXPECT_EQ(stamp.predecessor, 1000u);
  EXPECT_EQ(oracle.last_stamped(), 1001u);
}

TEST(TimestampOracle, GivenTimestampLeadsTheLaterOfLastAndNowByASecondAtMost) {
  TimestampOracle oracle;
  oracle.Reset(5000);
  Stamp stamp;
  EXPECT_EQ(oracle.At(5000 + kSecond + 1, 10, &stamp), GivenTs::kTooFar);
  EXPECT_EQ(oracle.At(9000 + kSecond + 1, 9000, &stamp), GivenTs::kTooFar);
  EXPECT_EQ(oracle.At(UINT64_MAX, 9000, &stamp), GivenTs::kTooFar);
  EXPECT_EQ(oracle.last_stamped(), 5000u);
  ASSERT_EQ(oracle.At(9000 + kSecond, 9000, &stamp), GivenTs::kOk);
  EXPECT_EQ(stamp.predecessor, 5000u);
  // The last one leads now, and is what counts.
  ASSERT_EQ(oracle.At(9000 + 2 * kSecond, 9000, &stamp), GivenTs::kOk);
}

TEST(TimestampOracle, PublishesInStampOrderOnly) {
  TimestampOracle oracle;
  oracle.Reset(10);
  const Stamp first = oracle.Next(0);
  const Stamp second = oracle.Next(0);
  EXPECT_FALSE(oracle.TryPublish(second));
  EXPECT_EQ(oracle.visible(), 10u);
  EXPECT_TRUE(oracle.TryPublish(first));
  EXPECT_EQ(oracle.visible(), first.ts);
  EXPECT_TRUE(oracle.TryPublish(second));
  EXPECT_EQ(oracle.visible(), second.ts);
}

TEST(TimestampOracle, ResetGoesOnBehindTheGivenTimestamp) {
  TimestampOracle oracle;
  oracle.Reset(77);
  EXPECT_EQ(oracle.visible(), 77u);
  const Stamp stamp = oracle.Next(3);
  EXPECT_EQ(stamp.ts, 78u);
  EXPECT_EQ(stamp.predecessor, 77u);
  oracle.Publish(stamp);
  EXPECT_EQ(oracle.visible(), 78u);
}

TEST(TimestampOracle, PublishSleepsUntilItsTurn) {
  // Without spinning, the later commit goes to sleep at once.
  TimestampOracle oracle(SpinLimits{0, 0});
  const Stamp first = oracle.Next(0);
  const Stamp second = oracle.Next(0);
  std::atomic<bool> published{false};
  std::thread later([&] {
    oracle.Publish(second);
    published.store(true);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(published.load());
  EXPECT_EQ(oracle.visible(), 0u);
  oracle.Publish(first);
  later.join();
  EXPECT_EQ(oracle.visible(), second.ts);
}

TEST(TimestampOracle, WaitVisibleReturnsAtATimestampThatIsNobodys) {
  TimestampOracle oracle(SpinLimits{0, 0});
  const Stamp first = oracle.Next(100);
  const Stamp second = oracle.Next(200);
  oracle.WaitVisible(0);
  std::thread waiter([&] {
    oracle.WaitVisible(150);
    EXPECT_EQ(oracle.visible(), 200u);
  });
  oracle.Publish(first);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  oracle.Publish(second);
  waiter.join();
}

void CommitFromManyThreads(SpinLimits spin, int thread_count, int commits_each) {
  const test::DelayInjector delays(test::PrintedSeed());
  TimestampOracle oracle(spin);
  std::atomic<uint64_t> published{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < commits_each; ++i) {
        const Stamp stamp = oracle.Next(0);
        oracle.Publish(stamp);
        // In order: those up to mine are visible.
        ASSERT_GE(oracle.visible(), stamp.ts);
        published.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(oracle.visible(), static_cast<uint64_t>(thread_count * commits_each));
  EXPECT_EQ(published.load(), oracle.visible());
}

TEST(TimestampOracle, ManyThreadsPublishEveryStamp) {
  CommitFromManyThreads(SpinLimits{}, 4, 2'000);
}

TEST(TimestampOracle, ManySleepersAreAllWoken) { CommitFromManyThreads(SpinLimits{0, 0}, 6, 500); }

}  // namespace
}  // namespace firn::internal
