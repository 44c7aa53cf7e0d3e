#include "mvcc/snapshot_registry.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mvcc/pinned_set.h"
#include "mvcc/timestamp_oracle.h"
#include "mvcc/visibility.h"
#include "tests/support/delay_injector.h"
#include "tests/support/point_observer.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

class SnapshotRegistryTest : public testing::Test {
 protected:
  void Commit() { oracle_.Publish(oracle_.Next(0)); }
  SnapshotSlot* Pin(std::string label = "", std::string owner = "") {
    return registry_.Pin(oracle_, std::move(label), std::move(owner));
  }
  PinnedSet Collect() {
    PinnedSet pinned;
    registry_.CollectPinned(oracle_, &pinned);
    return pinned;
  }
  std::vector<LiveSnapshot> Listed() {
    bool closed_any = true;
    std::vector<LiveSnapshot> found = registry_.List(&closed_any);
    EXPECT_FALSE(closed_any);
    return found;
  }

  TimestampOracle oracle_;
  SnapshotRegistry registry_;
};

using Timestamps = std::vector<uint64_t>;

TEST_F(SnapshotRegistryTest, NothingIsPinnedAtFirst) {
  Commit();
  EXPECT_EQ(Collect().horizon, 1u);
  EXPECT_EQ(Collect().ts, Timestamps{});
  EXPECT_EQ(registry_.live_count(), 0u);
}

TEST_F(SnapshotRegistryTest, PinsWhatIsVisible) {
  SnapshotSlot* before_everything = Pin();
  Commit();
  SnapshotSlot* at_one = Pin();
  Commit();
  EXPECT_EQ(before_everything->ts, 0u);
  EXPECT_EQ(at_one->ts, 1u);
  EXPECT_EQ(Collect().horizon, 2u);
  EXPECT_EQ(Collect().ts, (Timestamps{0, 1}));
  EXPECT_TRUE(registry_.DropHandle(before_everything).last);
  EXPECT_EQ(Collect().ts, Timestamps{1});
  EXPECT_TRUE(registry_.DropHandle(at_one).last);
  EXPECT_EQ(Collect().ts, Timestamps{});
}

TEST_F(SnapshotRegistryTest, CollectsEachTimestampOnceAndInOrder) {
  std::vector<SnapshotSlot*> slots;
  for (int i = 0; i < 100; ++i) {
    slots.push_back(Pin());
    slots.push_back(Pin());
    Commit();
  }
  // Lower slots are pinned anew, later.
  for (int i = 0; i < 20; ++i) {
    registry_.DropHandle(slots[static_cast<size_t>(i)]);
    slots[static_cast<size_t>(i)] = Pin();
  }
  const Timestamps found = Collect().ts;
  EXPECT_EQ(found.size(), 91u);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  for (SnapshotSlot* slot : slots) registry_.DropHandle(slot);
}

TEST_F(SnapshotRegistryTest, PinLastsUntilTheLastHandle) {
  SnapshotSlot* slot = Pin();
  registry_.AddHandle(slot);
  EXPECT_FALSE(registry_.DropHandle(slot).last);
  EXPECT_EQ(Collect().ts, Timestamps{0});
  const DroppedHandle dropped = registry_.DropHandle(slot);
  EXPECT_TRUE(dropped.last);
  EXPECT_FALSE(dropped.orphaned);
  EXPECT_EQ(Collect().ts, Timestamps{});
}

TEST_F(SnapshotRegistryTest, CallerIsToldWhenThePinIsGoneButTheSlotIsNot) {
  SnapshotSlot* slot = Pin();
  registry_.AddHandle(slot);
  int calls = 0;
  const auto after_unpin = [&] {
    ++calls;
    EXPECT_EQ(Collect().ts, Timestamps{});
    EXPECT_EQ(registry_.live_count(), 1u);
  };
  Collect();
  EXPECT_FALSE(registry_.DropHandle(slot, after_unpin).last);
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(registry_.DropHandle(slot, after_unpin).last);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(registry_.live_count(), 0u);
}

TEST_F(SnapshotRegistryTest, NobodyIsToldOfAPinThatNoPrunerSaw) {
  const auto fail = [] { ADD_FAILURE() << "told"; };
  SnapshotSlot* unseen = Pin();
  EXPECT_TRUE(registry_.DropHandle(unseen, fail).last);
  EXPECT_EQ(registry_.live_count(), 0u);

  SnapshotSlot* shared = Pin();
  registry_.AddHandle(shared);
  EXPECT_FALSE(registry_.DropHandle(shared, fail).last);
  EXPECT_TRUE(registry_.DropHandle(shared, fail).last);
  EXPECT_EQ(Collect().ts, Timestamps{});
}

