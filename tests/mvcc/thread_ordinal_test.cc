#include "mvcc/thread_ordinal.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

TEST(ThreadOrdinal, IsTheSameThroughoutAThread) {
  EXPECT_EQ(ThreadOrdinal(), ThreadOrdinal());
  EXPECT_LT(ThreadOrdinal(), ThreadOrdinalLimit());
}

TEST(ThreadOrdinal, ThreadsAtTheSameTimeHaveDifferentOnes) {
  constexpr size_t kThreads = 8;
  std::vector<uint32_t> ordinals(kThreads);
  std::atomic<size_t> asked{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      ordinals[t] = ThreadOrdinal();
      asked.fetch_add(1);
      while (asked.load() < kThreads) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(ordinals.begin(), ordinals.end());
  EXPECT_EQ(std::unique(ordinals.begin(), ordinals.end()), ordinals.end());
}

TEST(ThreadOrdinal, EndedThreadsGiveTheirsBack) {
  uint32_t first = 0;
  uint32_t second = 1;
  std::thread([&] { first = ThreadOrdinal(); }).join();
  std::thread([&] { second = ThreadOrdinal(); }).join();
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace firn::internal
