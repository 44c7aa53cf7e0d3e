#include "mvcc/leaf.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"
#include "tests/support/leaf_builder.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;
using test::LeafBuilder;
using test::ToString;

class LeafTest : public testing::Test {
 protected:
  ~LeafTest() override {
    EXPECT_EQ(allocator_.allocated_bytes(), 0u);
    EXPECT_EQ(heap_.value_count(), 0u);
  }
  SpanAllocator allocator_;
  LargeValueHeap heap_;
};

TEST_F(LeafTest, AStateCoversTheKeysBetweenItsFences) {
  const std::string k24(24, 'k');
  const std::string huge(65'535, 'h');
  const struct {
    std::string lower;
    std::optional<std::string> upper;
    std::vector<std::string> inside;
    std::vector<std::string> below;
    std::vector<std::string> at_or_above;
  } kCases[] = {
      {"", std::nullopt, {"", "a", "\xff\xff"s}, {}, {}},
      {"", "m", {"", "a", "lzzzzzzzzz"}, {}, {"m", "m\0"s, "n"}},
      {"m", std::nullopt, {"m", "m\0"s, "\xff"s}, {"", "l", "lzz"}, {}},
      {"b", "d", {"b", "c", "czzzzzzzzzz"}, {"", "a", "azzzzzzzzz"}, {"d", "d\0"s, "e"}},
      // The fence's head is padded with zeros; keys may have real ones.
      {"a", "b\0\0"s, {"b", "b\0"s}, {""}, {"b\0\0"s, "b\0\0\0"s, "b\1"s}},
      {"", "\0"s, {""}, {}, {"\0"s, "\0\0"s, "a"}},
      // Eight bytes of head do not tell.
      {"", "12345678", {"1234567", "1234567\0"s}, {}, {"12345678", "123456789"}},
      {"", "123456789", {"12345678", "12345678\0"s, "123456788"}, {}, {"123456789", "12345679"}},
      {k24 + "b", k24 + "d", {k24 + "b", k24 + "c"}, {k24, k24 + "a"}, {k24 + "d", k24 + "e"}},
      {"\xff"s,
       "\xff\xff"s,
       {"\xff"s, "\xff\xfe\xff"s},
       {"\xfe\xff"s},
       {"\xff\xff"s, "\xff\xff\0"s}},
      {huge, std::nullopt, {huge}, {huge.substr(1)}, {}},
      {"", huge, {huge.substr(1), "a"}, {}, {huge, "i"}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << "[" << c.lower.substr(0, 30) << ", "
                                    << c.upper.value_or("(none)").substr(0, 30) << ")");
    Fences fences{c.lower, std::nullopt};
    if (c.upper) fences.upper = *c.upper;
    LeafBuilder builder(allocator_, heap_);
    LeafState* state = builder.Build(fences);
    EXPECT_TRUE(state->fences().lower == c.lower);
    EXPECT_TRUE(state->fences().upper == fences.upper);
    const Leaf leaf(state);
    for (const std::string& key : c.inside) {
      EXPECT_TRUE(state->Covers(key)) << key.substr(0, 30);
      EXPECT_TRUE(state->BelowUpper(key) && leaf.BelowUpper(key)) << key.substr(0, 30);
    }
    for (const std::string& key : c.below) {
      EXPECT_FALSE(state->Covers(key)) << key.substr(0, 30);
      EXPECT_TRUE(state->BelowUpper(key) && leaf.BelowUpper(key)) << key.substr(0, 30);
    }
    for (const std::string& key : c.at_or_above) {
      EXPECT_FALSE(state->Covers(key)) << key.substr(0, 30);
      EXPECT_FALSE(state->BelowUpper(key) || leaf.BelowUpper(key)) << key.substr(0, 30);
    }
    builder.Destroy(state);
  }
}

TEST_F(LeafTest, FencesOfEverySizeLeaveTheBlockIntact) {
  for (size_t size = 0; size < 40; ++size) {
    LeafBuilder builder(allocator_, heap_);
    const std::string lower(size, 'a');
    const std::string upper(size + 1, 'z');
    LeafState* state = builder.Frozen("m", "5:value 3:old").Build({lower, upper});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(state->block()) % 8, 0u);
    EXPECT_EQ(state->fences().lower, lower);
    EXPECT_EQ(*state->fences().upper, upper);
    EXPECT_EQ(state->block()->key(0), "m");
    EXPECT_EQ(ToString(state->block()->newest(0)), "5:value");
    EXPECT_EQ(ToString(state->block()->older(0)), "3:old");
    EXPECT_EQ(state->retired.bytes, allocator_.allocated_bytes());
    builder.Destroy(state);
  }
}