TEST_F(SnapshotRegistryTest, OrphansAreToldToTheLastHandle) {
  SnapshotSlot* slot = Pin();
  SnapshotSlot* other = Pin();
  registry_.AddHandle(slot);
  EXPECT_EQ(registry_.OrphanClaimed(), 2u);
  EXPECT_FALSE(registry_.DropHandle(slot).orphaned);
  EXPECT_TRUE(registry_.DropHandle(slot).orphaned);
  EXPECT_TRUE(registry_.DropHandle(other, [] {}).orphaned);
}

TEST_F(SnapshotRegistryTest, ListsLabelOwnerAndAge) {
  Commit();
  SnapshotSlot* second = Pin("a label that is too long to stand inside of a string", "me");
  SnapshotSlot* third = Pin();
  std::vector<LiveSnapshot> found = Listed();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].ts, 1u);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.label > b.label; });
  EXPECT_EQ(found[0].label, "a label that is too long to stand inside of a string");
  EXPECT_EQ(found[0].owner, "me");
  EXPECT_EQ(found[1].label, "");
  EXPECT_EQ(found[1].owner.substr(0, 7), "thread ");
  EXPECT_GT(std::stoi(found[1].owner.substr(7)), 0);
  EXPECT_LT(found[0].age_nanos, 60'000'000'000u);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_GT(Listed()[0].age_nanos, found[0].age_nanos);
  registry_.DropHandle(second);
  registry_.DropHandle(third);
  EXPECT_TRUE(Listed().empty());
}

TEST_F(SnapshotRegistryTest, ListsAnIteratorAsOne) {
  SnapshotSlot* slot = registry_.PinForIterator(oracle_);
  ASSERT_EQ(Listed().size(), 1u);
  EXPECT_EQ(Listed()[0].label, "iterator");
  EXPECT_EQ(Listed()[0].owner.substr(0, 7), "thread ");
  registry_.DropHandle(slot);
  EXPECT_TRUE(Listed().empty());
}

TEST_F(SnapshotRegistryTest, ListsWhatIsSharedAndWhatAPrunerSaw) {
  Commit();
  SnapshotSlot* slot = Pin();
  registry_.AddHandle(slot);
  registry_.DropHandle(slot);
  Collect();
  ASSERT_EQ(Listed().size(), 1u);
  EXPECT_EQ(Listed()[0].ts, 1u);
  registry_.DropHandle(slot);
  EXPECT_TRUE(Listed().empty());
}

TEST_F(SnapshotRegistryTest, LabelDoesNotReachTheSlotsNextSnapshot) {
  registry_.DropHandle(Pin("first", "someone"));
  SnapshotSlot* next = Pin();
  ASSERT_EQ(Listed().size(), 1u);
  EXPECT_EQ(Listed()[0].label, "");
  EXPECT_NE(Listed()[0].owner, "someone");
  registry_.DropHandle(next);
}

TEST_F(SnapshotRegistryTest, ThreadsAreToldApart) {
  SnapshotSlot* mine = Pin();
  SnapshotSlot* other = nullptr;
  std::thread thread([&] { other = Pin(); });
  thread.join();
  const std::vector<LiveSnapshot> found = Listed();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NE(found[0].owner, found[1].owner);
  registry_.DropHandle(mine);
  registry_.DropHandle(other);
}

#ifdef FIRN_INVARIANTS
TEST_F(SnapshotRegistryTest, PinOvertakenByAPrunerMovesToTheNewerMoment) {
  Commit();
  PinnedSet overtaking;
  SnapshotSlot* slot;
  {
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "registry:before_announce") return;
      Commit();
      overtaking = Collect();
    });
    slot = Pin();
  }
  EXPECT_EQ(overtaking.horizon, 2u);
  EXPECT_EQ(overtaking.ts, Timestamps{});  // It may drop what was visible at 1.
  EXPECT_EQ(slot->ts, 2u);
  EXPECT_EQ(Collect().ts, Timestamps{2});
  registry_.DropHandle(slot);
}

TEST_F(SnapshotRegistryTest, AnnouncedPinIsFoundBeforeItIsConfirmed) {
  Commit();
  PinnedSet first;
  SnapshotSlot* slot;
  {
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "registry:announced" || first.horizon != 0) return;
      Commit();
      first = Collect();
    });
    slot = Pin();
  }
  EXPECT_EQ(first.ts, Timestamps{1});
  // Confirmed or moved on, it is pinned where it reads.
  EXPECT_EQ(Collect().ts, Timestamps{slot->ts});
  registry_.DropHandle(slot);
}

