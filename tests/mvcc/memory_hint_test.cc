#include "mvcc/memory_hint.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

std::string_view Memory(uintptr_t at, size_t size) {
  return {reinterpret_cast<const char*>(at), size};
}

TEST(MemoryHintTest, IsOfNothingAtFirst) {
  EXPECT_TRUE(MemoryHint().empty());
  EXPECT_EQ(MemoryHint().data(), nullptr);
  EXPECT_EQ(MemoryHint().memory().size(), 0u);
}

TEST(MemoryHintTest, KeepsTheAddressAndTheLines) {
  constexpr uintptr_t kHighest = (uintptr_t{1} << 48) - 16;
  for (const uintptr_t at : {uintptr_t{16}, uintptr_t{0x7fff'1234'5670}, kHighest}) {
    const MemoryHint hint(Memory(at, 10'000));
    EXPECT_FALSE(hint.empty());
    EXPECT_EQ(hint.data(), Memory(at, 0).data());
    EXPECT_EQ(hint.memory().data(), hint.data());
    EXPECT_EQ(hint.memory().size(), 157u * 64);
    EXPECT_EQ(MemoryHint(Memory(at, 1)).memory().size(), 64u);
    EXPECT_EQ(MemoryHint(Memory(at, 64)).memory().size(), 64u);
    EXPECT_EQ(MemoryHint(Memory(at, 65)).memory().size(), 128u);
  }
}

TEST(MemoryHintTest, IsOfTheFirstMegabytesOfMore) {
  const MemoryHint hint(Memory(0x7000'0000'0000, size_t{1} << 40));
  EXPECT_EQ(hint.data(), Memory(0x7000'0000'0000, 0).data());
  EXPECT_EQ(hint.memory().size(), 65'535u * 64);
}

TEST(MemoryHintTest, TellsWhatFollows) {
  const MemoryHint hint(Memory(0x10000, 640));
  const auto is_followed = [&](uintptr_t at) {
    return hint.LiesRightBefore(MemoryHint(Memory(at, 64)));
  };
  EXPECT_TRUE(is_followed(0x10000 + 640));
  EXPECT_TRUE(is_followed(0x10000 + 640 + 1'023));
  EXPECT_FALSE(is_followed(0x10000 + 640 + 1'024));
  EXPECT_FALSE(is_followed(0x10000 + 639));
  EXPECT_FALSE(is_followed(0x10000));
  EXPECT_FALSE(is_followed(0x20000));
  EXPECT_FALSE(is_followed(0x1000));
}

TEST(MemoryHintTest, NothingLiesNowhere) {
  const MemoryHint low(Memory(64, 64));
  EXPECT_FALSE(MemoryHint().LiesRightBefore(low));
  EXPECT_FALSE(low.LiesRightBefore({}));
  EXPECT_FALSE(MemoryHint().LiesRightBefore({}));
}

}  // namespace
}  // namespace firn::internal
