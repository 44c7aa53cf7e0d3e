#include "mvcc/epoch.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/hazard.h"
#include "tests/support/delay_injector.h"
#include "tests/support/point_observer.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

TEST(EpochDomain, AdvancesWhenNobodyIsInside) {
  EpochDomain epochs;
  EXPECT_EQ(epochs.current(), 1u);
  EXPECT_TRUE(epochs.TryAdvance());
  EXPECT_EQ(epochs.current(), 2u);
}

TEST(EpochDomain, ReaderHoldsTheEpochAtOneAboveItsOwn) {
  EpochDomain epochs;
  EpochDomain::Record& record = epochs.Register();
  epochs.Enter(record);
  EXPECT_TRUE(epochs.TryAdvance());
  EXPECT_FALSE(epochs.TryAdvance());
  EXPECT_EQ(epochs.current(), 2u);
  epochs.Exit(record);
  EXPECT_TRUE(epochs.TryAdvance());
  epochs.Unregister(record);
}

TEST(EpochDomain, TagIsSafeTwoEpochsLater) {
  EpochDomain epochs;
  const uint64_t tag = epochs.DrawTag();
  EXPECT_FALSE(epochs.IsSafe(tag));
  epochs.TryAdvance();
  EXPECT_FALSE(epochs.IsSafe(tag));
  epochs.TryAdvance();
  EXPECT_TRUE(epochs.IsSafe(tag));
}

TEST(EpochDomain, RecordsAreUsedAgain) {
  EpochDomain epochs;
  EpochDomain::Record& first = epochs.Register();
  EpochDomain::Record& second = epochs.Register();
  EXPECT_NE(&first, &second);
  epochs.Unregister(first);
  EXPECT_EQ(&epochs.Register(), &first);
}

#ifdef FIRN_INVARIANTS
TEST(EpochDomain, ReaderThatWasOvertakenAnnouncesTheNewerEpoch) {
  EpochDomain epochs;
  EpochDomain::Record& record = epochs.Register();
  {
    // The reader has read the current epoch, and announces it late.
    int times = 0;
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "epoch:before_announce" || ++times > 2) return;
      epochs.TryAdvance();
      epochs.TryAdvance();
    });
    epochs.Enter(record);
  }
  EXPECT_EQ(record.epoch.load(), epochs.current());
  epochs.Exit(record);
  epochs.Unregister(record);
}
#endif  // FIRN_INVARIANTS

TEST(EpochGuard, GuardWithinAGuardChangesNothing) {
  EXPECT_FALSE(EpochGuard::IsHeld());
  {
    const EpochGuard outer;
    const uint64_t announced = epoch_record->epoch.load();
    EXPECT_NE(announced, 0u);
    {
      const EpochGuard inner;
      EXPECT_EQ(epoch_record->epoch.load(), announced);
    }
    EXPECT_TRUE(EpochGuard::IsHeld());
    EXPECT_EQ(epoch_record->epoch.load(), announced);
  }
  EXPECT_FALSE(EpochGuard::IsHeld());
  EXPECT_EQ(epoch_record->epoch.load(), 0u);
}

TEST(EpochGuard, ThreadsGiveTheirRecordsBack) {
  EpochDomain::Record* first = nullptr;
  EpochDomain::Record* second = nullptr;
  std::thread([&] {
    const EpochGuard guard;
    first = epoch_record;
  }).join();
  std::thread([&] {
    const EpochGuard guard;
    second = epoch_record;
  }).join();
  EXPECT_EQ(first, second);
}

// Opens a guard when its thread ends, after the thread's record was given back.
struct GuardsAtThreadEnd {
  ~GuardsAtThreadEnd() {
    const EpochGuard guard;
    held = EpochGuard::IsHeld();
  }
  static bool held;
};
bool GuardsAtThreadEnd::held = false;

TEST(EpochGuard, WorksInTheLastMomentsOfAThread) {
  std::thread([] {
    thread_local GuardsAtThreadEnd late;  // Made before the record, so destroyed after it.
    (void)&late;
    const EpochGuard guard;
  }).join();
  EXPECT_TRUE(GuardsAtThreadEnd::held);
  // Nobody is left inside.
  const uint64_t before = GlobalEpochs().current();
  EXPECT_TRUE(GlobalEpochs().TryAdvance());
  EXPECT_TRUE(GlobalEpochs().TryAdvance());
  EXPECT_EQ(GlobalEpochs().current(), before + 2);
}

// What the callbacks of a retired object saw.
struct Log {
  int graces = 0;
  int destroyed = 0;
};

struct Object {
  Retired retired;
  Log* log;
  RetiredList* retire_into = nullptr;  // Retires `follower` when its own grace period ends.
  Object* follower = nullptr;

  explicit Object(Log* into) : log(into) {
    retired.bytes = 100;
    retired.grace_ended = [](Retired* head, void*) {
      auto* object = reinterpret_cast<Object*>(head);
      EXPECT_EQ(object->log->destroyed, 0);
      ++object->log->graces;
      if (object->follower != nullptr) object->retire_into->Retire(&object->follower->retired);
    };
    retired.destroy = [](Retired* head, void* context) {
      auto* object = reinterpret_cast<Object*>(head);
      EXPECT_EQ(context, object->log);
      ++object->log->destroyed;
      delete object;
    };
  }
};
static_assert(offsetof(Object, retired) == 0);

class RetiredListTest : public testing::Test {
 protected:
  size_t Reclaim() { return list_.Reclaim(hazards_, &log_); }

