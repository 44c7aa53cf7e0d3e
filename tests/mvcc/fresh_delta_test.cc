#include "mvcc/fresh_delta.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;

// A delta under test, with the steps of a writer as one call.
class FreshDeltaTest : public testing::Test {
 protected:
  ~FreshDeltaTest() override {
    if (delta_ == nullptr) return;
    delta_->ForEachLarge(Drop);
    delta_->Destroy(allocator_);
    EXPECT_EQ(allocator_.allocated_bytes(), 0u);
    EXPECT_EQ(heap_.value_count(), 0u);
  }

  void Make(uint32_t capacity) { delta_ = FreshDelta::Create(allocator_, capacity); }

  Version* NewVersion(uint64_t ts, std::string_view value) {
    VersionView view;
    view.kind = ValueKind::kValue;
    view.data = value.data();
    view.size = static_cast<uint32_t>(value.size());
    Version* version = delta_->NewVersion(allocator_, view);
    version->commit_ts = ts;
    return version;
  }
  Version* NewLarge(uint64_t ts, LargeValue* large) {
    VersionView view;
    view.kind = ValueKind::kLarge;
    view.data = reinterpret_cast<const char*>(large);
    Version* version = delta_->NewVersion(allocator_, view);
    version->commit_ts = ts;
    return version;
  }
  void Append(std::string_view key, uint64_t ts, std::string_view value) {
    const std::string_view copy = delta_->CopyKey(allocator_, key);
    Version* version = NewVersion(ts, value);
    delta_->ReserveSlots(allocator_, 1);
    delta_->AppendSlot(copy, version);
  }
  static void Drop(LargeValue* large) {
    if (large->DropRef()) LargeValue::Destroy(large);
  }

  SpanAllocator allocator_;
  LargeValueHeap heap_;
  FreshDelta* delta_ = nullptr;
};

TEST_F(FreshDeltaTest, VisitsSlotsInTheOrderOfTheirAppends) {
  constexpr uint32_t kSlots = 20;  // More than two chunks.
  Make(kSlots);
  for (uint32_t i = 0; i < kSlots; ++i) Append("key" + std::to_string(i), 1, "value");
  for (const uint32_t count : {0u, 1u, 7u, 8u, 9u, 16u, 17u, kSlots}) {
    std::vector<const FreshSlot*> visited;
    delta_->ForEachSlot(count, [&](const FreshSlot& slot) { visited.push_back(&slot); });
    ASSERT_EQ(visited.size(), count);
    for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(visited[i], &delta_->slot(i)) << i;
  }
}

TEST_F(FreshDeltaTest, ANewOneIsEmpty) {
  Make(32);
  EXPECT_EQ(delta_->count(), 0u);
  EXPECT_EQ(delta_->Find(""), nullptr);
  EXPECT_EQ(delta_->Find("key"), nullptr);
}

TEST_F(FreshDeltaTest, AFreezeIsAskedForUntilSomebodyTakesTheWord) {
  Make(8);
  EXPECT_FALSE(delta_->TakeFreezeRequest());
  delta_->AskForFreeze();
  delta_->AskForFreeze();
  EXPECT_TRUE(delta_->freeze_asked());
  EXPECT_TRUE(delta_->TakeFreezeRequest());
  EXPECT_FALSE(delta_->TakeFreezeRequest());
}

TEST_F(FreshDeltaTest, FindsEveryKeyAndNothingElse) {
  for (const uint32_t capacity : {2u, 7u, 8u, 9u, 32u, 256u}) {
    SCOPED_TRACE(capacity);
    Make(capacity);
    for (uint32_t i = 0; i < capacity; ++i) {
      const std::string key = std::to_string(i * 7);
      EXPECT_EQ(delta_->Find(key), nullptr);
      Append(key, 100 + i, "value " + key);
      EXPECT_EQ(delta_->count(), i + 1);
    }
    for (uint32_t i = 0; i < 7 * capacity; ++i) {
      const FreshSlot* slot = delta_->Find(std::to_string(i));
      if (i % 7 != 0) {
        EXPECT_EQ(slot, nullptr) << i;
        continue;
      }
      ASSERT_NE(slot, nullptr) << i;
      EXPECT_EQ(slot->key(), std::to_string(i));
      EXPECT_EQ(slot, &delta_->slot(i / 7));
      EXPECT_EQ(ViewOf(*slot->chain.Head()).bytes(), "value " + std::to_string(i));
      EXPECT_EQ(slot->chain.Head()->commit_ts, 100 + i / 7);
    }
    delta_->Destroy(allocator_);
    delta_ = nullptr;
  }
}