TEST_F(SnapshotRegistryTest, SnapshotClosedWhileListedClosesWithTheListing) {
  SnapshotSlot* slot = Pin("listed", "me");
  bool closed_any = false;
  std::vector<LiveSnapshot> found;
  {
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "registry:listing_record") return;
      EXPECT_FALSE(registry_.DropHandle(slot).last);
    });
    found = registry_.List(&closed_any);
  }
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].label, "listed");
  EXPECT_TRUE(closed_any);
  EXPECT_EQ(registry_.live_count(), 0u);
}

TEST_F(SnapshotRegistryTest, SnapshotThatIsBeingOpenedIsNotListedAsTheOneBefore) {
  SnapshotSlot* before = Pin();
  registry_.DropHandle(before);
  Commit();
  size_t looks = 0;
  SnapshotSlot* slot;
  {
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "registry:announced") return;
      ++looks;
      EXPECT_TRUE(Listed().empty());
    });
    slot = Pin();
  }
  EXPECT_EQ(slot, before);
  EXPECT_EQ(looks, 1u);
  registry_.DropHandle(slot);
}

// The slot's next snapshot has another timestamp.
TEST_F(SnapshotRegistryTest, SnapshotReplacedWhileListedIsNotListed) {
  SnapshotSlot* slot = Pin();
  std::vector<LiveSnapshot> found;
  {
    const test::PointObserver observer([&](std::string_view point) {
      if (point != "registry:listing" || slot->ts != 0) return;
      EXPECT_TRUE(registry_.DropHandle(slot).last);
      Commit();
      EXPECT_EQ(registry_.PinForIterator(oracle_), slot);
    });
    found = Listed();
  }
  EXPECT_TRUE(found.empty());
  registry_.DropHandle(slot);
}
#endif  // FIRN_INVARIANTS

// Each round: a writer commits, a pruner drops what it may, and a snapshot must find its version
// undropped. versions[ts] is valid in [ts, ts + 1).
TEST_F(SnapshotRegistryTest, PinnersNeverLoseTheirVersionToPruners) {
  const test::DelayInjector delays(test::PrintedSeed());
  constexpr uint64_t kCommits = 5'000;
  std::vector<std::atomic<bool>> dropped(kCommits + 2);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (uint64_t i = 0; i < kCommits; ++i) Commit();
    done.store(true);
  });
  for (int p = 0; p < 2; ++p) {
    threads.emplace_back([&] {
      PinnedSet pinned;
      while (!done.load()) {
        registry_.CollectPinned(oracle_, &pinned);
        const uint64_t lowest = pinned.horizon > 200 ? pinned.horizon - 200 : 0;
        for (uint64_t ts = lowest; ts < pinned.horizon; ++ts) {
          if (MayDrop(ts, ts + 1, pinned)) dropped[ts].store(true);
        }
      }
    });
  }
  for (int p = 0; p < 2; ++p) {
    threads.emplace_back([&] {
      while (!done.load()) {
        SnapshotSlot* slot = Pin();
        for (int look = 0; look < 3; ++look) {
          ASSERT_FALSE(dropped[slot->ts].load()) << slot->ts;
          std::this_thread::yield();
        }
        registry_.DropHandle(slot);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry_.live_count(), 0u);
}

TEST_F(SnapshotRegistryTest, ListingBesideOpeningAndClosingSeesWholeRecords) {
  const test::DelayInjector delays(test::PrintedSeed());
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      const std::string name(static_cast<size_t>(10 + 40 * t), static_cast<char>('a' + t));
      for (int i = 0; i < 3'000; ++i) {
        SnapshotSlot* slot = Pin(name, name);
        if (i % 3 == 0) {
          registry_.AddHandle(slot);
          registry_.DropHandle(slot);
        }
        registry_.DropHandle(slot);
      }
      done.store(true);
    });
  }
  while (!done.load()) {
    bool closed_any;
    for (const LiveSnapshot& snapshot : registry_.List(&closed_any)) {
      ASSERT_EQ(snapshot.label, snapshot.owner);
      ASSERT_EQ(snapshot.label.find_first_not_of(snapshot.label[0]), std::string::npos);
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry_.live_count(), 0u);
}

}  // namespace
}  // namespace firn::internal
