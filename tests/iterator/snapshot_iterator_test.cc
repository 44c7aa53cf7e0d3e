#include "iterator/snapshot_iterator.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/iterator.h"
#include "gtest/gtest.h"
#include "tests/support/point_observer.h"
#include "tests/support/test_map.h"

namespace {

// Called before each allocation of this thread, but not from within itself; may throw
// std::bad_alloc in its place.
thread_local std::function<void()>* at_allocation = nullptr;

void CallAtAllocation() {
  if (std::function<void()>* call = std::exchange(at_allocation, nullptr)) {
    struct Restore {
      std::function<void()>* call;
      ~Restore() { at_allocation = call; }
    } restore{call};
    (*call)();
  }
}

}  // namespace

// Out of line: where GCC sees both ends it takes free() for a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  CallAtAllocation();
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace firn::internal {
namespace {

using test::TestMap;
using test::Writes;
using Position = SnapshotIterator::Position;
using Entries = std::map<std::string, std::string>;

class AllocationHook {
 public:
  explicit AllocationHook(std::function<void()> call) : call_(std::move(call)) {
    at_allocation = &call_;
  }
  ~AllocationHook() { at_allocation = nullptr; }
  AllocationHook(const AllocationHook&) = delete;
  AllocationHook& operator=(const AllocationHook&) = delete;

 private:
  std::function<void()> call_;
};

std::string Key(size_t number) { return std::to_string(10'000 + number); }
std::string Large(std::string_view key) { return "a large value of " + std::string(key); }

Iterator Open(TestMap& map, SnapshotSlot* snapshot, const IteratorOptions& options = {}) {
  return SnapshotIterator::Open(&map.versioned(), snapshot, options);
}

std::string Here(const Iterator& iterator) {
  if (!iterator.Valid()) return "nowhere";
  return std::string(iterator.key()) + "=" + std::string(iterator.value());
}

Entries Rest(Iterator& iterator, bool forward) {
  Entries entries;
  while (iterator.Valid()) {
    EXPECT_TRUE(entries.emplace(iterator.key(), iterator.value()).second);
    forward ? iterator.Next() : iterator.Prev();
  }
  EXPECT_TRUE(iterator.status().ok()) << iterator.status();
  return entries;
}

Entries All(Iterator& iterator, bool forward) {
  forward ? iterator.SeekToFirst() : iterator.SeekToLast();
  return Rest(iterator, forward);
}

TEST(SnapshotIteratorTest, AnEmptyMapHasNoEntries) {
  TestMap map;
  SnapshotSlot* snapshot = map.Pin();
  Iterator iterator = Open(map, snapshot);
  for (const bool forward : {true, false}) EXPECT_TRUE(All(iterator, forward).empty());
  iterator.Seek("any");
  EXPECT_FALSE(iterator.Valid());
  iterator.SeekForPrev("any");
  EXPECT_FALSE(iterator.Valid());
  map.Drop(snapshot);
}

// Snapshots whose versions lie in the block, and in every run below it. Some keys are overwritten
// seldom, so that not each is in each run; some are deleted now and then; some values are large.
TEST(SnapshotIteratorTest, WalksBothWaysThroughOlderRuns) {
  TuningOptions tuning = test::RoomyTuning();
  tuning.block_bytes = 1'024;
  TestMap map(tuning);
  std::map<SnapshotSlot*, Entries> snapshots;
  Entries content;
  for (size_t round = 1; round <= 64; ++round) {
    for (size_t i = 0; i < 24; ++i) {
      if (round % (1 + i % 5) != 0) continue;
      if ((round + i) % 7 == 0) {
        map.Delete(Key(i));
        content.erase(Key(i));
        continue;
      }
      const std::string value = std::to_string(round) + std::string(i % 6 == 0 ? 20 : 0, 'l');
      map.Put(Key(i), value);
      content[Key(i)] = value;
    }
    snapshots[map.Pin()] = content;
  }
  map.Settle();
  ASSERT_EQ(map.Leaves().size(), 1u);
  ASSERT_GE(map.Leaves()[0].runs, 2u);
  for (const auto& [snapshot, expected] : snapshots) {
    Iterator iterator = Open(map, snapshot);
    for (const bool forward : {true, false}) EXPECT_EQ(All(iterator, forward), expected);
    // Turning round in the middle.
    iterator.Seek(Key(12));
    const std::string here = Here(iterator);
    if (!iterator.Valid()) continue;
    iterator.Prev();
    if (!iterator.Valid()) continue;
    iterator.Next();
    EXPECT_EQ(Here(iterator), here);
  }
  for (const auto& [snapshot, expected] : snapshots) map.Drop(snapshot);
}

TEST(SnapshotIteratorTest, WalksThousandsOfLeavesBothWays) {
  TestMap map;
  Entries expected;
  for (size_t i = 0; i < 2'000; ++i) {
    const std::string key = Key(i * 7919 % 2'000);
    expected[key] = i % 9 == 0 ? Large(key) : "v" + key;
    map.Put(key, expected[key]);
  }
  SnapshotSlot* snapshot = map.Pin();
  Iterator iterator = Open(map, snapshot);
  for (const bool settled : {false, true}) {
    if (settled) map.Settle();
    for (const bool forward : {true, false}) EXPECT_EQ(All(iterator, forward), expected);
  }
  map.Drop(snapshot);
}

TEST(SnapshotIteratorTest, SeeksFindTheNeighboursOfAnyKey) {
  TestMap map;
  for (size_t i = 0; i < 200; i += 2) map.Put(Key(i), "v");
  SnapshotSlot* snapshot = map.Pin();
  Iterator iterator = Open(map, snapshot);
  for (size_t i = 0; i + 2 < 200; i += 2) {
    iterator.Seek(Key(i));
    EXPECT_EQ(Here(iterator), Key(i) + "=v");
    iterator.Seek(Key(i + 1));
    EXPECT_EQ(Here(iterator), Key(i + 2) + "=v");
    iterator.Prev();
    EXPECT_EQ(Here(iterator), Key(i) + "=v");
    iterator.SeekForPrev(Key(i + 1));
    EXPECT_EQ(Here(iterator), Key(i) + "=v");
    iterator.Next();
    EXPECT_EQ(Here(iterator), Key(i + 2) + "=v");
  }
  map.Drop(snapshot);
}

TEST(SnapshotIteratorTest, DeletingEverythingWhileItStandsInTheMiddleChangesNothing) {
  for (const bool forward : {true, false}) {
    for (const size_t stand : {0, 1, 250, 498, 499}) {
      SCOPED_TRACE(testing::Message() << (forward ? "forward from " : "backward from ") << stand);
      TestMap map;
      const size_t baseline = map.allocated_bytes();
      Entries below, from, all;
      for (size_t i = 0; i < 500; ++i) {
        const std::string value = i % 3 == 0 ? Large(Key(i)) : "v";
        map.Put(Key(i), value);
        all[Key(i)] = value;
        if (i <= stand) below[Key(i)] = value;
        if (i >= stand) from[Key(i)] = value;
      }
      map.Settle();
      SnapshotSlot* snapshot = map.Pin();
      {
        Iterator iterator = Open(map, snapshot);
        map.Drop(snapshot);  // The iterator shares the pin.
        iterator.Seek(Key(stand));
        const std::string_view key = iterator.key();
        const std::string_view value = iterator.value();
        for (size_t i = 0; i < 500; ++i) map.Delete(Key(i));
        map.Settle();
        map.Settle();
        EXPECT_EQ(map.GetLatest(Key(stand)), std::nullopt);
        EXPECT_EQ(key, Key(stand));
        EXPECT_EQ(value, all[Key(stand)]);
        EXPECT_EQ(Rest(iterator, forward), forward ? from : below);
        EXPECT_EQ(All(iterator, !forward), all);
      }
      map.Settle();
      EXPECT_EQ(map.Leaves().size(), 1u);
      EXPECT_EQ(map.large_count(), 0u);
      EXPECT_EQ(map.allocated_bytes(), baseline);
    }
  }
}

// Whether the only leaf is to be frozen by the next write.
bool FreezeAsked(TestMap& map) {
  const EpochGuard guard;
  const FreshDelta* delta = map.map().FindState("")->delta.load();
  return delta != nullptr && delta->freeze_asked();
}

// Scans all there is.
Entries Scan(TestMap& map, bool forward = true) {
  SnapshotSlot* snapshot = map.Pin();
  Entries seen;
  {
    Iterator iterator = Open(map, snapshot);
    seen = All(iterator, forward);
  }
  map.Drop(snapshot);
  return seen;
}

// So many writes, of one commit, so that no freeze comes between them.
void CommitKeys(TestMap& map, size_t count) {
  Writes writes;
  for (size_t i = 0; i < count; ++i) writes[Key(i)] = "fresh";
  map.Commit(writes);
}

// A scan that meets four fresh keys in a leaf asks for a freeze; the next write obeys, be it of a new
// key or of one that is fresh already.
TEST(SnapshotIteratorTest, ALongDeltaThatAScanMetTheNextWriteFreezes) {
  for (const std::string& next : {Key(9), Key(0)}) {
    for (const bool forward : {true, false}) {
      TestMap map(test::RoomyTuning());
      CommitKeys(map, 4);
      EXPECT_FALSE(FreezeAsked(map)) << "nobody has met them yet";
      EXPECT_EQ(Scan(map, forward).size(), 4u);
      EXPECT_TRUE(FreezeAsked(map));
      EXPECT_EQ(map.Leaves().front().fresh, 4u) << "a scan freezes nothing itself";
      map.Put(next, "after");
      EXPECT_FALSE(FreezeAsked(map));
      ASSERT_EQ(map.Leaves().size(), 1u);
      EXPECT_EQ(map.Leaves().front().frozen, 4u);
      EXPECT_EQ(map.Leaves().front().fresh, 1u);
      EXPECT_EQ(Scan(map, forward)[next], "after");
      EXPECT_FALSE(FreezeAsked(map)) << "for one fresh key";
    }
  }
}

TEST(SnapshotIteratorTest, AShortDeltaIsLeftAloneHoweverOftenItIsMet) {
  TestMap map(test::RoomyTuning());
  CommitKeys(map, 3);
  for (int scans = 0; scans < 20; ++scans) EXPECT_EQ(Scan(map).size(), 3u);
  EXPECT_FALSE(FreezeAsked(map));
}

// The more a freeze copies, the more it has to be for.
TEST(SnapshotIteratorTest, InALargerLeafADeltaHasToBeLonger) {
  constexpr size_t kKeys = 200;  // Of a hundred bytes each.
  for (const size_t fresh : {4, 12}) {
    TuningOptions tuning = test::RoomyTuning();
    tuning.block_bytes = 64 << 10;
    tuning.block_entries = 2 * kKeys;
    tuning.large_value_bytes = 1024;
    TestMap map(tuning);
    for (size_t i = 0; i < kKeys; ++i) map.Put(Key(i), std::string(100, 'v'));
    map.Settle();
    ASSERT_EQ(map.Leaves().size(), 1u);
    CommitKeys(map, fresh);
    EXPECT_EQ(Scan(map).size(), kKeys);
    EXPECT_EQ(FreezeAsked(map), fresh == 12) << fresh;
  }
}

// A leaf found at a hop may begin below the fence that was hopped from, or end there.
TEST(SnapshotIteratorTest, HopsOverLeavesThatWereMergedAndSplitMeanwhile) {
  for (const bool forward : {true, false}) {
    TestMap map;
    Entries expected;
    for (size_t i = 0; i < 100; ++i) {
      map.Put(Key(i), "v");
      if (i % 10 == 0) expected[Key(i)] = "v";
    }
    for (size_t i = 0; i < 100; ++i) {
      if (i % 10 != 0) map.Delete(Key(i));
    }
    SnapshotSlot* snapshot = map.Pin();
    Iterator iterator = Open(map, snapshot);
    Entries seen;
    size_t round = 0;
    for (forward ? iterator.SeekToFirst() : iterator.SeekToLast(); iterator.Valid();
         forward ? iterator.Next() : iterator.Prev()) {
      EXPECT_TRUE(seen.emplace(iterator.key(), iterator.value()).second) << iterator.key();
      if (round++ % 2 == 0) {
        map.Settle();  // Merges.
      } else {
        for (size_t i = 0; i < 100; ++i) map.Put(Key(i) + "new", "later");  // Splits.
      }
    }
    EXPECT_EQ(seen, expected);
    map.Drop(snapshot);
  }
}

#ifdef FIRN_INVARIANTS
// Between the finding of the next leaf and the naming of it that leaf is merged or split, its
// state retired, and everything that nobody holds is freed. AddressSanitizer sees a leaf that was
// read unpinned.
TEST(SnapshotIteratorTest, LeavesGoWhileItHops) {
  for (const bool forward : {true, false}) {
    SCOPED_TRACE(forward ? "forward" : "backward");
    TestMap map;
    Entries expected;
    for (size_t i = 0; i < 60; ++i) {
      expected[Key(i)] = i % 7 == 0 ? Large(Key(i)) : "v";
      map.Put(Key(i), expected[Key(i)]);
    }
    map.Settle();
    SnapshotSlot* snapshot = map.Pin();
    Iterator iterator = Open(map, snapshot);
    size_t hops = 0;
    {
      const test::PointObserver observer([&](std::string_view point) {
        if (point != "cursor:before_protect") return;
        // By turns all leaves split, and empty again; each time the states are replaced.
        for (size_t i = 0; i < 60; ++i) {
          hops % 2 == 0 ? map.Put(Key(i) + "new", Large("later")) : map.Delete(Key(i) + "new");
        }
        map.Settle();
        for (int round = 0; round < 3; ++round) map.map().Reclaim();
        ++hops;
      });
      EXPECT_EQ(All(iterator, forward), expected);
    }
    EXPECT_GE(hops, 30u);
    map.Drop(snapshot);
  }
}

// Between two moves the leaf where it stands, and those around it, are merged into one.
TEST(SnapshotIteratorTest, LeavesGoWhileItStands) {
  for (const bool forward : {true, false}) {
    SCOPED_TRACE(forward ? "forward" : "backward");
    TestMap map;
    const size_t baseline = map.allocated_bytes();
    Entries expected;
    for (size_t i = 0; i < 60; ++i) {
      expected[Key(i)] = i % 7 == 0 ? Large(Key(i)) : "v";
      map.Put(Key(i), expected[Key(i)]);
    }
    SnapshotSlot* snapshot = map.Pin();
    {
      Iterator iterator = Open(map, snapshot);
      Entries seen;
      size_t step = 0;
      for (forward ? iterator.SeekToFirst() : iterator.SeekToLast(); iterator.Valid();
           forward ? iterator.Next() : iterator.Prev(), ++step) {
        const std::string_view key = iterator.key();
        const std::string_view value = iterator.value();
        for (size_t i = 0; i < 60; ++i) {
          step % 2 == 0 ? map.Delete(Key(i)) : map.Put(Key(i), "later");
        }
        map.Settle();
        EXPECT_TRUE(seen.emplace(key, value).second) << key;
      }
      EXPECT_EQ(seen, expected);
      map.Drop(snapshot);
      for (size_t i = 0; i < 60; ++i) map.Delete(Key(i));
    }
    map.Settle();
    EXPECT_EQ(map.allocated_bytes(), baseline);
  }
}
#endif  // FIRN_INVARIANTS

// The small neighbours stand in windows of their own, so that the step is a refill.
class LargeStepTest : public testing::TestWithParam<bool> {
 protected:
  LargeStepTest() : map_(test::RoomyTuning()) {
    map_.Commit({{"a", "small"}, {"b", Large("b")}, {"c", "small"}, {"d", Large("d")}});
    map_.Settle();
    snapshot_ = map_.Pin();
  }
  ~LargeStepTest() override {
    if (snapshot_ != nullptr) map_.Drop(snapshot_);
  }
  bool forward() const { return GetParam(); }
  void Step(Iterator& iterator) { forward() ? iterator.Next() : iterator.Prev(); }

  TestMap map_;
  SnapshotSlot* snapshot_ = nullptr;
};

TEST_P(LargeStepTest, ALargeValueIsHeldWhileItIsStoodOn) {
  Iterator iterator = Open(map_, snapshot_);
  iterator.Seek("b");
  const std::string_view value = iterator.value();
  map_.Drop(std::exchange(snapshot_, nullptr));
  EXPECT_EQ(map_.large_count(), 2u);
  {
    Iterator other = std::move(iterator);
    map_.Commit({{"b", "small now"}, {"d", "small now"}});
    map_.Settle();
    map_.Settle();
    EXPECT_EQ(value, Large("b"));
    EXPECT_EQ(map_.large_count(), 2u) << "the iterator's pin keeps what it sees";
    Step(other);
    EXPECT_EQ(Here(other), forward() ? "c=small" : "a=small");
  }
  map_.Settle();
  EXPECT_EQ(map_.large_count(), 0u);
}

TEST_P(LargeStepTest, OneStoodOnGoesWithTheIterator) {
  {
    Iterator iterator = Open(map_, nullptr);
    iterator.Seek("b");
    EXPECT_EQ(Here(iterator), "b=" + Large("b"));
  }
  map_.Drop(std::exchange(snapshot_, nullptr));
  map_.Commit({{"b", std::nullopt}, {"d", std::nullopt}});
  map_.Settle();
  EXPECT_EQ(map_.large_count(), 0u);
}

// The state where the iterator stands was retired, its grace period is over and its counts are
// given up: the value is taken from the current state.
TEST_P(LargeStepTest, OneOfARetiredStateIsFoundInTheCurrentOne) {
  Iterator iterator = Open(map_, snapshot_);
  iterator.Seek(forward() ? "a" : "c");
  EXPECT_EQ(Here(iterator), forward() ? "a=small" : "c=small");
  map_.Commit({{"a", "new"}, {"b", "new"}, {"c", "new"}, {"d", std::nullopt}});
  map_.Settle();
  map_.Settle();
  EXPECT_GT(map_.map().retired_bytes(), 0u) << "kept for the iterator alone";
  Step(iterator);
  EXPECT_EQ(Here(iterator), "b=" + Large("b"));
  EXPECT_EQ(iterator.commit_ts(), CommitTs{1});
  map_.Settle();
  EXPECT_EQ(Here(iterator), "b=" + Large("b"));
  Step(iterator);
  EXPECT_EQ(Here(iterator), forward() ? "c=small" : "a=small");
  Step(iterator);
  EXPECT_EQ(Here(iterator), forward() ? "d=" + Large("d") : "nowhere");
  forward() ? iterator.Prev() : iterator.Next();
  EXPECT_EQ(Here(iterator), forward() ? "c=small" : "a=small");
  forward() ? iterator.Prev() : iterator.Next();
  EXPECT_EQ(Here(iterator), "b=" + Large("b"));
}

TEST_P(LargeStepTest, TurningAroundOnOneOfARetiredStateWorks) {
  Iterator iterator = Open(map_, snapshot_);
  iterator.Seek(forward() ? "a" : "c");
  map_.Commit({{"a", "new"}, {"b", "new"}, {"c", std::nullopt}});
  map_.Settle();
  map_.Settle();
  Step(iterator);
  EXPECT_EQ(Here(iterator), "b=" + Large("b"));
  forward() ? iterator.Prev() : iterator.Next();
  EXPECT_EQ(Here(iterator), forward() ? "a=small" : "c=small");
}

TEST_P(LargeStepTest, OneFreshInARetiredStateIsFoundInTheCurrentOne) {
  map_.Commit({{"b", Large("fresh b")}});
  map_.Drop(snapshot_);
  snapshot_ = map_.Pin();
  Iterator iterator = Open(map_, snapshot_);
  iterator.Seek(forward() ? "a" : "c");
  map_.Commit({{"b", "new"}});
  map_.Settle();
  map_.Settle();
  Step(iterator);
  EXPECT_EQ(Here(iterator), "b=" + Large("fresh b"));
}

// The leaf was cut meanwhile, and merged away: the key is found wherever it is now.
TEST_P(LargeStepTest, OneOfALeafThatIsGoneIsFoundInAnother) {
  Iterator iterator = Open(map_, snapshot_);
  iterator.Seek(forward() ? "a" : "c");
  Writes many;
  for (size_t i = 0; i < 500; ++i) many["b" + Key(i)] = "new";
  for (size_t i = 0; i < 500; ++i) many["a" + Key(i)] = Large(Key(i));
  map_.Commit(many);
  map_.Put("b", "new");
  map_.Settle();
  map_.Settle();
  ASSERT_GT(map_.Leaves().size(), 5u);
  Step(iterator);
  EXPECT_EQ(Here(iterator), "b=" + Large("b"));
  Step(iterator);
  EXPECT_EQ(Here(iterator), forward() ? "c=small" : "a=small");
}

TEST_P(LargeStepTest, KeysOnlyTouchesNoLargeValue) {
  IteratorOptions options;
  options.keys_only = true;
  Iterator iterator = Open(map_, snapshot_, options);
  iterator.Seek(forward() ? "a" : "c");
  map_.Commit({{"a", "new"}, {"b", "new"}, {"c", "new"}, {"d", "new"}});
  map_.Settle();
  map_.Settle();
  Step(iterator);
  EXPECT_EQ(Here(iterator), "b=");
  Step(iterator);
  EXPECT_EQ(Here(iterator), forward() ? "c=" : "a=");
}

INSTANTIATE_TEST_SUITE_P(, LargeStepTest, testing::Bool(),
                         [](const auto& row) { return row.param ? "Forward" : "Backward"; });

// While the iterator hops, the state it leaves is freed as soon as its slot names another; its
// fences must not be needed any more.
TEST(SnapshotIteratorTest, TheStateItLeavesMayGoDuringTheHop) {
  for (const bool forward : {true, false}) {
    SCOPED_TRACE(forward ? "forward" : "backward");
    TestMap map;
    for (size_t i = 0; i < 4; ++i) map.Put(Key(i), "v");
    map.Settle();
    ASSERT_EQ(map.Leaves().size(), 2u);
    // What is hopped to has a fresh write, which the cursor must allocate for.
    const size_t from = forward ? 1 : 2;
    const size_t to = forward ? 2 : 1;
    map.Put(Key(to), "fresh");
    if (map.ChainOf(Key(to)) != "5:fresh" + std::string(" ") + std::to_string(to + 1) + ":v")
      continue;
    SnapshotSlot* snapshot = map.Pin();
    Iterator iterator = Open(map, snapshot);
    iterator.Seek(Key(from));
    ASSERT_EQ(Here(iterator), Key(from) + "=v");
    // The leaf it stands in gets a new state; the old one waits for the iterator alone.
    for (int i = 0; i < 20; ++i) map.Put(Key(from), "new");
    for (int round = 0; round < 3; ++round) map.map().Reclaim();
    ASSERT_GT(map.map().retired_bytes(), 0u);
    {
      const AllocationHook hook([&map] { map.map().Reclaim(); });
      forward ? iterator.Next() : iterator.Prev();
    }
    EXPECT_EQ(Here(iterator), Key(to) + "=fresh");
    map.map().Reclaim();
    EXPECT_EQ(map.map().retired_bytes(), 0u);
    map.Drop(snapshot);
  }
}

TEST(SnapshotIteratorTest, ASeekAfterAFailedOneShowsEverything) {
  int failures = 0;
  for (int succeeding = 0; succeeding < 8; ++succeeding) {
    for (int again = 0; again < 8; ++again) {  // Invariant builds take shortcuts at random.
      TestMap map(test::RoomyTuning());
      map.Commit({{"a", "frozen"}, {"z", "frozen"}});
      map.Settle();
      Writes writes;
      Entries expected = {{"a", "frozen"}, {"z", "frozen"}};
      for (size_t i = 0; i < 12; ++i) {
        writes[Key(i)] = "fresh";
        expected[Key(i)] = "fresh";
      }
      map.Commit(writes);
      SnapshotSlot* snapshot = map.Pin();
      Iterator iterator = Open(map, snapshot);
      bool failed;
      {
        int left = succeeding;
        const AllocationHook hook([&left] {
          if (left-- <= 0) throw std::bad_alloc();
        });
        iterator.SeekToFirst();
        failed = !iterator.Valid();
      }
      if (failed) {
        ++failures;
        EXPECT_EQ(iterator.status().code(), absl::StatusCode::kResourceExhausted);
        iterator.Next();
        EXPECT_FALSE(iterator.Valid());
      }
      EXPECT_EQ(All(iterator, again % 2 == 0), expected) << "after " << succeeding;
      map.Drop(snapshot);
    }
  }
  EXPECT_GE(failures, 16);
}

TEST(SnapshotIteratorTest, OneThatCannotBeMadeHoldsNothing) {
  TestMap map;
  map.Put("key", "old");
  SnapshotSlot* snapshot = map.Pin();
  for (const bool crossed : {false, true}) {
    IteratorOptions options;
    options.lower_bound = crossed ? "z" : "a";
    options.upper_bound = "b, and long enough to be allocated by itself";
    for (int succeeding = 0; succeeding < 30; ++succeeding) {
      int left = succeeding;
      // The hook goes before the iterator does.
      const Iterator iterator = [&] {
        const AllocationHook hook([&left] {
          if (left-- == 0) throw std::bad_alloc();
        });
        return Open(map, snapshot, options);
      }();
      EXPECT_FALSE(iterator.Valid());
    }
  }
  EXPECT_EQ(map.map().hazards().claimed_count(), 0u);
  map.Put("key", "new");
  map.Drop(snapshot);
  map.Settle();
  EXPECT_EQ(map.ChainOf("key"), "2:new") << "a handle on the snapshot was left behind";
}

TEST(SnapshotIteratorTest, BoundsHoldInEveryMove) {
  TestMap map;
  for (size_t i = 0; i < 100; ++i) map.Put(Key(i), "v");
  SnapshotSlot* snapshot = map.Pin();
  const std::string lower = Key(20);
  const std::string upper = Key(70);
  IteratorOptions options;
  options.lower_bound = lower;
  options.upper_bound = upper;
  Iterator iterator = Open(map, snapshot, options);
  const struct {
    const char* name;
    void (Iterator::*seek)(std::string_view);
    std::string target;
    std::string expected;
  } kCases[] = {
      {"Seek below", &Iterator::Seek, "", Key(20) + "=v"},
      {"Seek at the lower bound", &Iterator::Seek, lower, Key(20) + "=v"},
      {"Seek inside", &Iterator::Seek, Key(50), Key(50) + "=v"},
      {"Seek at the last", &Iterator::Seek, Key(69), Key(69) + "=v"},
      {"Seek behind the last", &Iterator::Seek, Key(69) + "a", "nowhere"},
      {"Seek at the upper bound", &Iterator::Seek, upper, "nowhere"},
      {"Seek above", &Iterator::Seek, "z", "nowhere"},
      {"SeekForPrev below", &Iterator::SeekForPrev, "", "nowhere"},
      {"SeekForPrev at the lower bound", &Iterator::SeekForPrev, lower, Key(20) + "=v"},
      {"SeekForPrev inside", &Iterator::SeekForPrev, Key(50) + "a", Key(50) + "=v"},
      {"SeekForPrev at the upper bound", &Iterator::SeekForPrev, upper, Key(69) + "=v"},
      {"SeekForPrev above", &Iterator::SeekForPrev, "z", Key(69) + "=v"},
  };
  for (const auto& c : kCases) {
    (iterator.*c.seek)(c.target);
    EXPECT_EQ(Here(iterator), c.expected) << c.name;
  }
  EXPECT_EQ(All(iterator, true).size(), 50u);
  EXPECT_FALSE(iterator.Valid());
  iterator.Next();
  EXPECT_FALSE(iterator.Valid());
  iterator.Prev();
  EXPECT_EQ(Here(iterator), Key(69) + "=v");
  EXPECT_EQ(All(iterator, false).size(), 50u);
  iterator.Prev();
  EXPECT_FALSE(iterator.Valid());
  iterator.Next();
  EXPECT_EQ(Here(iterator), Key(20) + "=v");
  map.Drop(snapshot);
}

TEST(SnapshotIteratorTest, PositionsSayWhereItStands) {
  TestMap map;
  map.Put("m", "v");
  SnapshotSlot* snapshot = map.Pin();
  const auto iterator =
      SnapshotIterator::Make(&map.versioned(), snapshot, KeyBounds(), false, false);
  EXPECT_EQ(iterator->position(), Position::kUnpositioned);
  EXPECT_FALSE(iterator->MoveForward());
  EXPECT_FALSE(iterator->MoveBackward());
  EXPECT_EQ(iterator->position(), Position::kUnpositioned);
  EXPECT_TRUE(iterator->Seek("a"));
  EXPECT_EQ(iterator->position(), Position::kAt);
  EXPECT_FALSE(iterator->MoveForward());
  EXPECT_EQ(iterator->position(), Position::kAfterLast);
  EXPECT_FALSE(iterator->MoveForward());
  EXPECT_TRUE(iterator->MoveBackward());
  EXPECT_EQ(iterator->position(), Position::kAt);
  EXPECT_FALSE(iterator->MoveBackward());
  EXPECT_EQ(iterator->position(), Position::kBeforeFirst);
  EXPECT_FALSE(iterator->MoveBackward());
  EXPECT_TRUE(iterator->MoveForward());
  EXPECT_EQ(iterator->position(), Position::kAt);
  map.Drop(snapshot);
}

TEST(SnapshotIteratorTest, OneWithoutASnapshotAnchorsAtItsFirstSeek) {
  TestMap map;
  map.Put("key", "1");
  Iterator iterator = Open(map, nullptr);
  EXPECT_EQ(iterator.read_ts(), std::nullopt);
  map.Put("key", "2");
  iterator.SeekToFirst();
  EXPECT_EQ(iterator.read_ts(), CommitTs{2});
  map.Put("key", "3");
  iterator.SeekToFirst();
  EXPECT_EQ(Here(iterator), "key=2");
  EXPECT_TRUE(iterator.Refresh().ok());
  EXPECT_FALSE(iterator.Valid());
  EXPECT_EQ(map.map().hazards().claimed_count(), 1u);
  map.Settle();
  EXPECT_EQ(map.ChainOf("key"), "3:3") << "the anchor is gone";
  iterator.SeekToLast();
  EXPECT_EQ(Here(iterator), "key=3");
}

TEST(SnapshotIteratorTest, AClonePinsForItself) {
  TestMap map(test::RoomyTuning());
  map.Commit({{"a", "small"}, {"b", Large("b")}, {"c", "small"}});
  Iterator original = Open(map, nullptr);
  original.Seek("b");
  std::optional<Iterator> clone = original.Clone();
  EXPECT_EQ(Here(*clone), "b=" + Large("b"));
  { const Iterator gone = std::move(original); }
  map.Commit({{"a", {}}, {"b", {}}, {"c", {}}});
  map.Settle();
  map.Settle();
  EXPECT_EQ(Here(*clone), "b=" + Large("b"));
  clone->Next();
  EXPECT_EQ(Here(*clone), "c=small");
  EXPECT_EQ(All(*clone, false).size(), 3u);
  clone.reset();
  map.Settle();
  EXPECT_EQ(map.large_count(), 0u);
  EXPECT_EQ(map.VersionCount(), 0u);
}

TEST(SnapshotIteratorTest, AfterCloseItFinishesItsWindowAndFails) {
  TestMap map(test::RoomyTuning());
  Writes writes;
  for (size_t i = 0; i < 100; ++i) writes[Key(i)] = "v";
  map.Commit(writes);
  map.Settle();
  Iterator iterator = Open(map, nullptr);
  iterator.SeekToFirst();
  VersionedMap* versioned = map.Release();
  versioned->Close();
  versioned->Abandon();
  size_t shown = 0;
  for (; iterator.Valid(); iterator.Next()) EXPECT_EQ(iterator.key(), Key(shown++));
  EXPECT_GE(shown, 1u);
  EXPECT_LT(shown, 100u);
  EXPECT_EQ(iterator.status().code(), absl::StatusCode::kFailedPrecondition);
  iterator.SeekToFirst();
  EXPECT_FALSE(iterator.Valid());
  EXPECT_EQ(iterator.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SnapshotIteratorTest, KeysOfEverySizeAndByteComeInOrder) {
  TestMap map;
  Entries expected;
  const std::string huge(65'534, 'h');
  const std::string deep(30, 'p');
  for (const std::string& key :
       {std::string(), std::string("\0", 1), std::string("\0\0", 2), std::string("\0\1", 2), huge,
        huge + "a", huge + "b", deep, deep + "a", deep + "aaaaa1", deep + "aaaaa2",
        std::string("\xff"), std::string("\xff\xff\xff\xff\xff"), deep + std::string("\0", 1)}) {
    expected[key] = "value " + std::to_string(expected.size());
    map.Put(key, expected[key]);
  }
  SnapshotSlot* snapshot = map.Pin();
  Iterator iterator = Open(map, snapshot);
  for (const bool settled : {false, true}) {
    if (settled) map.Settle();
    for (const bool forward : {true, false}) EXPECT_TRUE(All(iterator, forward) == expected);
    for (const auto& [key, value] : expected) {
      iterator.Seek(key);
      ASSERT_TRUE(iterator.Valid() && iterator.key() == key);
      iterator.SeekForPrev(key);
      ASSERT_TRUE(iterator.Valid() && iterator.value() == value);
    }
  }
  map.Drop(snapshot);
}

TEST(SnapshotIteratorTest, SeesItsSnapshotWhateverIsPrunedAroundIt) {
  TestMap map;
  std::vector<std::pair<SnapshotSlot*, Entries>> snapshots;
  Entries now;
  for (size_t round = 0; round < 12; ++round) {
    for (size_t i = 0; i < 60; ++i) {
      const std::string key = Key((i * 31 + round * 17) % 80);
      if ((i + round) % 4 == 0) {
        map.Delete(key);
        now.erase(key);
      } else {
        now[key] =
            (i + round) % 5 == 0 ? Large(key + std::to_string(round)) : std::to_string(round);
        map.Put(key, now[key]);
      }
    }
    snapshots.emplace_back(map.Pin(), now);
    if (round % 3 == 2) {
      map.Drop(snapshots[round / 2].first);
      snapshots.erase(snapshots.begin() + static_cast<std::ptrdiff_t>(round / 2));
      snapshots.insert(snapshots.begin(), snapshots.front());
      map.versioned().ShareSnapshot(snapshots.front().first);
    }
    if (round % 2 == 1) map.Settle();
    for (const auto& [snapshot, expected] : snapshots) {
      Iterator iterator = Open(map, snapshot);
      for (const bool forward : {true, false}) ASSERT_EQ(All(iterator, forward), expected);
    }
  }
  for (const auto& [snapshot, expected] : snapshots) map.Drop(snapshot);
  map.Settle();
  EXPECT_EQ(map.VersionCount(), now.size());
}

}  // namespace
}  // namespace firn::internal
