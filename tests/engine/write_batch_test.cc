#include "firn/write_batch.h"

#include <new>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/support/failing_new.h"

namespace firn {
namespace {

using ::firn::test::FailingAllocations;
using Type = WriteBatch::OperationType;

std::string Shown(const std::optional<std::string_view>& bound) {
  return bound.has_value() ? "'" + std::string(*bound) + "'" : "none";
}

// "put a=1; del b; range 'a' to none": all operations in order.
std::string Shown(const WriteBatch& batch) {
  std::string shown;
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const WriteBatch::Operation operation = batch.operation(i);
    if (i > 0) shown += "; ";
    switch (operation.type) {
      case Type::kPut:
        shown += "put " + std::string(operation.key) + "=" + std::string(operation.value);
        break;
      case Type::kDelete:
        shown += "del " + std::string(operation.key);
        break;
      case Type::kDeleteRange:
        shown += "range " + Shown(operation.range.lower) + " to " + Shown(operation.range.upper);
        break;
    }
  }
  return shown;
}

TEST(WriteBatchTest, StartsEmpty) {
  const WriteBatch batch;
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.operation_count(), 0u);
  EXPECT_EQ(batch.byte_count(), 0u);
}

TEST(WriteBatchTest, KeepsOperationsInOrderOfAddition) {
  WriteBatch batch;
  batch.Put("b", "1");
  batch.Delete("a");
  batch.DeleteRange({.lower = "c", .upper = "d"});
  batch.Put("b", "2");
  EXPECT_EQ(Shown(batch), "put b=1; del a; range 'c' to 'd'; put b=2");
  EXPECT_EQ(batch.operation_count(), 4u);
  EXPECT_EQ(batch.byte_count(), 7u);
}

TEST(WriteBatchTest, AnAbsentBoundIsNotAnEmptyOne) {
  WriteBatch batch;
  batch.DeleteRange({});
  batch.DeleteRange({.lower = "", .upper = ""});
  batch.DeleteRange({.lower = "a", .upper = std::nullopt});
  batch.DeleteRange({.lower = std::nullopt, .upper = "a"});
  EXPECT_EQ(Shown(batch),
            "range none to none; range '' to ''; range 'a' to none; range none to 'a'");
}

TEST(WriteBatchTest, OwnsCopiesOfAnyBytes) {
  WriteBatch batch;
  {
    const std::string key("\0k\xff", 3);
    const std::string value("\0", 1);
    batch.Put(key, value);
    batch.Put("", "");
  }
  EXPECT_EQ(batch.operation(0).key, std::string_view("\0k\xff", 3));
  EXPECT_EQ(batch.operation(0).value, std::string_view("\0", 1));
  EXPECT_EQ(batch.operation(1).key, "");
  EXPECT_EQ(batch.operation(1).value, "");
}

TEST(WriteBatchTest, ClearForgetsOperationsAndKeepsMemory) {
  WriteBatch batch;
  for (int i = 0; i < 100; ++i) batch.Put("a key of some length", "a value of some length");
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.byte_count(), 0u);
  const FailingAllocations failing(0);
  for (int i = 0; i < 100; ++i) batch.Put("a key of some length", "a value of some length");
}

TEST(WriteBatchTest, AddsItsOwnViewsBackToItself) {
  WriteBatch batch;
  batch.Put("key", "a value of some length");
  for (int i = 0; i < 100; ++i) {
    const WriteBatch::Operation last = batch.operation(batch.operation_count() - 1);
    batch.Put(last.key, last.value);
  }
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    ASSERT_EQ(batch.operation(i).key, "key");
    ASSERT_EQ(batch.operation(i).value, "a value of some length");
  }
}

TEST(WriteBatchTest, FailedAdditionLeavesTheBatchAsItWas) {
  const std::string value(100, 'v');
  int failures = 0;
  for (int succeeding = 0; succeeding < 2; ++succeeding) {
    WriteBatch batch;
    for (int i = 0; i < 100; ++i) {
      const std::string before = Shown(batch);
      const size_t bytes_before = batch.byte_count();
      try {
        const FailingAllocations failing(succeeding);
        if (i % 3 == 0) batch.Put("key", value);
        if (i % 3 == 1) batch.Delete(value);
        if (i % 3 == 2) batch.DeleteRange({.lower = "a", .upper = value});
      } catch (const std::bad_alloc&) {
        ++failures;
        ASSERT_EQ(Shown(batch), before);
        ASSERT_EQ(batch.byte_count(), bytes_before);
        batch.Put("key", value);  // Room for the next round, and the batch still works.
      }
    }
  }
  EXPECT_GT(failures, 0);
}

}  // namespace
}  // namespace firn
