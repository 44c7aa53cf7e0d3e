#include "mvcc/span_allocator.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"
#include "mvcc/memory_poison.h"
#include "tests/support/resident_bytes.h"

namespace firn::internal {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Prints the seed; FIRN_TEST_SEED gives one back.
uint64_t Seed() {
  const char* given = std::getenv("FIRN_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20240601;
  std::printf("FIRN_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

// A block with a pattern of its own, so that an overlap with another shows.
struct Held {
  Held(SpanAllocator& allocator, size_t asked_bytes, uint32_t pattern)
      : asked(asked_bytes), tag(pattern) {
    const SpanAllocator::Block block = allocator.Allocate(asked);
    words = static_cast<uint32_t*>(block.data);
    count = block.bytes / sizeof(uint32_t);
    for (size_t i = 0; i < count; i += step()) words[i] = tag;
    words[count - 1] = tag;
  }
  bool Intact() const {
    for (size_t i = 0; i < count; i += step()) {
      if (words[i] != tag) return false;
    }
    return words[count - 1] == tag;
  }
  // Big ones by samples: the tests are about places, not about memory speed.
  size_t step() const { return count > 512 ? 64 : 1; }
  size_t usable() const { return count * sizeof(uint32_t); }

  uint32_t* words;
  size_t count;
  size_t asked;
  uint32_t tag;
};

size_t RandomSize(std::mt19937_64& random) {
  switch (random() % 16) {
    case 0:
      return random() % 300;
    case 1:
      return 16'000 + random() % 80'000;
    case 2:
      return random() % 16 == 0 ? random() % kMiB : 64;
    default:
      return 200 + random() % 20'000;
  }
}

TEST(SpanAllocatorTest, UsableSizeIsAFixedPointCloseAboveWhatIsAsked) {
  size_t previous = 0;
  for (size_t asked = 0; asked <= 600 * 1024; asked += asked < 70'000 ? 1 : 37) {
    const size_t usable = SpanAllocator::UsableSize(asked);
    ASSERT_GE(usable, asked);
    ASSERT_GE(usable, previous) << asked;
    ASSERT_EQ(SpanAllocator::UsableSize(usable), usable) << asked;
    ASSERT_LT(usable - asked, std::max<size_t>(65, asked / 16 + 1)) << asked;
    previous = usable;
  }
}

TEST(SpanAllocatorTest, BlocksOfEverySizeAreAlignedAndWritable) {
  SpanAllocator allocator;
  std::vector<Held> blocks;
  uint32_t tag = 0;
  size_t usable_sum = 0;
  for (size_t asked = 0; asked <= kMiB; asked = SpanAllocator::UsableSize(asked) + 1) {
    for (int copy = 0; copy < (asked < 70'000 ? 16 : 2); ++copy) {
      blocks.emplace_back(allocator, asked, ++tag);
      ASSERT_EQ(blocks.back().usable(), SpanAllocator::UsableSize(asked));
      ASSERT_EQ(reinterpret_cast<uintptr_t>(blocks.back().words) % 64, 0u) << asked;
      usable_sum += blocks.back().usable();
    }
  }
  EXPECT_EQ(allocator.allocated_bytes(), usable_sum);
  EXPECT_GE(allocator.reserved_bytes(), usable_sum);
  EXPECT_LE(allocator.reserved_bytes(), usable_sum + usable_sum / 10);
  for (const Held& held : blocks) ASSERT_TRUE(held.Intact()) << held.asked;
  // Either size will do.
  for (const Held& held : blocks) {
    allocator.Free(held.words, held.tag % 2 == 0 ? held.asked : held.usable());
  }
  EXPECT_EQ(allocator.allocated_bytes(), 0u);
}

TEST(SpanAllocatorTest, RandomUseAgreesWithAShadowModel) {
  std::mt19937_64 random(Seed());
  SpanAllocator allocator;
  std::map<uintptr_t, Held> held;  // By address, so that neighbours can be compared.
  std::vector<uintptr_t> order;
  size_t expected_bytes = 0;
  uint32_t tag = 0;
  for (int step = 0; step < 30'000; ++step) {
    // The population swells and shrinks.
    const bool growing = step / 5'000 % 2 == 0;
    if (order.empty() || random() % 8 < (growing ? 6u : 2u)) {
      const Held block(allocator, RandomSize(random), ++tag);
      const auto begin = reinterpret_cast<uintptr_t>(block.words);
      const auto [place, inserted] = held.emplace(begin, block);
      ASSERT_TRUE(inserted);
      if (place != held.begin()) {
        ASSERT_LE(std::prev(place)->first + std::prev(place)->second.usable(), begin);
      }
      if (std::next(place) != held.end()) {
        ASSERT_LE(begin + block.usable(), std::next(place)->first);
      }
      expected_bytes += block.usable();
      order.push_back(begin);
    } else {
      std::swap(order[random() % order.size()], order.back());
      const auto place = held.find(order.back());
      order.pop_back();
      ASSERT_TRUE(place->second.Intact());
      expected_bytes -= place->second.usable();
      allocator.Free(place->second.words, place->second.asked);
      held.erase(place);
    }
    if (step % 5'000 == 0 && random() % 2 == 0) allocator.ReleaseFreeMemory();
    ASSERT_EQ(allocator.allocated_bytes(), expected_bytes);
  }
  for (const auto& [address, block] : held) {
    ASSERT_TRUE(block.Intact());
    allocator.Free(block.words, block.asked);
  }
  EXPECT_EQ(allocator.allocated_bytes(), 0u);
}

TEST(SpanAllocatorTest, ThreadsAllocateAndFreeEachOthersBlocks) {
  SpanAllocator allocator;
  std::mutex exchange_mutex;
  std::vector<Held> exchange;
  std::atomic<bool> all_intact{true};
  const uint64_t seed = Seed();
  auto work = [&](uint32_t thread) {
    std::mt19937_64 random(seed + thread);
    std::vector<Held> own;
    const auto free_block = [&](const Held& block) {
      if (!block.Intact()) all_intact.store(false, std::memory_order_relaxed);
      allocator.Free(block.words, block.asked);
    };
    for (uint32_t step = 0; step < 8'000; ++step) {
      own.emplace_back(allocator, RandomSize(random), thread << 24 | step);
      if (random() % 2 == 0) {
        // Gives one away and frees one of somebody's.
        std::unique_lock lock(exchange_mutex);
        exchange.push_back(own.back());
        own.pop_back();
        std::swap(exchange[random() % exchange.size()], exchange.back());
        const Held taken = exchange.back();
        exchange.pop_back();
        lock.unlock();
        free_block(taken);
      } else if (own.size() > 200) {
        std::swap(own[random() % own.size()], own.back());
        free_block(own.back());
        own.pop_back();
      }
      if (step % 4'000 == 1) allocator.ReleaseFreeMemory();
    }
    for (const Held& block : own) free_block(block);
  };
  std::vector<std::thread> threads;
  for (uint32_t thread = 1; thread <= 4; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
  for (const Held& block : exchange) allocator.Free(block.words, block.asked);
  EXPECT_TRUE(all_intact);
  EXPECT_EQ(allocator.allocated_bytes(), 0u);
}

TEST(SpanAllocatorTest, ThreadsTakeFromSpansOfTheirOwn) {
  constexpr size_t kBytes = 128;
  SpanAllocator allocator;
  const auto allocate = [&] { return allocator.Allocate(kBytes).data; };
  const auto on_another_thread = [](const auto& work) { std::thread(work).join(); };
  const auto span_of = [](const void* data) {
    return reinterpret_cast<uintptr_t>(data) / kMinSpanBytes;
  };
  void* mine[] = {allocate(), allocate()};
  void* others[2];
  on_another_thread([&] { std::generate_n(others, 2, allocate); });
  EXPECT_EQ(span_of(mine[0]), span_of(mine[1]));
  EXPECT_NE(span_of(mine[0]), span_of(others[0]));

  // Whoever frees a block, it goes back to where it was from.
  allocator.Free(others[0], kBytes);
  on_another_thread([&] { allocator.Free(mine[0], kBytes); });
  EXPECT_EQ(allocate(), mine[0]);
  on_another_thread([&] { EXPECT_EQ(allocate(), others[0]); });
  for (void* block : {mine[0], mine[1], others[0], others[1]}) allocator.Free(block, kBytes);
  EXPECT_EQ(allocator.allocated_bytes(), 0u);
}

TEST(SpanAllocatorTest, ThreadsPrepareAndTakeAtOnce) {
  SpanAllocator allocator;
  std::atomic<bool> done{false};
  std::vector<std::thread> preparing;
  for (int i = 0; i < 2; ++i) {
    preparing.emplace_back([&] {
      while (!done.load()) allocator.PrepareMemory();
    });
  }
  std::vector<std::thread> taking;
  for (int i = 0; i < 2; ++i) {
    taking.emplace_back([&] {
      std::vector<void*> blocks;
      for (int round = 0; round < 3; ++round) {
        for (int b = 0; b < 5'000; ++b) blocks.push_back(allocator.Allocate(8'000).data);
        for (; !blocks.empty(); blocks.pop_back()) allocator.Free(blocks.back(), 8'000);
      }
    });
  }
  for (std::thread& thread : taking) thread.join();
  done.store(true);
  for (std::thread& thread : preparing) thread.join();
  EXPECT_EQ(allocator.allocated_bytes(), 0u);
  allocator.ReleaseFreeMemory();
  EXPECT_EQ(allocator.reserved_bytes(), 0u);
}

// --- Memory goes back ---

// One thread and much memory: ThreadSanitizer would take minutes to find nothing.
#if defined(__SANITIZE_THREAD__)
#define FIRN_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIRN_THREAD_SANITIZER 1
#endif
#endif

#ifndef FIRN_THREAD_SANITIZER

// Leaves as far as the allocator sees them: each a block, replaced when it changes, and a small
// object that stays.
class Leaves {
 public:
  Leaves(size_t count, size_t bytes) {
    for (size_t i = 0; i < count; ++i) leaves_.push_back({Allocate(64), Allocate(bytes), bytes});
  }
  ~Leaves() {
    for (size_t i = 0; i < leaves_.size(); ++i) Remove(i);
  }

  // Every leaf's block is replaced by one of another size, in random order; `then()` after each.
  void ResizeAll(
      size_t bytes, const std::function<void()>& then = [] {}) {
    std::vector<size_t> order(leaves_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    for (const size_t i : order) {
      Resize(i, bytes);
      then();
    }
  }
  // Runs of `group` leaves become one leaf each, in random order.
  void Merge(size_t group) {
    std::vector<size_t> order(leaves_.size() / group);
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    std::vector<Leaf> kept;
    for (const size_t i : order) {
      Resize(i * group, leaves_[i * group].bytes);
      for (size_t j = 1; j < group; ++j) Remove(i * group + j);
      kept.push_back(leaves_[i * group]);
    }
    leaves_ = kept;
  }
  double ReservedPerAllocated() const {
    return static_cast<double>(allocator_.reserved_bytes()) /
           static_cast<double>(allocator_.allocated_bytes());
  }
  SpanAllocator& allocator() { return allocator_; }
  std::vector<const void*> blocks() const {
    std::vector<const void*> blocks;
    for (const Leaf& leaf : leaves_) blocks.push_back(leaf.block);
    return blocks;
  }

 private:
  struct Leaf {
    void* object;
    void* block;
    size_t bytes;
  };
  void* Allocate(size_t bytes) {
    void* data = allocator_.Allocate(bytes).data;
    std::memset(data, 1, bytes);
    return data;
  }
  void Resize(size_t i, size_t bytes) {
    Leaf& leaf = leaves_[i];
    void* block = Allocate(bytes);
    allocator_.Free(leaf.block, leaf.bytes);
    leaf.block = block;
    leaf.bytes = bytes;
  }
  void Remove(size_t i) {
    allocator_.Free(leaves_[i].object, 64);
    allocator_.Free(leaves_[i].block, leaves_[i].bytes);
  }

  SpanAllocator allocator_;
  std::mt19937_64 random_{7};
  std::vector<Leaf> leaves_;
};

TEST(SpanAllocatorTest, LockstepGrowthThroughAllClassesDoesNotPileUp) {
  Leaves leaves(10'000, 4'096);
  EXPECT_LE(leaves.ReservedPerAllocated(), 1.06);
  for (size_t bytes = 4'608; bytes <= 8'192; bytes += 512) {
    leaves.ResizeAll(bytes);
    ASSERT_LE(leaves.ReservedPerAllocated(), 1.35) << bytes;
  }
}

// A small map frees most of what it holds at every reclaim, and wants it back at once.
TEST(SpanAllocatorTest, ASmallMapKeepsThePagesOfWhatItRetires) {
  constexpr size_t kBlockBytes = 8'192;
  SpanAllocator allocator;
  std::vector<void*> live, retired;
  const auto allocate = [&](size_t bytes, std::vector<void*>* blocks) {
    for (size_t at = 0; at < bytes; at += kBlockBytes) {
      blocks->push_back(allocator.Allocate(kBlockBytes).data);
    }
  };
  const auto free = [&](std::vector<void*>* blocks) {
    for (void* block : *blocks) allocator.Free(block, kBlockBytes);
    blocks->clear();
  };
  allocate(kMiB / 4, &live);
  for (int cycle = 0; cycle < 10; ++cycle) {
    allocate(kMiB + kMiB / 2, &retired);
    const size_t before = allocator.reserved_bytes();
    free(&retired);
    EXPECT_EQ(allocator.reserved_bytes(), before) << cycle;
  }
  free(&live);
}

TEST(SpanAllocatorTest, NineOfTenLeavesGoneLeavesATenthOfTheMemory) {
  Leaves leaves(20'000, 4'096);
  for (size_t bytes = 5'120; bytes <= 8'192; bytes += 1'024) leaves.ResizeAll(bytes);
  const size_t before = leaves.allocator().reserved_bytes();
  leaves.Merge(10);
  // Without being asked, while the last blocks were freed:
  EXPECT_LE(leaves.ReservedPerAllocated(), 1.7);
  leaves.allocator().ReleaseFreeMemory();
  EXPECT_LE(leaves.ReservedPerAllocated(), 1.3);
  EXPECT_LE(leaves.allocator().reserved_bytes(), before / 7);
  // A few more rewrites close the ranks.
  leaves.ResizeAll(8'000);
  EXPECT_LE(leaves.ReservedPerAllocated(), 1.3);
}

// Leaves that are copied into the holes beside others keep as many regions as there were, each for a
// few. In an evacuation all of them move out.
TEST(SpanAllocatorTest, AnEvacuationLeavesNothingBehind) {
  Leaves leaves(8'000, 4'608);
  leaves.ResizeAll(8'192);  // Holes everywhere.
  const auto regions = [&] {
    std::set<uintptr_t> found;
    for (const void* block : leaves.blocks()) {
      found.insert(reinterpret_cast<uintptr_t>(block) / kHugePageBytes);
    }
    return found.size();
  };
  constexpr size_t kLeast = 8'000 * size_t{8'192} / kHugePageBytes;
  EXPECT_GT(regions(), kLeast + 4);
  const size_t reserved_before = leaves.allocator().reserved_bytes();
  size_t most_reserved = 0;
  {
    const SpanAllocator::Evacuation evacuation(leaves.allocator());
    ASSERT_TRUE(evacuation.is_on());
    leaves.ResizeAll(8'192, [&] {
      most_reserved = std::max(most_reserved, leaves.allocator().reserved_bytes());
    });
  }
  EXPECT_LE(regions(), kLeast + 2);
  // Given back without being asked, and on the way.
  EXPECT_LE(leaves.ReservedPerAllocated(), 1.1);
  EXPECT_LE(most_reserved, reserved_before + reserved_before * 6 / 10);
  // Then holes are filled again.
  leaves.ResizeAll(8'192);
  EXPECT_LE(regions(), kLeast + 4);
}

TEST(SpanAllocatorTest, ASmallMapIsNotEvacuated) {
  Leaves leaves(3'000, 8'000);
  const size_t before = leaves.allocator().reserved_bytes();
  const SpanAllocator::Evacuation evacuation(leaves.allocator());
  EXPECT_FALSE(evacuation.is_on());
  leaves.ResizeAll(8'000);
  EXPECT_LE(leaves.allocator().reserved_bytes(), before + 16'384);
}

#ifndef FIRN_ADDRESS_SANITIZER
TEST(SpanAllocatorTest, WithoutMemoryForNewRegionsAnEvacuationUsesTheOldOnes) {
  Leaves leaves(8'000, 8'000);
  const size_t before = leaves.allocator().reserved_bytes();
  const SpanAllocator::Evacuation evacuation(leaves.allocator());
  ASSERT_TRUE(evacuation.is_on());
  rlimit unlimited;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &unlimited), 0);
  const rlimit nothing_more{0, unlimited.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &nothing_more), 0);
  void* block = nullptr;
  try {
    block = leaves.allocator().Allocate(8'000).data;
  } catch (const std::bad_alloc&) {
  }
  ASSERT_EQ(setrlimit(RLIMIT_AS, &unlimited), 0);
  ASSERT_NE(block, nullptr);
  EXPECT_LE(leaves.allocator().reserved_bytes(), before + 8'192);
  leaves.allocator().Free(block, 8'000);
}
#endif

// Blocks of whole pages, of which one in `one_in` is freed and its memory asked back.
size_t BytesGivenBack(size_t bytes, size_t one_in) {
  constexpr size_t kBlockBytes = 32 << 10;
  SpanAllocator allocator;
  std::vector<void*> blocks;
  for (size_t at = 0; at < bytes; at += kBlockBytes) {
    blocks.push_back(allocator.Allocate(kBlockBytes).data);
  }
  const size_t before = allocator.reserved_bytes();
  for (size_t i = 0; i < blocks.size(); i += one_in) {
    allocator.Free(std::exchange(blocks[i], nullptr), kBlockBytes);
  }
  allocator.ReleaseFreeMemory();
  const size_t given_back = before - allocator.reserved_bytes();
  for (void* block : blocks) {
    if (block != nullptr) allocator.Free(block, kBlockBytes);
  }
  return given_back;
}

TEST(SpanAllocatorTest, AHugePageIsNotBrokenUpForLittle) {
  // A sixteenth of the blocks, 4 MiB: of a region and its huge page less than an eighth. What the
  // last region has to spare does go.
  EXPECT_LE(BytesGivenBack(64 * kMiB, 16), 2 * kMiB);
  EXPECT_GE(BytesGivenBack(64 * kMiB, 4), 12 * kMiB);
  // A small map has no huge pages, and gives all back.
  EXPECT_GE(BytesGivenBack(4 * kMiB, 16), kMiB / 8);
}

TEST(SpanAllocatorTest, AMovingWindowStaysAsLargeAsAtItsStart) {
  SpanAllocator allocator;
  std::vector<std::pair<void*, size_t>> window(1'000);
  size_t at_start = 0;
  for (size_t step = 0; step < 60'000; ++step) {
    auto& [data, bytes] = window[step % window.size()];
    if (data != nullptr) allocator.Free(data, bytes);
    // A leaf at the right edge grows up to its final size.
    for (const size_t growing : {2'500, 5'100}) {
      allocator.Free(allocator.Allocate(growing).data, growing);
    }
    bytes = 7'900 + step % 300;
    data = allocator.Allocate(bytes).data;
    if (step == window.size()) at_start = allocator.reserved_bytes();
    if (step >= window.size()) {
      ASSERT_LE(allocator.reserved_bytes(), at_start * 13 / 10) << step;
    }
  }
  for (const auto& [data, bytes] : window) allocator.Free(data, bytes);
}

TEST(SpanAllocatorTest, ASmallMapStaysSmall) {
  SpanAllocator allocator;
  std::vector<std::pair<void*, size_t>> blocks;
  for (const size_t bytes : {64, 400, 512, 1'024, 2'048, 4'096, 8'192}) {
    blocks.emplace_back(allocator.Allocate(bytes).data, bytes);
  }
  EXPECT_LE(allocator.reserved_bytes(), 256u << 10);
  for (const auto& [data, bytes] : blocks) allocator.Free(data, bytes);
}

TEST(SpanAllocatorTest, AnEmptyAllocatorKeepsLittleAndThenNothing) {
  {
    Leaves leaves(5'000, 8'000);
    leaves.Merge(5'000);
    EXPECT_LE(leaves.allocator().reserved_bytes(), 4 * kMiB);
  }
  SpanAllocator allocator;
  std::vector<void*> blocks;
  for (int i = 0; i < 5'000; ++i) blocks.push_back(allocator.Allocate(8'000).data);
  for (void* data : blocks) allocator.Free(data, 8'000);
  EXPECT_LE(allocator.reserved_bytes(), 2 * kMiB);
  allocator.ReleaseFreeMemory();
  EXPECT_EQ(allocator.reserved_bytes(), 0u);
}

// Blocks of one size, for as long as the test wants more of them.
class GrowingBlocks {
 public:
  explicit GrowingBlocks(size_t bytes = 8'000) : bytes_(bytes) {}
  ~GrowingBlocks() { Shrink(0); }
  GrowingBlocks(const GrowingBlocks&) = delete;
  GrowingBlocks& operator=(const GrowingBlocks&) = delete;

  void Grow() { blocks_.push_back(allocator_.Allocate(bytes_).data); }
  void GrowUntilMemoryIsWanted() {
    const size_t most = reserved() + 40 * kMiB;
    while (!allocator_.WantsMemory() && reserved() < most) Grow();
    ASSERT_TRUE(allocator_.WantsMemory());
  }
  void Shrink(size_t left) {
    for (; blocks_.size() > left; blocks_.pop_back()) allocator_.Free(blocks_.back(), bytes_);
  }
  SpanAllocator& allocator() { return allocator_; }
  size_t reserved() const { return allocator_.reserved_bytes(); }

 private:
  const size_t bytes_;
  SpanAllocator allocator_;
  std::vector<void*> blocks_;
};

TEST(SpanAllocatorTest, OnlyALargeMapWantsMemoryPrepared) {
  GrowingBlocks blocks;
  blocks.allocator().PrepareMemory();
  EXPECT_EQ(blocks.reserved(), 0u);
  while (blocks.reserved() < 31 * kMiB) {
    ASSERT_FALSE(blocks.allocator().WantsMemory());
    blocks.Grow();
  }
  blocks.GrowUntilMemoryIsWanted();
  EXPECT_LE(blocks.reserved(), 34 * kMiB);
}

// Of each kind of memory: small and larger spans, and blocks by themselves.
class PreparedMemoryTest : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, PreparedMemoryTest, testing::Values(300, 2'000, 8'000));

TEST_P(PreparedMemoryTest, IsTakenNext) {
  GrowingBlocks blocks(GetParam());
  blocks.GrowUntilMemoryIsWanted();
  const size_t before = blocks.reserved();
  blocks.allocator().PrepareMemory();
  EXPECT_FALSE(blocks.allocator().WantsMemory());
  EXPECT_GT(blocks.reserved(), before);
  EXPECT_LE(blocks.reserved(), before + 2 * kMiB);
  const size_t prepared = blocks.reserved();
  blocks.allocator().PrepareMemory();  // Nothing more is wanted.
  EXPECT_EQ(blocks.reserved(), prepared);
  blocks.GrowUntilMemoryIsWanted();
  EXPECT_LT(blocks.reserved(), prepared + kHugePageBytes);
}

TEST_P(PreparedMemoryTest, GoesBackWithWhatIsFree) {
  GrowingBlocks blocks(GetParam());
  blocks.GrowUntilMemoryIsWanted();
  blocks.allocator().PrepareMemory();
  const size_t prepared = blocks.reserved();
  blocks.allocator().ReleaseFreeMemory();
  EXPECT_LT(blocks.reserved(), prepared);
  // Nor is any prepared from here on for a map that no longer grows.
  blocks.GrowUntilMemoryIsWanted();
  blocks.allocator().ReleaseFreeMemory();
  EXPECT_FALSE(blocks.allocator().WantsMemory());
}

TEST_P(PreparedMemoryTest, GoesBackWhenTheMapShrinks) {
  GrowingBlocks blocks(GetParam());
  blocks.GrowUntilMemoryIsWanted();
  blocks.allocator().PrepareMemory();
  blocks.Shrink(10);
  EXPECT_LE(blocks.reserved(), 4 * kMiB);
  blocks.allocator().ReleaseFreeMemory();
  EXPECT_LE(blocks.reserved(), kMiB);
}

// What a thread prepares while another one gives free memory back does not stay.
TEST(SpanAllocatorTest, NothingStaysPreparedOfAMapThatIsAtRest) {
  GrowingBlocks blocks;
  for (int round = 0; round < 20; ++round) {
    blocks.GrowUntilMemoryIsWanted();
    const size_t before = blocks.reserved();
    std::thread preparing([&] { blocks.allocator().PrepareMemory(); });
    std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
    blocks.allocator().ReleaseFreeMemory();
    preparing.join();
    EXPECT_LE(blocks.reserved(), before);
  }
}

#ifndef FIRN_ADDRESS_SANITIZER
TEST(SpanAllocatorTest, WithoutMemoryNothingIsPrepared) {
  GrowingBlocks blocks;
  blocks.GrowUntilMemoryIsWanted();
  const size_t before = blocks.reserved();
  rlimit unlimited;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &unlimited), 0);
  const rlimit nothing_more{0, unlimited.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &nothing_more), 0);
  blocks.allocator().PrepareMemory();
  ASSERT_EQ(setrlimit(RLIMIT_AS, &unlimited), 0);
  EXPECT_EQ(blocks.reserved(), before);
  EXPECT_FALSE(blocks.allocator().WantsMemory());
  blocks.GrowUntilMemoryIsWanted();
}

TEST(SpanAllocatorTest, ReservedBytesAreWhatTheSystemSees) {
  const size_t before = test::ResidentBytes();
  Leaves leaves(10'000, 8'000);
  const auto expect_close = [&] {
    const size_t resident = test::ResidentBytes() - std::min(before, test::ResidentBytes());
    const size_t reserved = leaves.allocator().reserved_bytes();
    EXPECT_LE(resident, reserved + 4 * kMiB);
    EXPECT_GE(resident + 4 * kMiB, reserved);
  };
  expect_close();
  leaves.Merge(10);
  expect_close();
  leaves.allocator().ReleaseFreeMemory();
  expect_close();
}

TEST(SpanAllocatorTest, WhatIsPreparedIsTouched) {
  GrowingBlocks blocks;
  size_t most_reserved = 0;
  size_t most_touched = 0;
  for (int round = 0; round < 5; ++round) {  // A system may be short of huge pages now and then.
    blocks.GrowUntilMemoryIsWanted();
    const size_t reserved_before = blocks.reserved();
    const size_t resident_before = test::ResidentBytes();
    blocks.allocator().PrepareMemory();
    most_reserved = std::max(most_reserved, blocks.reserved() - reserved_before);
    const size_t resident = test::ResidentBytes();
    most_touched = std::max(most_touched, resident - std::min(resident, resident_before));
  }
  EXPECT_GE(most_touched, most_reserved / 2);  // The kernel's count is not exact.
}
#endif
#endif  // FIRN_THREAD_SANITIZER

// --- Faults and misuse ---

TEST(SpanAllocatorTest, AnImpossibleSizeThrowsAndChangesNothing) {
  SpanAllocator allocator;
  EXPECT_THROW(allocator.Allocate(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(allocator.Allocate(size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(allocator.allocated_bytes(), 0u);
  EXPECT_EQ(allocator.reserved_bytes(), 0u);
  allocator.Free(allocator.Allocate(100).data, 100);
}

TEST(SpanAllocatorDeathTest, MisuseStopsTheProgram) {
  SpanAllocator allocator;
  for (const size_t bytes : {100, 2'000, 5'000, 100'000}) {
    void* kept = allocator.Allocate(bytes).data;
    void* data = allocator.Allocate(bytes).data;
    void* behind = allocator.Allocate(bytes).data;
    EXPECT_DEATH(
        {
          allocator.Free(data, bytes);
          allocator.Free(data, bytes);
        },
        "")
        << bytes;
#ifndef FIRN_INVARIANTS
    if (bytes > 4'096) {  // Their sizes are recorded in invariant builds only.
      for (void* block : {kept, data, behind}) allocator.Free(block, bytes);
      continue;
    }
#endif
    EXPECT_DEATH(allocator.Free(data, bytes / 2), "") << bytes;
    EXPECT_DEATH(allocator.Free(data, bytes + bytes / 2), "") << bytes;
    for (void* block : {kept, data, behind}) allocator.Free(block, bytes);
  }
}

#ifdef FIRN_INVARIANTS
TEST(SpanAllocatorTest, FailuresLeaveTheAllocatorSound) {
  static std::mt19937_64 failures;
  failures.seed(Seed());
  allocation_should_fail.store([] { return failures() % 3 == 0; }, std::memory_order_release);
  SpanAllocator allocator;
  std::mt19937_64 random(11);
  std::vector<Held> held;
  size_t expected_bytes = 0;
  int failed = 0;
  for (uint32_t step = 0; step < 5'000; ++step) {
    try {
      held.emplace_back(allocator, RandomSize(random), step);
      expected_bytes += held.back().usable();
    } catch (const std::bad_alloc&) {
      ++failed;
    }
    ASSERT_EQ(allocator.allocated_bytes(), expected_bytes);
  }
  allocation_should_fail.store(nullptr, std::memory_order_release);
  EXPECT_GT(failed, 1'000);
  for (const Held& block : held) {
    ASSERT_TRUE(block.Intact());
    allocator.Free(block.words, block.asked);
  }
}

TEST(SpanAllocatorTest, FreedMemoryIsPoisoned) {
  SpanAllocator allocator;
  for (const size_t bytes : {64, 700, 8'192, 20'000}) {
    auto* kept = static_cast<unsigned char*>(allocator.Allocate(bytes).data);
    auto* freed = static_cast<unsigned char*>(allocator.Allocate(bytes).data);
    std::memset(freed, 1, bytes);
    allocator.Free(freed, bytes);
#ifdef FIRN_ADDRESS_SANITIZER
    EXPECT_TRUE(__asan_address_is_poisoned(freed));
    EXPECT_TRUE(__asan_address_is_poisoned(freed + bytes - 1));
    EXPECT_EQ(__asan_region_is_poisoned(kept, bytes), nullptr);
#else
    EXPECT_EQ(freed[0], kPoisonByte);
    EXPECT_EQ(freed[bytes - 1], kPoisonByte);
#endif
    allocator.Free(kept, bytes);
  }
}

TEST(SpanAllocatorDeathTest, ABlockThatIsStillAllocatedAtTheEndStopsTheProgram) {
  EXPECT_DEATH(
      {
        SpanAllocator allocator;
        allocator.Allocate(100);
      },
      "allocated_bytes");
}
#endif

}  // namespace
}  // namespace firn::internal
