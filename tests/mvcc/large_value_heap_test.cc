#include "mvcc/large_value_heap.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"
#include "mvcc/memory_poison.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

constexpr size_t kMostPooled = LargeValueHeap::kMaxPooledBytes;

char* Bytes(void* data) { return static_cast<char*>(data); }

TEST(LargeValueHeapTest, UsableSizesAreCloseAboveWhatIsAsked) {
  for (size_t asked = 1; asked <= 3 * kMostPooled; ++asked) {
    const size_t usable = LargeValueHeap::UsableSize(asked);
    ASSERT_GE(usable, asked);
    ASSERT_LT(usable - asked, 64u) << asked;
  }
}

TEST(LargeValueHeapTest, CountsWhatItHandsOut) {
  LargeValueHeap heap;
  EXPECT_EQ(heap.reserved_bytes(), 0u) << "a map without large values pays nothing";
  size_t allocated = 0;
  std::vector<std::pair<void*, size_t>> held;
  for (const size_t bytes :
       {size_t{65}, size_t{4'160}, kMostPooled, kMostPooled + 1, 1'000'000ul}) {
    held.emplace_back(heap.Allocate(bytes), bytes);
    std::memset(held.back().first, 'x', bytes);
    allocated += LargeValueHeap::UsableSize(bytes);
    EXPECT_EQ(heap.allocated_bytes(), allocated);
    EXPECT_EQ(heap.value_count(), held.size());
    EXPECT_GE(heap.reserved_bytes(), allocated);
    EXPECT_LE(heap.reserved_bytes(), allocated + (64 << 10)) << "a small map stays small";
  }
  for (const auto& [data, bytes] : held) heap.Free(data, bytes);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(heap.value_count(), 0u);
  heap.ReleaseFreeMemory();
  EXPECT_EQ(heap.reserved_bytes(), 0u);
}

TEST(LargeValueHeapTest, TheValuesOfARowAreFreedOneByOne) {
  LargeValueHeap heap;
  const std::vector<size_t> sizes = {1'100, 64, 4'160, kMostPooled, 65};
  size_t row_bytes = 0;
  for (const size_t bytes : sizes) row_bytes += LargeValueHeap::UsableSize(bytes);
  char* place = Bytes(heap.AllocateRow(row_bytes));
  std::vector<char*> values;
  for (const size_t bytes : sizes) {
    heap.BeginInRow(place);
    std::memset(place, static_cast<int>(values.size()), bytes);
    values.push_back(place);
    place += LargeValueHeap::UsableSize(bytes);
  }
  EXPECT_EQ(heap.allocated_bytes(), row_bytes);
  EXPECT_EQ(heap.value_count(), sizes.size());
  for (const size_t i : {2u, 0u, 4u, 1u, 3u}) {
    for (size_t at = 0; at < sizes[i]; ++at) ASSERT_EQ(values[i][at], static_cast<char>(i));
    heap.Free(values[i], sizes[i]);
    row_bytes -= LargeValueHeap::UsableSize(sizes[i]);
    EXPECT_EQ(heap.allocated_bytes(), row_bytes);
  }
  EXPECT_EQ(heap.value_count(), 0u);
}

TEST(LargeValueHeapTest, WhatIsAllocatedInTurnStandsSideBySide) {
  LargeValueHeap heap;
  std::vector<char*> values;
  for (size_t i = 0; i < 100; ++i) values.push_back(Bytes(heap.Allocate(4'160)));
  for (size_t i = 1; i < values.size(); ++i) EXPECT_EQ(values[i], values[i - 1] + 4'160);
  for (char* value : values) heap.Free(value, 4'160);
}

TEST(LargeValueHeapTest, NineOfTenValuesGoneGiveTheirMemoryBack) {
  LargeValueHeap heap;
  std::vector<void*> values;
  for (size_t i = 0; i < 8'000; ++i) values.push_back(heap.Allocate(4'160));
  // Stretches, as whole leaves leave them.
  for (size_t i = 0; i < values.size(); ++i) {
    if (i / 50 % 10 != 0) heap.Free(values[i], 4'160);
  }
  EXPECT_EQ(heap.value_count(), 800u);
  heap.ReleaseFreeMemory();
  EXPECT_LE(heap.reserved_bytes(), heap.allocated_bytes() + heap.allocated_bytes() / 4);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i / 50 % 10 == 0) heap.Free(values[i], 4'160);
  }
}

// As when everything is settled. To give single pages back meanwhile would be in vain.
TEST(LargeValueHeapTest, WhileAllIsCopiedItKeepsAsMuchAgain) {
  constexpr size_t kBytes = 4'000;
  constexpr size_t kRow = 60;
  constexpr size_t kCount = 200 * kRow;
  const size_t usable = LargeValueHeap::UsableSize(kBytes);
  LargeValueHeap heap;
  std::vector<void*> originals;
  for (size_t i = 0; i < kCount; ++i) originals.push_back(heap.Allocate(kBytes));
  test::Random random(1);
  for (size_t i = kCount; i > 1; --i) std::swap(originals[i - 1], originals[random.Below(i)]);

  const size_t lent = heap.allocated_bytes();
  size_t most_reserved = 0;
  std::vector<void*> copies;
  while (!originals.empty()) {
    auto* row = static_cast<char*>(heap.AllocateRow(kRow * usable));
    for (size_t i = 0; i < kRow; ++i) {
      copies.push_back(row + i * usable);
      heap.BeginInRow(copies.back());
    }
    most_reserved = std::max(most_reserved, heap.reserved_bytes());
    for (size_t i = 0; i < kRow; ++i) {
      heap.Free(originals.back(), kBytes);
      originals.pop_back();
    }
  }
  EXPECT_GT(most_reserved, lent + lent * 7 / 10);
  EXPECT_LT(most_reserved, 2 * lent + (4 << 20));
  heap.ReleaseFreeMemory();
  EXPECT_LT(heap.reserved_bytes(), lent + lent / 4);
  for (void* copy : copies) heap.Free(copy, kBytes);
}

TEST(LargeValueHeapTest, ThreadsAllocateAndFreeSideBySide) {
  LargeValueHeap heap;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&heap, thread] {
      test::Random random(static_cast<uint64_t>(thread));
      std::vector<std::pair<char*, size_t>> held;
      for (int step = 0; step < 2'000; ++step) {
        if (held.size() > 20) {
          const auto [data, bytes] = held[random.Below(held.size())];
          std::erase(held, std::pair(data, bytes));
          ASSERT_EQ(data[0], static_cast<char>(thread));
          ASSERT_EQ(data[bytes - 1], static_cast<char>(thread));
          heap.Free(data, bytes);
        }
        const size_t bytes = 64 + random.Below(20'000);
        held.emplace_back(Bytes(heap.Allocate(bytes)), bytes);
        held.back().first[0] = held.back().first[bytes - 1] = static_cast<char>(thread);
      }
      for (const auto& [data, bytes] : held) heap.Free(data, bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(heap.allocated_bytes(), 0u);
}

TEST(LargeValueHeapTest, AnImpossibleSizeThrowsAndChangesNothing) {
  LargeValueHeap heap;
  EXPECT_THROW(heap.Allocate(SIZE_MAX), std::bad_alloc);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(heap.value_count(), 0u);
}

#ifdef FIRN_INVARIANTS
TEST(LargeValueHeapTest, AFailureCountsNothing) {
  LargeValueHeap heap;
  allocation_should_fail.store([] { return true; });
  EXPECT_THROW(heap.Allocate(2'000), std::bad_alloc);
  EXPECT_THROW(heap.Allocate(200'000), std::bad_alloc);
  EXPECT_THROW(heap.AllocateRow(64'000), std::bad_alloc);
  allocation_should_fail.store(nullptr);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(heap.reserved_bytes(), 0u);
}

TEST(LargeValueHeapDeathTest, MisuseStopsTheProgram) {
  EXPECT_DEATH(
      {
        LargeValueHeap heap;
        heap.Allocate(4'160);
      },
      "value_count");
  EXPECT_DEATH(
      {
        LargeValueHeap heap;
        void* value = heap.Allocate(4'160);
        heap.Free(value, 4'160);
        heap.Free(value, 4'160);
      },
      "");
  EXPECT_DEATH(
      {
        LargeValueHeap heap;
        char* row = Bytes(heap.AllocateRow(2 * 4'160));
        heap.BeginInRow(row);
        heap.Free(row, 4'160);  // Before the other one was begun.
      },
      "");
}

#ifndef FIRN_ADDRESS_SANITIZER
TEST(LargeValueHeapTest, FreedMemoryIsPoisoned) {
  LargeValueHeap heap;
  auto* first = static_cast<unsigned char*>(heap.Allocate(4'160));
  void* second = heap.Allocate(4'160);
  heap.Free(first, 4'160);
  EXPECT_EQ(first[0], kPoisonByte);
  EXPECT_EQ(first[4'159], kPoisonByte);
  heap.Free(second, 4'160);
}
#endif
#endif

}  // namespace
}  // namespace firn::internal
