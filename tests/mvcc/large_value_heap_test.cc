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
#include "tests/support/resident_bytes.h"

namespace firn::internal {
namespace {

constexpr size_t kMostInRow = LargeValueHeap::kMaxInRowBytes;
constexpr size_t kMostPooled = LargeValueHeap::kMaxPooledBytes;
constexpr size_t kMiB = size_t{1} << 20;

char* Bytes(void* data) { return static_cast<char*>(data); }

TEST(LargeValueHeapTest, UsableSizesAreCloseAboveWhatIsAsked) {
  size_t previous = 0;
  for (size_t asked = 1; asked <= 2 * kMostPooled; asked += asked < 4 * kMostInRow ? 1 : 97) {
    const size_t usable = LargeValueHeap::UsableSize(asked);
    ASSERT_GE(usable, asked);
    ASSERT_GE(usable, previous) << asked;
    ASSERT_EQ(LargeValueHeap::UsableSize(usable), usable) << asked;
    ASSERT_LT(usable - asked, std::max<size_t>(64, asked / 16)) << asked;
    previous = usable;
  }
}

TEST(LargeValueHeapTest, CountsWhatItHandsOut) {
  LargeValueHeap heap;
  EXPECT_EQ(heap.reserved_bytes(), 0u) << "a map without large values pays nothing";
  size_t allocated = 0;
  std::vector<std::pair<void*, size_t>> held;
  for (const size_t bytes : {size_t{65}, size_t{4'160}, kMostInRow, kMostInRow + 1, kMiB,
                             kMostPooled, kMostPooled + 1}) {
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
  const std::vector<size_t> sizes = {1'100, 64, 4'160, kMostInRow, 65};
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

// A value with a pattern of its own, so that an overlap with another shows, or memory given back.
struct Held {
  Held(LargeValueHeap& heap, size_t asked, uint64_t pattern)
      : bytes(asked), tag(pattern), data(Bytes(heap.Allocate(asked))) {
    ForEachSample([](uint64_t& word, uint64_t expected) { word = expected; });
  }
  bool Intact() const {
    bool intact = true;
    ForEachSample([&](uint64_t& word, uint64_t expected) { intact &= word == expected; });
    return intact;
  }
  template <typename Visit>
  void ForEachSample(Visit visit) const {
    for (size_t at = 0; at + 8 <= bytes; at += kPageBytes) {
      visit(*reinterpret_cast<uint64_t*>(data + at), tag);
    }
    visit(*reinterpret_cast<uint64_t*>(data + bytes / 8 * 8 - 8), tag);
  }

  size_t bytes;
  uint64_t tag;
  char* data;
};

size_t RandomSize(test::Random& random) {
  switch (random.Below(16)) {
    case 0:
      return kMostPooled + random.Below(kMiB);
    case 1:
      return random.Below(2 * kMiB) + 64;
    case 2:
    case 3:
    case 4:
    case 5:
      return random.Below(256 << 10) + 64;
    default:
      return random.Below(2 * kMostInRow) + 64;
  }
}

TEST(LargeValueHeapTest, RandomUseAgreesWithAShadowModel) {
  test::Random random(7);
  LargeValueHeap heap;
  std::vector<Held> held;
  size_t expected_bytes = 0;
  for (uint64_t step = 0; step < 2'000; ++step) {
    // The population swells and shrinks.
    const bool growing = step / 500 % 2 == 0;
    if (held.empty() || random.Below(8) < (growing ? 5u : 2u)) {
      held.emplace_back(heap, RandomSize(random), step + 1);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(held.back().data) % 64, 0u);
      expected_bytes += LargeValueHeap::UsableSize(held.back().bytes);
    } else {
      std::swap(held[random.Below(held.size())], held.back());
      ASSERT_TRUE(held.back().Intact()) << held.back().bytes;
      expected_bytes -= LargeValueHeap::UsableSize(held.back().bytes);
      heap.Free(held.back().data, held.back().bytes);
      held.pop_back();
    }
    if (random.Below(200) == 0) heap.ReleaseFreeMemory();
    ASSERT_EQ(heap.allocated_bytes(), expected_bytes);
    ASSERT_EQ(heap.value_count(), held.size());
    ASSERT_GE(heap.reserved_bytes(), expected_bytes);
  }
  for (const Held& value : held) {
    ASSERT_TRUE(value.Intact()) << value.bytes;
    heap.Free(value.data, value.bytes);
  }
  heap.ReleaseFreeMemory();
  EXPECT_EQ(heap.reserved_bytes(), 0u);
}

// Of 40 MiB every tenth value stays, 4 MiB; by the kernel's word too where no sanitizer has memory.
TEST(LargeValueHeapTest, NineOfTenWideValuesGoneGiveTheirMemoryBack) {
  constexpr size_t kBytes = 200'000;
  [[maybe_unused]] const size_t resident_before = test::ResidentBytes();
  LargeValueHeap heap;
  std::vector<Held> values;
  for (uint64_t i = 0; i < 200; ++i) values.emplace_back(heap, kBytes, i);
  EXPECT_LE(heap.reserved_bytes(), heap.allocated_bytes() + 3 * kMiB);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % 10 != 0) heap.Free(values[i].data, kBytes);
  }
  heap.ReleaseFreeMemory();
  EXPECT_LE(heap.reserved_bytes(), heap.allocated_bytes() + heap.allocated_bytes() / 8);
#if !defined(FIRN_ADDRESS_SANITIZER) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(test::ResidentBytes(), resident_before + heap.reserved_bytes() + 4 * kMiB);
#endif
  for (size_t i = 0; i < values.size(); i += 10) {
    EXPECT_TRUE(values[i].Intact());
    heap.Free(values[i].data, kBytes);
  }
}

// As a queue of large values has it: what the pool gave back is touched again soon.
TEST(LargeValueHeapTest, AFreeHugePageThatWasGivenBackComesBackAsOne) {
  LargeValueHeap heap;
  std::vector<void*> values;
  void* small = nullptr;
  for (size_t i = 0; i < 28; ++i) {
    values.push_back(heap.Allocate(kMiB));
    if (i == 9) small = heap.Allocate(100'000);
  }
  if (heap.reserved_bytes() < heap.allocated_bytes() + 16 * kPageBytes) {
    for (void* value : values) heap.Free(value, kMiB);
    heap.Free(small, 100'000);
    GTEST_SKIP() << "no huge pages here";
  }
  heap.ReleaseFreeMemory();  // What is free behind the last value.
  const size_t full = heap.reserved_bytes();
  heap.Free(small, 100'000);
  for (size_t i = 14; i < 20; ++i) heap.Free(values[i], kMiB);
  heap.ReleaseFreeMemory();
  EXPECT_LE(heap.reserved_bytes(), full - 5 * kMiB);
  EXPECT_GE(heap.reserved_bytes(), full - 6 * kMiB) << "a huge page was broken up for little";
  // Of the next value the start may lie on a page that was broken up, the rest does not.
  const size_t released = heap.reserved_bytes();
  values[14] = heap.Allocate(2 * kMiB);
  EXPECT_GT(heap.reserved_bytes(), released + 2 * kMiB + 16 * kPageBytes);
  heap.Free(values[14], 2 * kMiB);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i < 14 || i >= 20) heap.Free(values[i], kMiB);
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
        const size_t bytes = 64 + random.Below(random.Below(64) == 0 ? kMostPooled : 20'000);
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
  EXPECT_THROW(heap.Allocate(size_t{1} << 62), std::bad_alloc);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(heap.value_count(), 0u);
}

#ifdef FIRN_INVARIANTS
TEST(LargeValueHeapTest, AFailureCountsNothing) {
  LargeValueHeap heap;
  allocation_should_fail.store([] { return true; });
  EXPECT_THROW(heap.Allocate(2'000), std::bad_alloc);
  EXPECT_THROW(heap.Allocate(200'000), std::bad_alloc);
  EXPECT_THROW(heap.Allocate(2 * kMostPooled), std::bad_alloc);
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