  Log log_;
  HazardSet hazards_;
  RetiredList list_;
};

TEST_F(RetiredListTest, DestroysAtOnceWhenNobodyIsInside) {
  list_.Retire(&(new Object(&log_))->retired);
  EXPECT_EQ(list_.bytes(), 100u);
  EXPECT_EQ(list_.count(), 1u);
  EXPECT_EQ(Reclaim(), 1u);
  EXPECT_EQ(log_.graces, 1);
  EXPECT_EQ(log_.destroyed, 1);
  EXPECT_EQ(list_.bytes(), 0u);
  EXPECT_EQ(Reclaim(), 0u);
}

TEST_F(RetiredListTest, KeepsWhatAReaderMaySee) {
  auto guard = std::make_unique<EpochGuard>();
  list_.Retire(&(new Object(&log_))->retired);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Reclaim(), 0u);
  EXPECT_EQ(log_.graces, 0);
  guard.reset();
  EXPECT_EQ(Reclaim(), 1u);
}

TEST_F(RetiredListTest, ParksWhatAHazardSlotNames) {
  auto* object = new Object(&log_);
  HazardSlot* slot = hazards_.Claim();
  hazards_.Protect(slot, &object->retired);
  list_.Retire(&object->retired);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Reclaim(), 0u);
  EXPECT_EQ(log_.graces, 1);  // Its grace period ended all the same, once.
  EXPECT_EQ(log_.destroyed, 0);
  EXPECT_EQ(list_.bytes(), 100u);
  hazards_.Release(slot);
  EXPECT_EQ(Reclaim(), 1u);
  EXPECT_EQ(log_.graces, 1);
  EXPECT_EQ(log_.destroyed, 1);
}

TEST_F(RetiredListTest, CallbacksMayRetire) {
  auto* object = new Object(&log_);
  object->retire_into = &list_;
  object->follower = new Object(&log_);
  object->follower->log = &log_;
  object->follower->retired.grace_ended = nullptr;
  list_.Retire(&object->retired);
  size_t destroyed = 0;
  for (int i = 0; i < 3; ++i) destroyed += Reclaim();
  EXPECT_EQ(destroyed, 2u);
}

TEST_F(RetiredListTest, DrainDestroysEverything) {
  auto* named = new Object(&log_);
  HazardSlot* slot = hazards_.Claim();
  hazards_.Protect(slot, &named->retired);
  list_.Retire(&named->retired);
  Reclaim();  // Parked.
  const EpochGuard guard;
  Log drained;
  auto* object = new Object(&drained);
  object->retire_into = &list_;
  object->follower = new Object(&drained);
  object->follower->retired.grace_ended = nullptr;
  named->log = &drained;
  list_.Retire(&object->retired);
  list_.DrainAll(&drained);
  EXPECT_EQ(drained.destroyed, 3);
  EXPECT_EQ(list_.count(), 0u);
  hazards_.Release(slot);
}

// Writers replace the objects behind a few links; readers look at them inside guards, and some go
// on looking with a hazard slot. An object that is destroyed too early is a use after free.
TEST(RetiredList, ReadersNeverMeetDestroyedObjects) {
  const test::DelayInjector delays(test::PrintedSeed());
  struct Value {
    Retired retired;
    std::atomic<int> alive{1};
  };
  constexpr size_t kLinks = 4;
  std::atomic<Value*> links[kLinks];
  RetiredList list;
  HazardSet hazards;
  std::atomic<int> destroyed{0};
  const auto make = [] {
    auto* value = new Value;
    value->retired.bytes = sizeof(Value);
    value->retired.destroy = [](Retired* head, void* count) {
      auto* dead = reinterpret_cast<Value*>(head);
      EXPECT_EQ(dead->alive.exchange(0), 1);
      static_cast<std::atomic<int>*>(count)->fetch_add(1);
      delete dead;
    };
    return value;
  };
  for (auto& link : links) link.store(make());

  constexpr int kReplacements = 2000;
  std::atomic<int> writers{2};
  std::vector<std::thread> threads;
  for (size_t w = 0; w < 2; ++w) {
    threads.emplace_back([&, w] {
      for (int i = 0; i < kReplacements; ++i) {
        Value* old = links[(w + static_cast<size_t>(i)) % kLinks].exchange(make());
        list.Retire(&old->retired);
        if (i % 8 == 0) list.Reclaim(hazards, &destroyed);
      }
      writers.fetch_sub(1);
    });
  }
  for (size_t r = 0; r < 2; ++r) {
    threads.emplace_back([&, r] {
      HazardSlot* slot = hazards.Claim();
      for (size_t i = r; writers.load() != 0; ++i) {
        Value* found;
        {
          const EpochGuard guard;
          found = links[i % kLinks].load(std::memory_order_acquire);
          ASSERT_EQ(found->alive.load(), 1);
          hazards.Protect(slot, &found->retired);
        }
        ASSERT_EQ(found->alive.load(), 1);
        if (i % 16 == 0) std::this_thread::yield();
        ASSERT_EQ(found->alive.load(), 1);
      }
      hazards.Release(slot);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 2; ++i) list.Reclaim(hazards, &destroyed);
  EXPECT_EQ(destroyed.load(), 2 * kReplacements);
  EXPECT_EQ(list.bytes(), 0u);
  for (auto& link : links) delete link.load();
}

}  // namespace
}  // namespace firn::internal
