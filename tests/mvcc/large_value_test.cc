#include "mvcc/large_value.h"

#include <atomic>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"

namespace firn::internal {
namespace {

TEST(LargeValueTest, HoldsACopyOfItsBytes) {
  LargeValueHeap heap;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{1024}, size_t{100'001}, size_t{5'000'000}}) {
    std::string bytes(size, 'x');
    if (size > 2) bytes[size / 2] = '\0';
    LargeValue* value = LargeValue::Create(bytes, &heap);
    const std::string expected = bytes;
    bytes.assign(size, 'y');
    EXPECT_EQ(value->view(), expected);
    EXPECT_GE(value->allocated_bytes(), size + sizeof(LargeValue));
    EXPECT_EQ(value->allocated_bytes(), LargeValue::AllocatedBytes(size));
    EXPECT_EQ(heap.allocated_bytes(), value->allocated_bytes());
    EXPECT_EQ(heap.value_count(), 1u);
    EXPECT_TRUE(value->DropRef());
    LargeValue::Destroy(value);
    EXPECT_EQ(heap.allocated_bytes(), 0u);
    EXPECT_EQ(heap.value_count(), 0u);
  }
}

TEST(LargeValueTest, OnlyTheLastDropSaysSo) {
  LargeValueHeap heap;
  LargeValue* value = LargeValue::Create("shared", &heap);
  value->AddRef();
  EXPECT_TRUE(value->TryAddRef());
  EXPECT_FALSE(value->DropRef());
  EXPECT_FALSE(value->DropRef());
  EXPECT_TRUE(value->DropRef());
  LargeValue::Destroy(value);
}

TEST(LargeValueTest, ACountNeverRisesFromZero) {
  LargeValueHeap heap;
  LargeValue* value = LargeValue::Create("gone", &heap);
  EXPECT_TRUE(value->DropRef());
  EXPECT_FALSE(value->TryAddRef());
  EXPECT_FALSE(value->TryAddRef());
  EXPECT_EQ(value->view(), "gone");  // Readers of the grace period may still look.
  LargeValue::Destroy(value);
}

TEST(LargeValueTest, IsReadyToBeRetired) {
  LargeValueHeap heap;
  LargeValue* value = LargeValue::Create(std::string(2'000, 'r'), &heap);
  EXPECT_TRUE(value->DropRef());
  Retired* retired = value;
  EXPECT_EQ(retired->bytes, LargeValue::AllocatedBytes(2'000));
  EXPECT_EQ(retired->grace_ended, nullptr);
  retired->destroy(retired, nullptr);
  EXPECT_EQ(heap.value_count(), 0u);
}

// The owner gives up its count while readers try to take theirs: exactly one of all is the last,
// and whoever got a count reads whole bytes.
TEST(LargeValueTest, ReadersRaceTheLastOwner) {
  LargeValueHeap heap;
  constexpr int kReaders = 3;
  for (int round = 0; round < 300; ++round) {
    LargeValue* value = LargeValue::Create(std::string(1'024, static_cast<char>(round)), &heap);
    std::atomic<int> last_count{0};
    std::atomic<int> torn_count{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < kReaders; ++reader) {
      readers.emplace_back([&] {
        for (int i = 0; i < 20 && value->TryAddRef(); ++i) {
          const std::string_view view = value->view();
          if (view.front() != static_cast<char>(round) || view.back() != view.front()) {
            torn_count.fetch_add(1);
          }
          if (value->DropRef()) last_count.fetch_add(1);
        }
      });
    }
    if (value->DropRef()) last_count.fetch_add(1);
    for (std::thread& reader : readers) reader.join();  // Here the grace period ends.
    ASSERT_EQ(last_count.load(), 1);
    ASSERT_EQ(torn_count.load(), 0);
    LargeValue::Destroy(value);
  }
  EXPECT_EQ(heap.allocated_bytes(), 0u);
}

TEST(LargeValueDeathTest, DroppingMoreThanOneOwnsStopsTheProgram) {
  LargeValueHeap heap;
  LargeValue* value = LargeValue::Create("once", &heap);
  EXPECT_TRUE(value->DropRef());
  EXPECT_DEATH((void)value->DropRef(), "before > 0");
  LargeValue::Destroy(value);
}

#ifdef FIRN_INVARIANTS
TEST(LargeValueTest, AFailedCreateCountsNothing) {
  LargeValueHeap heap;
  allocation_should_fail.store([] { return true; }, std::memory_order_release);
  EXPECT_THROW(LargeValue::Create("no room", &heap), std::bad_alloc);
  allocation_should_fail.store(nullptr, std::memory_order_release);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(heap.value_count(), 0u);
}
#endif

}  // namespace
}  // namespace firn::internal