TEST_F(LeafTest, AStateHasFreshWritesOnceADeltaHasAKey) {
  LeafBuilder builder(allocator_, heap_);
  LeafState* state = builder.Frozen("a", "5:a").Build();
  EXPECT_FALSE(state->HasFresh());
  FreshDelta* delta = FreshDelta::Create(allocator_, 2);
  state->delta.store(delta, std::memory_order_release);
  EXPECT_FALSE(state->HasFresh());
  delta->ReserveSlots(allocator_, 1);
  Version* version = delta->NewVersion(allocator_, VersionView());
  version->commit_ts = 6;
  delta->AppendSlot(delta->CopyKey(allocator_, "a"), version);
  EXPECT_TRUE(state->HasFresh());
  builder.Destroy(state);
}

TEST_F(LeafTest, ALeafKnowsTheDeltaAndTheUpperFenceOfItsState) {
  LeafBuilder builder(allocator_, heap_);
  LeafState* wide = builder.Frozen("a", "5:a").Build({"", std::nullopt});
  LeafState* narrow = builder.Frozen("a", "5:a").Fresh("b", "6:b").Build({"", "c"});
  Leaf leaf(wide);
  EXPECT_EQ(leaf.delta.load(), nullptr);
  EXPECT_TRUE(leaf.BelowUpper("c"));
  EXPECT_EQ(leaf.Install(narrow), wide);
  EXPECT_EQ(leaf.delta.load(), narrow->delta.load());
  EXPECT_FALSE(leaf.BelowUpper("c"));
  EXPECT_EQ(leaf.Install(wide), narrow);
  EXPECT_EQ(leaf.delta.load(), nullptr);
  EXPECT_TRUE(leaf.BelowUpper("c"));
  builder.Destroy(wide);
  builder.Destroy(narrow);
}

TEST_F(LeafTest, AStateGivesUpItsLargeValuesOnceAndLivesOn) {
  LeafState* state;
  {
    LeafBuilder builder(allocator_, heap_, /*large_bytes=*/5);
    state = builder.Frozen("a", "9:large-a9 7:large-a7 5:tiny")
                .Frozen("b", "6:tiny")
                .Fresh("b", "8:large-b8 7:-")
                .Fresh("c", "9:large-c9")
                .Build();
  }
  EXPECT_EQ(heap_.value_count(), 4u) << "the state alone counts them now";
  EXPECT_FALSE(state->counts_dropped.load());
  std::map<std::string, int> dropped;
  state->DropLargeCounts([&dropped](LargeValue* large) {
    ++dropped[std::string(large->view())];
    if (large->DropRef()) LargeValue::Destroy(large);
  });
  EXPECT_EQ(dropped, (std::map<std::string, int>{
                         {"large-a9", 1}, {"large-a7", 1}, {"large-b8", 1}, {"large-c9", 1}}));
  EXPECT_TRUE(state->counts_dropped.load());
  EXPECT_EQ(heap_.value_count(), 0u);
  // A cursor may stand here still, and keys and small values are the state's own.
  EXPECT_EQ(state->block()->key(0), "a");
  EXPECT_EQ(ToString(state->block()->newest(1)), "6:tiny");
  state->Free(allocator_);
}

#ifdef FIRN_INVARIANTS
TEST_F(LeafTest, AStateThatCannotBeMadeLeavesNothing) {
  allocation_should_fail.store([] { return true; }, std::memory_order_release);
  EXPECT_THROW(LeafState::Create(allocator_, {}, {}, {}), std::bad_alloc);
  allocation_should_fail.store(nullptr, std::memory_order_release);
}
#endif

TEST_F(LeafTest, ANewLeafIsNeitherObsoleteNorListed) {
  LeafState* state = LeafState::Create(allocator_, {}, {}, {});
  {
    Leaf leaf(state);
    MutexLock lock(leaf.latch);
    EXPECT_EQ(leaf.state.Load(), state);
    EXPECT_FALSE(leaf.obsolete || leaf.watched || leaf.held);
  }
  state->Free(allocator_);
}

}  // namespace
}  // namespace firn::internal