TEST_F(FreshDeltaTest, KeysAreTheirBytesWhateverTheyAre) {
  const std::vector<std::string> keys = {"",
                                         "\0"s,
                                         "\0\0"s,
                                         "\0\0\0\0\0\0\0\0"s,
                                         "\xff"s,
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\xff"s,
                                         "a",
                                         "a\0"s,
                                         "a\0\0\0\0\0\0\0"s,
                                         "a\0\0\0\0\0\0\0\0"s,
                                         std::string(65'535, 'k'),
                                         std::string(65'534, 'k'),
                                         std::string(65'534, 'k') + 'l'};
  Make(static_cast<uint32_t>(keys.size()));
  for (size_t i = 0; i < keys.size(); ++i) Append(keys[i], 1, std::to_string(i));
  for (size_t i = 0; i < keys.size(); ++i) {
    const FreshSlot* slot = delta_->Find(keys[i]);
    ASSERT_NE(slot, nullptr) << i;
    EXPECT_TRUE(slot->key() == keys[i]) << i;
    EXPECT_EQ(ViewOf(*slot->chain.Head()).bytes(), std::to_string(i));
  }
  EXPECT_EQ(delta_->Find("\0\0\0"s), nullptr);
  EXPECT_EQ(delta_->Find(std::string(65'533, 'k')), nullptr);
}

TEST_F(FreshDeltaTest, KeepsCopiesOfKeysAndValues) {
  Make(8);
  std::string key = "key of the caller";
  std::string value = "value of the caller";
  Append(key, 1, value);
  key.assign(key.size(), 'x');
  value.assign(value.size(), 'y');
  EXPECT_EQ(delta_->slot(0).key(), "key of the caller");
  EXPECT_EQ(ViewOf(*delta_->slot(0).chain.Head()).bytes(), "value of the caller");
}

TEST_F(FreshDeltaTest, ASecondWriteToAKeyHeadsItsChain) {
  Make(8);
  Append("key", 5, "first");
  FreshSlot* slot = delta_->FindForWrite("key");
  ASSERT_NE(slot, nullptr);
  slot->chain.Push(NewVersion(7, "second"));
  EXPECT_EQ(delta_->count(), 1u);
  EXPECT_EQ(ViewOf(*slot->chain.Head()).bytes(), "second");
  EXPECT_EQ(ViewOf(*VersionChain::Older(slot->chain.Head())).bytes(), "first");
  EXPECT_EQ(slot->chain.NewestAt(6)->commit_ts, 5u);
  EXPECT_EQ(slot->chain.NewestAt(4), nullptr);
}

TEST_F(FreshDeltaTest, ATombstoneHasNoBytes) {
  Make(2);
  delta_->ReserveSlots(allocator_, 1);
  Version* version = delta_->NewVersion(allocator_, VersionView());
  version->commit_ts = 3;
  delta_->AppendSlot(delta_->CopyKey(allocator_, "gone"), version);
  EXPECT_EQ(ViewOf(*version).kind, ValueKind::kTombstone);
  EXPECT_EQ(ViewOf(*version).bytes(), "");
}

TEST_F(FreshDeltaTest, ReservedSlotsNeedNoMoreMemory) {
  Make(40);
  delta_->ReserveSlots(allocator_, 40);
  std::vector<std::pair<std::string_view, Version*>> prepared;
  for (int i = 0; i < 40; ++i) {
    prepared.emplace_back(delta_->CopyKey(allocator_, std::to_string(i)), NewVersion(1, "v"));
  }
  const size_t before = allocator_.allocated_bytes();
  for (const auto& [key, version] : prepared) delta_->AppendSlot(key, version);
  EXPECT_EQ(allocator_.allocated_bytes(), before);
  EXPECT_EQ(delta_->count(), 40u);
}

TEST_F(FreshDeltaTest, HasRoomUpToItsSlotsAndTheByteLimit) {
  Make(3);
  EXPECT_TRUE(delta_->HasRoom(3, 0, 100));
  EXPECT_FALSE(delta_->HasRoom(4, 0, 100));
  EXPECT_TRUE(delta_->HasRoom(1, 100, 100));
  EXPECT_FALSE(delta_->HasRoom(1, 101, 100));
  Append("k", 1, std::string(1'000, 'v'));
  EXPECT_TRUE(delta_->HasRoom(2, 0, 5'000));
  EXPECT_FALSE(delta_->HasRoom(3, 0, 5'000));
  EXPECT_FALSE(delta_->HasRoom(0, 0, 1'000)) << "what is used counts";
}

TEST_F(FreshDeltaTest, CountsALargeValueUntilItIsDropped) {
  Make(8);
  LargeValue* large = LargeValue::Create("large and shared", &heap_);
  delta_->ReserveSlots(allocator_, 1);
  delta_->AppendSlot(delta_->CopyKey(allocator_, "key"), NewLarge(5, large));
  FreshSlot* slot = delta_->FindForWrite("key");
  Version* second = NewLarge(7, large);
  slot->chain.Push(second);
  Drop(large);  // The maker's.
  EXPECT_EQ(ViewOf(*slot->chain.Head()).bytes(), "large and shared");

  const auto counted = [this] {
    int visits = 0;
    delta_->ForEachLarge([&visits](LargeValue*) { ++visits; });
    return visits;
  };
  EXPECT_EQ(counted(), 2);
  const Version* first = VersionChain::Older(slot->chain.Head());
  int drops = 0;
  for (int again = 0; again < 2; ++again) {
    delta_->DropLarge(first, [&drops](LargeValue* dropped) {
      ++drops;
      Drop(dropped);
    });
  }
  EXPECT_EQ(drops, 1) << "a count is given up once";
  EXPECT_EQ(counted(), 1);
  EXPECT_EQ(heap_.value_count(), 1u);
}

TEST_F(FreshDeltaTest, AVersionThatIsNeverLinkedIsCountedAllTheSame) {
  Make(8);
  LargeValue* large = LargeValue::Create("never linked", &heap_);
  NewLarge(5, large);
  Drop(large);
  EXPECT_EQ(heap_.value_count(), 1u);  // Until the delta goes.
}

#ifdef FIRN_INVARIANTS
TEST_F(FreshDeltaTest, WithoutMemoryNothingIsAdded) {
  Make(16);
  Append("before", 1, "value");
  const auto fails = [](const auto& call) {
    allocation_should_fail.store([] { return true; }, std::memory_order_release);
    EXPECT_THROW(call(), std::bad_alloc);
    allocation_should_fail.store(nullptr, std::memory_order_release);
  };
  const std::string big(10'000, 'b');
  fails([&] { delta_->CopyKey(allocator_, big); });
  fails([&] { NewVersion(2, big); });
  fails([&] { FreshDelta::Create(allocator_, 2); });
  LargeValue* large = LargeValue::Create("large", &heap_);
  // Whatever room is left in the chunk is filled up first.
  fails([&] {
    for (int i = 0; i < 100; ++i) NewLarge(2, large);
  });
  Drop(large);
  EXPECT_EQ(delta_->count(), 1u);
  Append("behind", 2, "value");
  EXPECT_NE(delta_->Find("before"), nullptr);
  EXPECT_NE(delta_->Find("behind"), nullptr);
}
#endif

// One writer fills the delta while readers look: whatever they find is whole.
TEST_F(FreshDeltaTest, ReadersFindWholeSlotsBesideAWriter) {
  constexpr uint32_t kKeys = 256;
  for (int round = 0; round < 5; ++round) {
    Make(kKeys);
    std::atomic<bool> torn{false};
    std::thread reader([&] {
      uint32_t seen = 0;
      while (seen < kKeys) {
        const uint32_t count = delta_->count();
        for (; seen < count; ++seen) {
          const std::string key = std::to_string(seen);
          const FreshSlot* slot = delta_->Find(key);
          if (slot == nullptr || slot->key() != delta_->slot(seen).key()) torn = true;
          if (slot != nullptr && ViewOf(*slot->chain.Head()).bytes() != key) torn = true;
        }
      }
    });
    for (uint32_t i = 0; i < kKeys; ++i) {
      Append(std::to_string(i), 1, std::to_string(i));
      if (i % 3 == 0) {
        delta_->FindForWrite(std::to_string(i))->chain.Push(NewVersion(2, std::to_string(i)));
      }
    }
    reader.join();
    EXPECT_FALSE(torn);
    delta_->Destroy(allocator_);
    delta_ = nullptr;
  }
}

}  // namespace
}  // namespace firn::internal
